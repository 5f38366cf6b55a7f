"""What is stored in one unit of work names it, beside what joins it to the two systems; nothing else changes."""

from __future__ import annotations

from sqlalchemy import text

from connector.core.chain import AuditEntry
from connector.core.model import Delay, OperationState, Unknown
from tests.contract.store.test_events import event, receive
from tests.support.memory import ended, link_of, mirror, operation_on, raised, salesforce
from tests.support.trail import check

INVOICE = salesforce("invoice", "a0I000000000001AAA")
FIRST, SECOND = "1" * 32, "2" * 32


def traces_of(store, table: str) -> list[str | None]:
    with store._database.read(1) as tx:
        return list(tx.connection.execute(text(f"SELECT trace_id FROM {table}")).scalars())


def test_a_write_is_found_by_its_trace_with_key_and_request(store):
    _, operation = mirror(store.traced(FIRST), link_of(INVOICE), "in_1")
    mirror(store.traced(SECOND), link_of(salesforce("invoice", "a0I000000000002AAA")), "in_2")
    rows = store.audit.load_of_trace(FIRST)
    assert [(row.event, row.born_id) for row in rows] == [
        ("invoice.create begun", INVOICE.id),
        ("invoice.create applied", INVOICE.id),
    ]
    assert all(operation.idempotency_key in row.detail_json for row in rows)
    assert '"request_id":"req_1"' in rows[-1].detail_json
    assert sorted(traces_of(store, "operation")) == [FIRST, SECOND]
    assert store.audit.load_of_trace("3" * 32) == []
    assert len(store.audit.load_of_trace(FIRST, limit=1)) == 1
    assert check(store).faults == ()


def test_an_intent_keeps_the_trace_it_began_in_and_its_end_has_its_own(store):
    begun = raised(link_of(INVOICE))
    [operation] = store.traced(FIRST).begin([begun], [operation_on(begun)])
    lost = Unknown(code="timeout", message="no answer", request_id="req_9")
    store.traced(SECOND).settle([ended(operation, begun, lost, OperationState.UNKNOWN)])
    assert traces_of(store, "operation") == [FIRST]
    assert [row.event for row in store.audit.load_of_trace(SECOND)] == ["invoice.create unknown"]


def test_what_failed_is_told_with_the_systems_own_id_of_the_request(store):
    begun = raised(link_of(INVOICE))
    [operation] = store.begin([begun], [operation_on(begun)])
    delay = Delay(code="http_503", message="busy", request_id="req_503")
    store.settle([ended(operation, begun, delay, OperationState.ABANDONED)])
    assert store.load_audit(INVOICE)[0]["detail"]["request_id"] == "req_503"


def test_runs_and_events_name_theirs(store, clock):
    run = store.traced(FIRST).start_run("sync", clock.now())
    receive(store.traced(SECOND), event())
    receive(store.traced(FIRST), event())
    assert store.load_run(run)["trace_id"] == FIRST
    assert store.events.load("evt_1").trace_id == SECOND, "of the unit that took it in, not of a later delivery"


def test_a_record_that_quotes_a_trace_is_not_of_it(store):
    quoting = f'"trace_id":"{FIRST}"'
    store.audit.append([AuditEntry(event="x", cause="y", detail={"message": quoting})])
    assert store.audit.load_of_trace(FIRST) == []


def test_without_a_unit_of_work_nothing_is_named(store):
    mirror(store, link_of(INVOICE), "in_1")
    assert traces_of(store, "operation") == [None]
    assert all("trace_id" not in row["detail"] for row in store.load_audit(INVOICE))
