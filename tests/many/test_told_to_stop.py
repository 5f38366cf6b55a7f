"""SIGTERM while a call hangs: the process ends in time, asked twice at once, and what it left in doubt is not done twice."""

from __future__ import annotations

import signal

from tests.acceptance.program import TIMEOUT_S, pairs
from tests.acceptance.service import leases_run_out, serving
from tests.many.test_processes import is_done, require_no_twins
from tests.support.waiting import Stopwatch

WITHIN_S = 30


def test_a_call_that_hangs_does_not_hold_it_and_is_ended_by_the_next_start(tmp_path, box, program, make_gate):
    gate = make_gate()
    gate.shut()
    with serving(program, tmp_path, CONNECTOR_STRIPE__API_BASE=gate.url) as service:
        service.until(lambda: gate.held > 0)
        service.process.send_signal(signal.SIGTERM)
        service.until(lambda: "stopping after the operation in flight" in service.words())
        with Stopwatch() as second:
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(timeout=TIMEOUT_S) == -signal.SIGTERM
        assert second.took_s < 5
    # it begins with what is in doubt, sends it again with the same key, and hangs again
    held = gate.held
    leases_run_out(program)
    with serving(program, tmp_path, CONNECTOR_STRIPE__API_BASE=gate.url) as service:
        service.until(lambda: gate.held > held)
        with Stopwatch() as stop:
            assert service.stop() == 0, service.words()
        assert stop.took_s < WITHIN_S
        assert any(line["event"] == "not waited for" for line in service.lines())
    gate.open()
    leases_run_out(program)
    with serving(program, tmp_path, CONNECTOR_STRIPE__API_BASE=gate.url) as service:
        service.until(lambda: is_done(box, service))
        assert service.stop() == 0, service.words()
    require_no_twins(box)
    assert len(pairs(box)[0]["invoices"]) > 10
