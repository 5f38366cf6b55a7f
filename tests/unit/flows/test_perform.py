"""One round of writes: what each outcome leaves behind, and that nobody writes once it is over."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from connector.core import settle
from connector.core.body import idempotency_key
from connector.core.errors import LeaseLost, Unauthorised
from connector.core.model import Delay, Key, LinkState, Refusal, Side, Unknown
from connector.flows.perform import perform
from connector.flows.report import PassReport
from tests.support.flows import BORN, FakeStripe, create, workspace_of
from tests.support.memory import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.model import Operation, Outcome
    from connector.ports import Store
    from tests.support.clock import ManualClock


def test_the_intent_is_stored_before_the_call_goes_out(store: Store, clock: ManualClock) -> None:
    stored: list[Sequence[Operation]] = []

    def answer(_operation: Operation) -> Outcome:
        stored.append(store.load_unresolved())
        return Refusal(code="no", message="no")

    stripe = FakeStripe(answer)
    perform(workspace_of(store, clock, stripe), [create()], PassReport())
    [[intent]] = stored
    assert (intent.born, intent.body, intent.idempotency_key) == (
        BORN,
        b'{"name":"Acme"}',
        stripe.sent[0].idempotency_key,
    )


def test_a_key_is_of_its_revision(store: Store, clock: ManualClock) -> None:
    """After a refusal the same content goes out under another key: Stripe would replay the refusal."""
    stripe = FakeStripe(lambda _: Refusal(code="no", message="no"))
    workspace = workspace_of(store, clock, stripe)
    subject, act = create()
    perform(workspace, [(subject, act)], PassReport())
    perform(workspace, [(subject, act)], PassReport())
    wanted = [
        idempotency_key(IDENTITY, kind="customer", born_id=BORN.id, revision=revision, action="create")
        for revision in (1, 2)
    ]
    assert [operation.idempotency_key for operation in stripe.sent] == wanted
    assert wanted[0] != wanted[1]


def test_a_pair_that_was_loaded_while_somebody_wrote_is_left_alone_and_looked_at_again(
    store: Store, clock: ManualClock
) -> None:
    """What was read of it may be older than that write: lines added twice would still add up to a document."""
    stripe = FakeStripe(lambda _: Refusal(code="no", message="no"))
    subject, act = create()
    subject.link = settle.begin(subject.link, act)
    assert perform(workspace_of(store, clock, stripe), [(subject, act)], PassReport()) == []
    assert subject.keep_signals
    assert (stripe.sent, store.load_unresolved()) == ([], [])


def test_a_refusal_parks_by_the_systems_own_code(store: Store, clock: ManualClock) -> None:
    subject, act = create()
    report = PassReport()
    again = perform(
        workspace_of(store, clock, FakeStripe(lambda _: Refusal(code="tax_id_invalid", message="no"))),
        [(subject, act)],
        report,
    )
    link = store.load_links([BORN])[BORN]
    assert (again, report.of("customer").parked) == ([], 1)
    assert (link.state, link.reason_code, link.progress) == (
        LinkState.PARKED,
        "customer.refused.tax_id_invalid",
        {},
    )
    assert store.load_unresolved() == []


@pytest.mark.parametrize(
    ("outcome", "unresolved"), [(Delay(code="lock", message="later"), 0), (Unknown(code="lost", message="?"), 1)]
)
def test_what_must_be_tried_again_keeps_its_signals(
    store: Store, clock: ManualClock, outcome: Outcome, unresolved: int
) -> None:
    subject, act = create()
    assert perform(workspace_of(store, clock, FakeStripe(lambda _: outcome)), [(subject, act)], PassReport()) == []
    assert subject.keep_signals
    assert len(store.load_unresolved()) == unresolved


def test_a_side_that_stops_leaves_settled_what_was_answered(store: Store, clock: ManualClock) -> None:
    class Stops(FakeStripe):
        def apply(self, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]) -> None:
            super().apply(operations[:1], on_outcome)
            raise Unauthorised("key revoked", side=Side.STRIPE, action="create")

    other = Key(side=Side.SALESFORCE, kind="customer", id="001000000000002AAA")
    workspace = workspace_of(store, clock, Stops(lambda _: Refusal(code="no", message="no")))
    with pytest.raises(Unauthorised):
        perform(workspace, [create(), create(other)], PassReport())
    assert [operation.born for operation in store.load_unresolved()] == [other]
    assert store.load_links([BORN])[BORN].state is LinkState.PARKED


def test_nobody_writes_any_more_once_a_lost_lease_is_raised(store: Store, clock: ManualClock) -> None:
    """One side is still at work when settling the other side's outcomes fails."""
    may_go_on = threading.Event()
    finished: list[bool] = []

    class Slow(FakeStripe):
        def apply(self, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]) -> None:
            super().apply(operations, on_outcome)
            may_go_on.wait(60)
            finished.append(True)

    class Lost:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def settle(self, _settlements: Any) -> None:
            may_go_on.set()
            raise LeaseLost("another worker")

    acts = [create(Key(side=Side.SALESFORCE, kind="customer", id=f"0010000000{n:05}AAA")) for n in range(60)]
    with pytest.raises(LeaseLost):
        perform(workspace_of(Lost(), clock, Slow(lambda _: Refusal(code="no", message="no"))), acts, PassReport())
    assert finished == [True]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("apply")]
