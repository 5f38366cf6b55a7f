"""Intent before the call, truth after it: begin, settle, and who wins when two workers meet."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from connector.core.errors import LeaseLost
from connector.core.model import Applied, Delay, LinkState, OperationState, Refusal, Unknown
from connector.ports import Settlement
from connector.store import open_store
from tests.support.memory import applied, ended, link_of, mirror, operation_on, raised, remember, salesforce

INVOICE = salesforce("invoice", "a0I000000000001AAA")
OTHER = salesforce("invoice", "a0I000000000002AAA")


def test_begin_makes_intent_and_link_durable_before_the_call(store, url, clock):
    begun = raised(link_of(INVOICE, shard=2))
    intent = operation_on(begun)
    [stored] = store.begin([begun], [intent])
    assert stored == replace(intent, id=stored.id, first_sent_at=clock.now())
    assert stored.id is not None
    another = open_store(url, clock=clock)
    assert list(another.load_unresolved()) == [stored]
    assert another.load_links([INVOICE]) == {INVOICE: begun}
    another.close()


def test_the_bytes_sent_again_are_the_bytes_stored(store):
    begun = raised(link_of(INVOICE))
    body = '{"memo":"Größe \u2713","nul":"\\u0000"}'.encode()
    store.begin([begun], [operation_on(begun, body=body)])
    [stored] = store.load_unresolved()
    assert stored.body == body


def test_a_link_with_an_unresolved_operation_gets_no_second_one_and_keeps_its_revision(store):
    first = raised(link_of(INVOICE))
    store.begin([first], [operation_on(first)])
    second, other = raised(first), raised(link_of(OTHER))
    stored = store.begin([second, other], [operation_on(second, "update"), operation_on(other)])
    assert [operation.born for operation in stored] == [OTHER]
    assert store.load_links([INVOICE, OTHER]) == {INVOICE: first, OTHER: other}


def test_an_unknown_outcome_keeps_the_link_taken(store):
    begun = raised(link_of(INVOICE))
    [operation] = store.begin([begun], [operation_on(begun)])
    store.settle([ended(operation, begun, Unknown(code="timeout", message="no reply"), OperationState.UNKNOWN)])
    assert store.begin([raised(begun)], [operation_on(raised(begun))]) == []
    [unresolved] = store.load_unresolved([INVOICE])
    assert unresolved == replace(operation, state=OperationState.UNKNOWN, attempts=1)


@pytest.mark.parametrize("state", [OperationState.SETTLED, OperationState.ABANDONED])
def test_an_ended_operation_frees_the_link(store, state):
    begun = raised(link_of(INVOICE))
    [operation] = store.begin([begun], [operation_on(begun)])
    store.settle([ended(operation, begun, Refusal(code="x", message="no"), state)])
    assert list(store.load_unresolved()) == []
    assert len(store.begin([raised(begun)], [operation_on(raised(begun))])) == 1


def test_operations_come_back_in_the_order_given_also_in_large_batches(store):
    links = [raised(link_of(salesforce("invoice", f"a0I{n * 7919 % 1000:012d}AAA"))) for n in range(600)]
    operations = [operation_on(link) for link in links]
    stored = store.begin(links, operations)
    assert [operation.idempotency_key for operation in stored] == [item.idempotency_key for item in operations]
    store.settle([applied(item, link, f"in_{item.id}") for item, link in zip(stored, links, strict=True)])
    found = store.load_links([link.born for link in links])
    assert {item.born: f"in_{item.id}" for item in stored} == {born: link.mate_id for born, link in found.items()}


def test_unresolved_operations_of_some_links_or_of_all_oldest_first(store):
    first, second = raised(link_of(OTHER)), raised(link_of(INVOICE))
    for link in (first, second):
        store.begin([link], [operation_on(link)])
    assert [operation.born for operation in store.load_unresolved()] == [OTHER, INVOICE]
    assert [operation.born for operation in store.load_unresolved([INVOICE])] == [INVOICE]
    assert list(store.load_unresolved([])) == []
    assert list(store.load_unresolved([salesforce("quote", INVOICE.id)])) == []


def test_an_operation_without_its_link_is_a_bug_and_stores_nothing(store):
    with pytest.raises(AssertionError, match="constraint"):
        store.begin([], [operation_on(raised(link_of(INVOICE)))])
    assert list(store.load_unresolved()) == []


def test_a_used_up_key_is_refused(store):
    """Its call has been made and ended: sending it again would replay an old answer as a new one."""
    link, _ = mirror(store, link_of(INVOICE), "in_1")
    with pytest.raises(LeaseLost, match="revision 1 has already ended"):
        store.begin([link], [operation_on(link)])


def test_who_settles_second_changes_nothing(store):
    begun = raised(link_of(INVOICE))
    [operation] = store.begin([begun], [operation_on(begun)])
    store.settle([applied(operation, begun, "in_1")])
    with pytest.raises(LeaseLost):
        store.settle([applied(operation, begun, "in_2")])
    assert store.load_links([INVOICE])[INVOICE].mate_id == "in_1"
    assert [row["event"] for row in store.load_audit(INVOICE)] == ["invoice.create applied", "invoice.create begun"]


def test_settling_what_was_never_begun_is_a_bug(store):
    begun = raised(link_of(INVOICE))
    with pytest.raises(AssertionError, match="begin"):
        store.settle([applied(operation_on(begun), begun, "in_1")])


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [
        (Applied(target_id="in_1", request_id="req_9"), ("applied", None, None, "req_9", "in_1")),
        (
            Refusal(code="amount_too_small", message="no", request_id="r"),
            ("refused", "amount_too_small", "no", "r", None),
        ),
        (Delay(code="lock", message="later"), ("delayed", "lock", "later", None, None)),
        (Unknown(code="timeout", message="?"), ("unknown", "timeout", "?", None, None)),
    ],
)
def test_every_kind_of_outcome_is_kept_with_its_operation(store, outcome, wanted, clock):
    begun = raised(link_of(INVOICE))
    [operation] = store.begin([begun], [operation_on(begun)])
    clock.advance(timedelta(seconds=2))
    store.settle([ended(operation, begun, outcome, OperationState.ABANDONED)])
    with store._database.read(1) as tx:
        row = tx.connection.execute(text("SELECT * FROM operation")).one()
    assert (row.outcome, row.code, row.message, row.request_id, row.result_id) == wanted
    assert row.attempts == 1
    assert row.settled_at is not None


def test_two_workers_with_the_same_intent_only_one_gets_it(store, url, clock):
    """Correctness rests on the partial unique index: here nothing else stands between them."""
    rounds = 20
    links = [raised(link_of(salesforce("invoice", f"a0I{n:012d}AAA"))) for n in range(rounds)]
    stores = [store, open_store(url, clock=clock, busy_timeout_s=30)]
    barrier = threading.Barrier(len(stores))
    won: list[list[int]] = [[], []]
    errors: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for number, link in enumerate(links):
                barrier.wait(timeout=60)
                if stores[worker].begin([link], [operation_on(link)]):
                    won[worker].append(number)
        except BaseException as error:  # noqa: BLE001 -- re-raised in the main thread
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    stores[1].close()
    assert errors == []
    assert sorted(won[0] + won[1]) == list(range(rounds))
    assert len(store.load_unresolved()) == rounds


def made_meanwhile(store):
    """A link as a second worker loads it while the first one's create is under way, and as it is once that ended."""
    seen = raised(link_of(INVOICE))
    [operation] = store.begin([seen], [operation_on(seen)])
    settlement = applied(operation, seen, "in_1")
    store.settle([settlement])
    return seen, settlement.link


def test_what_another_worker_made_meanwhile_is_not_made_again_under_a_higher_revision(store):
    """The window between loading a link and beginning: the operation seen has ended, and no index is in the way."""
    seen, done = made_meanwhile(store)
    again = raised(seen)
    with pytest.raises(LeaseLost):
        store.begin([again], [operation_on(again)])
    assert store.load_links([INVOICE]) == {INVOICE: done}
    assert list(store.load_unresolved()) == []


def test_a_decision_from_before_does_not_take_the_mate_away_again(store):
    seen, done = made_meanwhile(store)
    with pytest.raises(LeaseLost):
        store.settle([Settlement(link=replace(seen, state=LinkState.PARKED, reason="old news"))])
    assert store.load_links([INVOICE]) == {INVOICE: done}


def test_another_step_at_a_revision_that_is_used_up_is_refused(store):
    _, done = made_meanwhile(store)
    with pytest.raises(LeaseLost):
        store.begin([done], [operation_on(done, "finalize")])


def test_who_knows_the_mate_goes_on_and_may_make_it_history(store):
    _, done = made_meanwhile(store)
    after = replace(raised(done), mate_id=None, earlier_mates=("in_1",))
    assert len(store.begin([after], [operation_on(after)])) == 1
    assert store.load_links([INVOICE]) == {INVOICE: after}


def test_the_database_itself_refuses_a_second_unresolved_operation(store):
    begun = raised(link_of(INVOICE))
    store.begin([begun], [operation_on(begun)])
    twin = text(
        "INSERT INTO operation (scope_id, kind, born_side, born_id, target, action, body, revision, idempotency_key,"
        " state, attempts, first_sent_at) SELECT scope_id, kind, born_side, born_id, target, action, body, revision,"
        " 'another', 'unknown', attempts, first_sent_at FROM operation"
    )
    with pytest.raises(AssertionError, match="constraint"), store._database.write(1) as tx:
        tx.connection.execute(twin)


def test_threads_of_one_process_share_the_store(store):
    """Four shards drain at once."""
    errors: list[BaseException] = []

    def drain(shard: int) -> None:
        try:
            for number in range(10):
                mirror(store, link_of(salesforce("invoice", f"{shard}{number}"), shard=shard), f"in_{shard}{number}")
        except BaseException as error:  # noqa: BLE001 -- reported by the main thread
            errors.append(error)

    threads = [threading.Thread(target=drain, args=(shard,)) for shard in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert errors == []
    assert store.count_links() == {"invoice": {"open": 40}}


def test_a_batch_is_all_or_nothing(store):
    remember(store, link_of(OTHER, mate_id="in_1"))
    begun = raised(link_of(INVOICE))
    [operation] = store.begin([begun], [operation_on(begun)])
    moved = link_of(OTHER, mate_id="in_7", earlier_mates=("in_1",))
    with pytest.raises(AssertionError):
        store.settle([Settlement(link=moved, event="moved"), applied(operation, begun, "in_7")])
    assert store.load_links([OTHER])[OTHER].mate_id == "in_1"
    assert list(store.load_unresolved()) == [operation]
    assert store.load_audit(OTHER) == []
