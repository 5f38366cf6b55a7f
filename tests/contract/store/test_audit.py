"""The audit trail: every decision in its own transaction, all of them in one chain."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from connector.core.brake import TrippedBrake
from connector.core.certificate import Certificate
from connector.core.chain import AuditEntry, Seal
from connector.core.errors import LeaseLost
from connector.core.model import LinkState, OperationState, Refusal
from connector.core.verify.checks import Attestation
from connector.ports import Settlement
from connector.store import open_store
from tests.support.memory import IDENTITY, applied, ended, link_of, mirror, operation_on, raised, remember, salesforce
from tests.support.trail import check, details, rows_of, told

INVOICE = salesforce("invoice", "a0I000000000001AAA")
NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


class TestWhatIsTold:
    def test_a_write_leaves_its_intent_and_its_outcome(self, store, clock):
        _, operation = mirror(store, link_of(INVOICE), "in_1")
        outcome, intent = store.load_audit(INVOICE)
        assert [(row["event"], row["at"]) for row in (intent, outcome)] == [
            ("invoice.create begun", clock.now()),
            ("invoice.create applied", clock.now()),
        ]
        named = {
            "operation": operation.id,
            "action": "create",
            "target": "stripe",
            "idempotency_key": operation.idempotency_key,
            "cause": "",
        }
        body_sha256 = hashlib.sha256(operation.body).hexdigest()
        assert intent["detail"] == {**named, "revision": 1, "body_sha256": body_sha256}
        assert outcome["detail"] == {
            **named,
            "state": "settled",
            "attempts": 1,
            "outcome": "applied",
            "request_id": "req_1",
            "result_id": "in_1",
            "link": "open",
            "mate_id": "in_1",
            "revision": 1,
        }

    def test_both_say_why(self, store):
        begun = raised(link_of(INVOICE))
        [operation] = store.begin([begun], [operation_on(begun, cause="poll, event")])
        store.settle([replace(applied(operation, begun, "in_1"), cause="poll, event")])
        assert told(store)[-2:] == [
            ("invoice.create begun", "poll, event"),
            ("invoice.create applied", "poll, event"),
        ]

    def test_a_refusal_says_what_the_system_answered(self, store):
        begun = raised(link_of(INVOICE))
        [operation] = store.begin([begun], [operation_on(begun)])
        parked = replace(begun, state=LinkState.PARKED, reason="Stripe said no", reason_code="invoice.refused")
        refusal = Refusal(code="amount_too_small", message="at least 50 cents")
        store.settle([ended(operation, parked, refusal, OperationState.ABANDONED)])
        row = store.load_audit(INVOICE)[0]
        assert row["event"] == "invoice.create abandoned"
        assert row["detail"]["code"] == "amount_too_small"
        assert row["detail"]["message"] == "at least 50 cents"
        assert row["detail"]["reason_code"] == "invoice.refused"

    def test_an_intent_that_was_not_stored_is_not_told(self, store):
        begun = raised(link_of(INVOICE))
        store.begin([begun], [operation_on(begun)])
        assert store.begin([raised(begun)], [operation_on(raised(begun))]) == []
        assert len(store.load_audit(INVOICE)) == 1

    def test_a_decision_without_a_call_is_told_when_it_says_what_happened(self, store):
        remember(store, link_of(INVOICE))
        assert store.load_audit(INVOICE) == []
        store.settle([Settlement(link=link_of(INVOICE), event="invoice adopted")])
        assert [row["event"] for row in store.load_audit(INVOICE)] == ["invoice adopted"]

    def test_of_a_record_newest_first_and_nothing_of_others(self, store):
        for name in ("first", "second", "third"):
            store.settle([Settlement(link=link_of(INVOICE), event=name)])
        store.settle([Settlement(link=link_of(salesforce("quote", INVOICE.id)), event="other")])
        rows = store.load_audit(INVOICE, limit=2)
        assert [row["event"] for row in rows] == ["third", "second"]
        assert rows[0]["seq"] > rows[1]["seq"]

    def test_runs_are_told_from_their_beginning(self, store, clock):
        run = store.start_run("sync", clock.now())
        assert details(store, "run started") == [{"cause": "command sync", "run": run}]
        store.finish_run(run, clock.now(), {"outcome": "done", "writes": 3})
        summary = {"outcome": "done", "writes": 3}
        assert details(store, "run ended") == [{"cause": "command sync", "run": run, "summary": summary}]

    def test_first_contact_is_told_once(self, store):
        store.pin_identity(replace(IDENTITY, org_id="00D8d000008ZABBBB4"))
        assert [detail["org_id"] for detail in details(store, "identity pinned")] == [IDENTITY.org_id]

    def test_a_brake_says_what_it_saw_and_who_released_it_why(self, store):
        tripped = TrippedBrake(
            name="mass_void",
            subject="invoice",
            tripped_at=NOON,
            observed="40 voids",
            allowed="10",
            plan={"entries": []},
        )
        store.brakes.trip([tripped, tripped])
        store.brakes.release("mass_void", "invoice", by="Ann", reason="year end", at=NOON)
        assert not store.brakes.release("mass_void", "invoice", by="Bob", reason="again", at=NOON)
        assert told(store)[-2:] == [("brake tripped", "brake mass_void"), ("brake released", "person Ann")]
        [detail] = details(store, "brake tripped")
        assert (detail["observed"], detail["allowed"], detail["subject"]) == ("40 voids", "10", "invoice")
        assert details(store, "brake released")[0]["reason"] == "year end"

    def test_a_certificate_is_told(self, store):
        number = store.certificates.save(Certificate(started_at=NOON, as_of=NOON, is_complete=False, detail={}))
        [detail] = details(store, "certificate made")
        assert (detail["certificate"], detail["complete"]) == (number, False)

    def test_what_people_attest_and_take_back_is_told(self, store):
        memory = store.verify_memory("00D8d000008ZAAAEA4")
        memory.save_attestation(
            Attestation(check_id="SF-AUT-1", by="Ann", note="seen", at=NOON, expires=date(2027, 1, 1))
        )
        memory.withdraw_attestation("SF-AUT-1", "Bob", NOON)
        assert told(store)[-2:] == [("check attested", "person Ann"), ("attestation withdrawn", "person Bob")]

    def test_a_decision_about_no_record_is_told_by_itself(self, store):
        store.audit.append([AuditEntry(event="identity refused", cause="command sync", detail={"org": "00D1"})])
        assert told(store)[-1] == ("identity refused", "command sync")
        assert rows_of(store)[-1].born_id == ""


class TestTheChain:
    def test_each_row_holds_the_hash_of_the_one_before(self, store):
        mirror(store, link_of(INVOICE), "in_1")
        rows = rows_of(store)
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert [row.previous_hash for row in rows] == ["", *(row.hash for row in rows[:-1])]
        assert store.audit.load_head().hash == rows[-1].hash
        assert check(store).faults == ()

    def test_it_goes_on_after_a_restart(self, store, url, clock):
        mirror(store, link_of(INVOICE), "in_1")
        another = open_store(url, clock=clock)
        another.save_note("a", "b")
        another.start_run("sync", clock.now())
        another.close()
        report = check(store)
        assert (report.rows, report.faults) == (4, ())

    def test_what_is_rolled_back_leaves_no_gap(self, store):
        begun = raised(link_of(INVOICE))
        [operation] = store.begin([begun], [operation_on(begun)])
        store.settle([applied(operation, begun, "in_1")])
        with pytest.raises(LeaseLost):
            store.settle([applied(operation, begun, "in_2")])
        store.settle([Settlement(link=link_of(INVOICE, mate_id="in_1", revision=1), event="seen")])
        report = check(store)
        assert (report.rows, report.last.seq, report.faults) == (4, 4, ())

    def test_moments_come_back_as_they_were_hashed(self, store, clock):
        for moment in (datetime(2026, 11, 29, 12, 0, 0, 1, tzinfo=UTC), datetime(2026, 11, 29, 12, 0, tzinfo=UTC)):
            clock.set_wall(moment)
            store.start_run("sync", clock.now())
        assert check(store).faults == ()

    def test_workers_that_write_together_make_one_chain(self, store, url, clock):
        """Each takes its turn before it looks for the row to follow on; side by side two would follow on one."""
        stores = [store, *(open_store(url, clock=clock, busy_timeout_s=60) for _ in range(3))]
        barrier = threading.Barrier(len(stores))

        def work(number: int) -> None:
            barrier.wait(timeout=60)
            for n in range(10):
                mirror(stores[number], link_of(salesforce("invoice", f"a0I{number}{n:08d}AAA")), f"in_{number}_{n}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(stores))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=120)
        report = check(store)
        assert (report.rows, report.faults) == (1 + 4 * 10 * 2, ())
        for other in stores[1:]:
            other.close()

    def test_a_batch_costs_the_same_statements_whatever_its_size(self, store):
        sent: list[str] = []
        listen = (store._database.engine, "before_cursor_execute")

        def note(_connection, _cursor, statement, *_rest):
            sent.append(statement)

        event.listen(*listen, note)
        costs = []
        for size in (1, 100):
            sent.clear()
            links = [raised(link_of(salesforce("invoice", f"a0I{size}{n:08d}AAA"))) for n in range(size)]
            stored = store.begin(links, [operation_on(link) for link in links])
            pairs = zip(stored, links, strict=True)
            store.settle([applied(operation, link, f"in_{operation.id}") for operation, link in pairs])
            costs.append(len(sent))
        event.remove(*listen, note)
        assert costs[0] == costs[1]
        assert check(store).faults == ()

    @pytest.mark.parametrize("statement", ["UPDATE audit SET event = 'forged'", "DELETE FROM audit"])
    def test_the_database_refuses_to_change_it(self, store, statement):
        store.settle([Settlement(link=link_of(INVOICE), event="true")])
        with pytest.raises((DBAPIError, AssertionError), match="append-only"), store._database.write(1) as tx:
            tx.connection.execute(text(statement))
        assert [row["event"] for row in store.load_audit(INVOICE)] == ["true"]


class TestWithAKey:
    def test_rows_are_sealed_from_the_moment_there_is_one(self, store, url, clock):
        seal = Seal((b"secret",))
        store.close()
        sealed = open_store(url, clock=clock, seal=seal)
        mirror(sealed, link_of(INVOICE), "in_1")
        report = check(sealed)
        assert (report.faults, report.keyed_from) == ((), 2)
        assert rows_of(sealed)[-1].hash.startswith("hmac-sha256:")
        sealed.close()

    def test_an_earlier_key_still_proves_what_it_sealed(self, url, clock):
        for keys in ((b"first",), (b"second", b"first")):
            with_key = open_store(url, clock=clock, seal=Seal(keys))
            with_key.start_run("sync", clock.now())
            assert check(with_key).faults == ()
            with_key.close()
