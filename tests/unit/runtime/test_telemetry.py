"""Logs: one canonical line per unit of work, libraries included, nothing secret in any of them."""

from __future__ import annotations

import io
import json
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from connector.core.errors import Interrupted
from connector.core.model import Side
from connector.remote import Exchange
from connector.runtime.clock import new_trace_id
from connector.runtime.telemetry import IDLE, configure, log_exchange, recorded_unit, unit_of_work
from connector.store import open_store
from connector.workers import THREADS
from tests.support.clock import ManualClock

CANARY = "sk_live_" + "c" * 20


@pytest.fixture
def clock():
    return ManualClock(datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.fixture
def lines(clock):
    """Logs as JSON into memory; the process's own logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure(log_format="json", level="info", clock=clock, stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_a_unit_of_work_is_one_line(lines, clock):
    with unit_of_work("sync", clock=clock, run=7) as facts:
        facts["writes"] = 3
        clock.advance(timedelta(seconds=1.5))
    assert lines() == [
        {
            "event": "sync",
            "level": "info",
            "logger": "connector",
            "timestamp": "2026-11-21T12:00:01.500+00:00",
            "run": 7,
            "writes": 3,
            "outcome": "done",
            "duration_ms": 1500,
        }
    ]


def test_a_unit_that_fails_says_so_and_lets_the_error_go(lines, clock):
    with pytest.raises(ValueError, match="broken"), unit_of_work("sync", clock=clock):
        raise ValueError(f"broken by {CANARY}")
    (line,) = lines()
    assert (line["outcome"], line["level"]) == ("failed", "error")
    assert line["error"] == "ValueError: broken by sk_live_***"


def test_what_is_stored_of_a_failed_unit_holds_no_secret_either(lines, clock):
    """The facts are kept with the run and in the audit trail, where no log processor sees them."""
    with pytest.raises(ValueError, match="broken"), unit_of_work("sync", clock=clock) as facts:
        raise ValueError(f"broken by {CANARY}, ap@acme.com")
    assert facts["error"] == "ValueError: broken by sk_live_***, a***@acme.com"


def test_a_unit_that_is_stopped_is_no_failure(lines, clock):
    with pytest.raises(Interrupted), unit_of_work("sync", clock=clock):
        raise Interrupted("invoice, 3 records looked at")
    (line,) = lines()
    assert (line["outcome"], line["level"]) == ("interrupted", "info")


def test_whatever_is_logged_within_a_unit_carries_its_trace_on_every_thread_of_ours(lines, clock):
    logger = structlog.get_logger("connector")
    with unit_of_work("drain", clock=clock, trace_id="a" * 32, shard=1), THREADS.pool(size=1, name="apply") as pool:
        pool.submit(logger.warning, "slow").result()
    logger.warning("outside")
    assert [(line["event"], line.get("trace_id")) for line in lines()] == [
        ("slow", "a" * 32),
        ("drain", "a" * 32),
        ("outside", None),
    ]


def test_a_unit_that_found_nothing_to_do_is_no_line_unless_it_failed(lines, clock):
    with unit_of_work("drain", clock=clock) as facts:
        facts[IDLE] = True
    assert lines() == []

    def fail(facts):
        facts[IDLE] = True
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), unit_of_work("drain", clock=clock) as facts:
        fail(facts)
    assert [(line["event"], line["outcome"]) for line in lines()] == [("drain", "failed")]
    assert IDLE not in lines()[0]


def test_a_recorded_unit_is_one_line_and_one_run_with_the_same_trace(lines, clock, tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/state.sqlite", clock=clock).traced("b" * 32)

    def fail(facts):
        facts["signalled"] = 2
        raise ValueError("broken")

    unit = recorded_unit("sweep", store=store, clock=clock, trace_id="b" * 32, work="sweep")
    with pytest.raises(ValueError, match="broken"), unit as facts:
        fail(facts)
    [line], [run] = lines(), store.load_runs()
    assert (line["trace_id"], line["run"], line["signalled"]) == (run["trace_id"], run["id"], 2)
    assert (run["trace_id"], run["summary"]["outcome"]) == ("b" * 32, "failed")
    store.close()


def test_a_trace_id_has_the_form_of_w3c_and_is_never_given_twice():
    given = {new_trace_id() for _ in range(100)}
    assert len(given) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in given)


def test_a_secret_is_hidden_wherever_it_is_logged(lines):
    logger = structlog.get_logger("connector")
    failure = RuntimeError(f"no access with {CANARY}")
    logger.error("refused", found=f"by {CANARY}", exc_info=failure, api_key=CANARY, note=[{"deep": CANARY}])
    logging.getLogger("some.library").warning("library says %s", CANARY)
    logging.getLogger("some.library").warning("ap@acme.com paid")
    logger.bind(email="ap@acme.com", phone="+1 555").warning("bound")
    text = json.dumps(lines())
    assert "cccc" not in text
    assert "ap@acme.com" not in text
    assert "+1 555" not in text
    assert len(lines()) == 4


def test_libraries_are_limited_to_warnings(lines):
    logging.getLogger("urllib3.connectionpool").info("GET /v1/events")
    logging.getLogger("stripe").info("message='Request to Stripe api'")
    assert lines() == []
    logging.getLogger("stripe").warning("deprecated")
    assert [line["event"] for line in lines()] == ["deprecated"]


def test_a_job_that_is_still_at_work_is_no_line_for_each_of_its_moments(lines):
    logging.getLogger("apscheduler.scheduler").warning("skipped: maximum number of running instances reached (1)")
    assert lines() == []
    logging.getLogger("apscheduler.scheduler").error("broken")
    assert [line["event"] for line in lines()] == ["broken"]


def test_a_level_is_a_level(lines, clock):
    stream = io.StringIO()
    configure(log_format="json", level="warning", clock=clock, stream=stream)
    structlog.get_logger("connector").info("quiet")
    structlog.get_logger("connector").warning("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_the_console_form_is_for_people(lines, clock):
    stream = io.StringIO()
    configure(log_format="console", level="info", clock=clock, stream=stream)
    structlog.get_logger("connector").info("sync", writes=3, api_key=CANARY)
    text = stream.getvalue()
    assert "writes=3" in text
    assert "cccc" not in text
    assert "\x1b[" not in text  # no colours outside a terminal


@pytest.mark.parametrize(("level", "shown"), [("debug", 1), ("info", 0)])
def test_a_request_is_a_line_for_who_debugs_and_is_found_by_the_systems_own_id(lines, clock, level, shown):
    stream = io.StringIO()
    configure(log_format="json", level=level, clock=clock, stream=stream)
    log_exchange(Exchange(side=Side.STRIPE, code="200", took_s=0.25, request_id="req_1"))
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    wanted = {"event": "request", "api": "stripe", "code": "200", "duration_ms": 250, "request_id": "req_1"}
    assert [{name: each[name] for name in wanted} for each in told] == [wanted] * shown
