"""Findings, the audit trail, runs and notes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from connector.core.model import Finding, LinkState, OperationState, Refusal, Severity
from connector.ports import Settlement
from connector.store import open_store
from tests.support.memory import ended, link_of, mirror, operation_on, raised, remember, salesforce

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


class TestAudit:
    def test_a_write_leaves_one_row_that_names_operation_and_outcome(self, store, clock):
        _, operation = mirror(store, link_of(INVOICE), "in_1")
        [row] = store.load_audit(INVOICE)
        assert (row["event"], row["at"]) == ("invoice.create applied", clock.now())
        assert row["detail"] == {
            "operation": operation.id,
            "action": "create",
            "target": "stripe",
            "idempotency_key": operation.idempotency_key,
            "state": "settled",
            "outcome": "applied",
            "request_id": "req_1",
            "result_id": "in_1",
            "link": "open",
            "mate_id": "in_1",
            "revision": 1,
        }

    def test_a_refusal_says_why(self, store):
        begun = raised(link_of(INVOICE))
        [operation] = store.begin([begun], [operation_on(begun)])
        parked = replace(begun, state=LinkState.PARKED, reason="Stripe said no", reason_code="invoice.refused")
        refusal = Refusal(code="amount_too_small", message="at least 50 cents")
        store.settle([ended(operation, parked, refusal, OperationState.ABANDONED)])
        [row] = store.load_audit(INVOICE)
        assert row["event"] == "invoice.create abandoned"
        assert row["detail"]["code"] == "amount_too_small"
        assert row["detail"]["message"] == "at least 50 cents"
        assert row["detail"]["reason_code"] == "invoice.refused"

    def test_a_decision_without_a_call_is_audited_when_it_says_what_happened(self, store):
        remember(store, link_of(INVOICE))
        assert store.load_audit(INVOICE) == []
        store.settle([Settlement(link=link_of(INVOICE), event="invoice adopted")])
        assert [row["event"] for row in store.load_audit(INVOICE)] == ["invoice adopted"]

    def test_newest_first_and_only_of_this_record(self, store):
        for event in ("first", "second", "third"):
            store.settle([Settlement(link=link_of(INVOICE), event=event)])
        store.settle([Settlement(link=link_of(salesforce("quote", INVOICE.id)), event="other")])
        rows = store.load_audit(INVOICE, limit=2)
        assert [row["event"] for row in rows] == ["third", "second"]
        assert rows[0]["seq"] > rows[1]["seq"]

    @pytest.mark.parametrize("statement", ["UPDATE audit SET event = 'forged'", "DELETE FROM audit"])
    def test_the_database_refuses_to_change_it(self, store, statement):
        store.settle([Settlement(link=link_of(INVOICE), event="true")])
        with pytest.raises((DBAPIError, AssertionError), match="append-only"), store._database.write(1) as tx:
            tx.connection.execute(text(statement))
        assert [row["event"] for row in store.load_audit(INVOICE)] == ["true"]


class TestRunsAndNotes:
    def test_a_run_is_visible_while_it_goes_on_and_after_it(self, store, clock):
        started_at = clock.now()
        first = store.start_run("sync --once", started_at)
        second = store.start_run("plan", started_at)
        clock.advance(timedelta(minutes=3))
        store.finish_run(first, clock.now(), {"written": 3, "total": Decimal("1.10")})
        assert store.load_runs() == [
            {"id": second, "command": "plan", "started_at": started_at, "finished_at": None, "summary": None},
            {
                "id": first,
                "command": "sync --once",
                "started_at": started_at,
                "finished_at": clock.now(),
                "summary": {"written": 3, "total": Decimal("1.10")},
            },
        ]
        assert [run["id"] for run in store.load_runs(limit=1)] == [second]

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
