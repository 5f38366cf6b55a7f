"""Findings, runs and notes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from connector.core.model import Finding, Severity
from connector.store import open_store
from tests.support.memory import salesforce

INVOICE = salesforce("invoice", "a0I000000000001AAA")
FELL = Finding(
    code="invoice.balance_fell",
    subject=INVOICE.id,
    severity=Severity.ERROR,
    observed="balance 10.00 EUR",
    wanted="balance 12.00 EUR",
    why="the balance fell for a reason that did not come from Stripe",
    remedy="look at the payments of the invoice",
    count=3,
)
UNCLAIMED = replace(FELL, code="customer.unclaimed", subject="customer", severity=Severity.INFO)


class TestFindings:
    def test_a_finding_comes_back_as_reported(self, store):
        store.report([FELL, UNCLAIMED])
        assert store.load_findings() == [UNCLAIMED, FELL]

    def test_seen_again_it_is_the_same_one_with_what_is_true_now(self, store, clock):
        store.report([FELL])
        first_seen_at = clock.now()
        clock.advance(timedelta(hours=1))
        worse = replace(FELL, observed="balance 0.00 EUR", count=4, severity=Severity.BLOCKER)
        store.report([FELL, worse])
        assert store.load_findings() == [worse]
        with store._database.read(1) as tx:
            row = tx.connection.execute(text("SELECT first_seen_at < last_seen_at AS aged FROM finding")).one()
        assert row.aged
        assert first_seen_at < clock.now()

    def test_cleared_findings_are_kept_but_not_shown(self, store):
        store.report([FELL, UNCLAIMED])
        store.report([], cleared=[(FELL.code, FELL.subject), ("no.such", "finding")])
        assert store.load_findings() == [UNCLAIMED]
        assert store.load_findings(include_cleared=True) == [UNCLAIMED, FELL]

    def test_a_cleared_finding_that_is_seen_again_is_open_again(self, store):
        store.report([FELL])
        store.report([], cleared=[(FELL.code, FELL.subject)])
        store.report([FELL])
        assert store.load_findings() == [FELL]

    def test_cleared_and_seen_in_one_report_it_stays_open(self, store):
        store.report([FELL], cleared=[(FELL.code, FELL.subject)])
        assert store.load_findings() == [FELL]


class TestRunsAndNotes:
    def test_a_run_is_visible_while_it_goes_on_and_after_it(self, store, clock):
        started_at = clock.now()
        first = store.start_run("sync --once", started_at)
        second = store.start_run("plan", started_at)
        clock.advance(timedelta(minutes=3))
        store.finish_run(first, clock.now(), {"written": 3, "total": Decimal("1.10")})
        assert store.load_runs() == [
            {
                "id": second,
                "command": "plan",
                "trace_id": None,
                "started_at": started_at,
                "finished_at": None,
                "summary": None,
            },
            {
                "id": first,
                "command": "sync --once",
                "trace_id": None,
                "started_at": started_at,
                "finished_at": clock.now(),
                "summary": {"written": 3, "total": Decimal("1.10")},
            },
        ]
        assert [run["id"] for run in store.load_runs(limit=1)] == [second]

    def test_who_gave_the_command_is_known_from_the_start(self, store, clock):
        store.start_run("adopt", clock.now(), by="kim")
        [run] = store.load_runs()
        assert (run["finished_at"], run["summary"]) == (None, {"by": "kim"})

    def test_a_float_in_a_summary_is_refused_when_it_is_written(self, store, clock):
        run = store.start_run("sync --once", clock.now())
        with pytest.raises(ValueError, match="float"):
            store.finish_run(run, clock.now(), {"kinds": {"invoice": {"seconds": 1.5}}})
        assert [(row["id"], row["summary"]) for row in store.load_runs()] == [(run, None)]

    def test_finishing_a_run_nobody_started_is_a_bug(self, store, clock):
        with pytest.raises(AssertionError, match="never started"):
            store.finish_run(17, clock.now(), {})

    def test_a_note_survives_and_is_replaced(self, store, url, clock):
        assert store.load_note("mapping_digest") is None
        store.save_note("mapping_digest", "abc")
        store.save_note("mapping_digest", "def")
        store.close()
        reopened = open_store(url, clock=clock)
        assert reopened.load_note("mapping_digest") == "def"
        assert reopened.load_note("other") is None
        reopened.close()
