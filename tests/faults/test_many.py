"""Processes that share the work, one of them cut off from a system, from the database, and the database killed under
all of them: the others go on, it comes back, and nothing doubles.
"""

from __future__ import annotations

import contextlib

from tests.acceptance.program import pairs
from tests.acceptance.service import serving
from tests.faults.box import assert_nothing_is_doubled, behind_a_wire, is_paid, mirrored, pay
from tests.support.databases import rows_of
from tests.support.postgres_proxy import At, through

LEASE_S = 12
SCHEDULE = """jobs:
  - {name: poll, work: poll, every_s: 5}
"""


def test_a_worker_that_is_cut_off_leaves_its_work_to_the_others_and_comes_back(
    tmp_path, box, program, cluster, database, postgres
):
    def settings(url):
        return {
            "CONNECTOR_DATABASE__URL": url,
            "CONNECTOR_DISPATCH": "procrastinate",
            "CONNECTOR_RUN__LEASE_S": str(LEASE_S),
            "CONNECTOR_DATABASE__IDLE_TIMEOUT_S": "4",
            "CONNECTOR_DATABASE__STATEMENT_TIMEOUT_S": "6",
        }

    with contextlib.ExitStack() as running:
        stripe, api_base = running.enter_context(behind_a_wire(box.stripe["api_base"]))

        def start(role, url, **changes):
            return running.enter_context(
                serving(program, tmp_path, role=role, schedule=SCHEDULE, **settings(url), **changes)
            )

        clock = start("clock", database.url)
        far = start("worker", through(postgres, database.url), CONNECTOR_STRIPE__API_BASE=api_base)
        far.until(lambda: mirrored(box) >= 2)

        # from the database, without an error, in the middle of storing an intent: its shards are not given back
        postgres.at_commit(At.HELD, writing="INSERT INTO operation")
        far.until(lambda: postgres.met == 1)
        near = start("worker", database.url)
        near.until(lambda: mirrored(box) > 10 and near.is_at_rest())
        before = box.writes()
        postgres.mend()
        far.until(lambda: far.ask("/readyz").status_code == 200)
        near.until(near.is_at_rest)
        assert box.writes() == before, "what was on its way changed something"

        # from Stripe
        stripe.cut()
        first = pay(box, 0)
        near.until(lambda: is_paid(box, first) and near.is_at_rest())
        stripe.mend()

        # all of them at once
        cluster.stop()
        cluster.start()
        second = pay(box, 1)
        near.until(lambda: is_paid(box, second) and near.is_at_rest())

        # and it is of use again
        assert near.stop() == 0, near.words()
        third = pay(box, 2)
        far.until(lambda: is_paid(box, third) and far.is_at_rest())
        for service in (far, clock):
            assert service.stop() == 0, service.words()
    assert_nothing_is_doubled(box)
    assert pairs(box)[0]["invoices"]
    assert rows_of(database, "SELECT id FROM operation WHERE state IN ('sent', 'unknown')") == []
