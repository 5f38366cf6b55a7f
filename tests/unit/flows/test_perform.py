"""One round of writes: what each outcome leaves behind, and that nobody writes once it is over."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.body import idempotency_key
from connector.core.errors import LeaseLost, Unauthorised
from connector.core.model import Delay, Key, Link, LinkState, Refusal, Side, Unknown
from connector.core.view import Act
from connector.flows.perform import perform
from connector.flows.recover import recover
from connector.flows.report import PassReport
from connector.flows.subject import Subject
from connector.flows.workspace import Workspace
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY
from tests.support.views import PACK, POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from connector.core.model import Operation, Outcome
    from connector.ports import Store

BORN = Key(side=Side.SALESFORCE, kind="customer", id="001000000000001AAA")


class FakeStripe:
    """Answers each operation by `answer`; notes what was sent."""

    def __init__(self, answer: Callable[[Operation], Outcome]) -> None:
        self.answer = answer
        self.sent: list[Operation] = []

    def apply(self, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]) -> None:
        for operation in operations:
            self.sent.append(operation)
            on_outcome(operation, self.answer(operation))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'state.sqlite'}", clock=clock)
    yield opened
    opened.close()


def _workspace(store: Any, clock: ManualClock, stripe: Any) -> Workspace:
    return Workspace(
        pack=PACK, policy=POLICY, identity=IDENTITY, salesforce=stripe, stripe=stripe, store=store, clock=clock
    )


def _create(born: Key = BORN) -> tuple[Subject, Act]:
    act = Act(target=Side.STRIPE, action="create", body={"name": "Acme"}, sent={"name": "Acme"})
    return Subject(mapping=PACK.kinds["customer"], link=Link(born=born)), act


def test_the_intent_is_stored_before_the_call_goes_out(store: Store, clock: ManualClock) -> None:
    stored: list[Sequence[Operation]] = []

    def answer(_operation: Operation) -> Outcome:
        stored.append(store.load_unresolved())
        return Refusal(code="no", message="no")

    stripe = FakeStripe(answer)
    perform(_workspace(store, clock, stripe), [_create()], PassReport())
    [[intent]] = stored
    assert (intent.born, intent.body, intent.idempotency_key) == (
        BORN,
        b'{"name":"Acme"}',
        stripe.sent[0].idempotency_key,
    )


def test_a_key_is_of_its_revision(store: Store, clock: ManualClock) -> None:
    """After a refusal the same content goes out under another key: Stripe would replay the refusal."""
    stripe = FakeStripe(lambda _: Refusal(code="no", message="no"))
    workspace = _workspace(store, clock, stripe)
    subject, act = _create()
    perform(workspace, [(subject, act)], PassReport())
    perform(workspace, [(subject, act)], PassReport())
    wanted = [
        idempotency_key(IDENTITY, kind="customer", born_id=BORN.id, revision=revision, action="create")
        for revision in (1, 2)
    ]
    assert [operation.idempotency_key for operation in stripe.sent] == wanted
    assert wanted[0] != wanted[1]


def test_a_refusal_parks_by_the_systems_own_code(store: Store, clock: ManualClock) -> None:
    subject, act = _create()
    report = PassReport()
    again = perform(
        _workspace(store, clock, FakeStripe(lambda _: Refusal(code="tax_id_invalid", message="no"))),
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
    subject, act = _create()
    assert perform(_workspace(store, clock, FakeStripe(lambda _: outcome)), [(subject, act)], PassReport()) == []
    assert subject.keep_signals
    assert len(store.load_unresolved()) == unresolved


def test_a_resend_that_was_not_sent_does_not_end_what_may_have_been_done(store: Store, clock: ManualClock) -> None:
    """The first attempt may have made the record: given up, the next one would make it again under another key."""
    lost = FakeStripe(lambda _: Unknown(code="lost", message="?"))
    perform(_workspace(store, clock, lost), [_create()], PassReport())
    clock.advance(timedelta(minutes=5))
    recover(_workspace(store, clock, FakeStripe(lambda _: Delay(code="not_sent", message="stopped"))), PassReport())
    [operation] = store.load_unresolved()
    assert operation.idempotency_key == lost.sent[0].idempotency_key
    resent = FakeStripe(lambda _: Refusal(code="no", message="no"))
    recover(_workspace(store, clock, resent), PassReport())
    assert [(each.idempotency_key, each.body) for each in resent.sent] == [
        (lost.sent[0].idempotency_key, lost.sent[0].body)
    ]


def test_a_side_that_stops_leaves_settled_what_was_answered(store: Store, clock: ManualClock) -> None:
    class Stops(FakeStripe):
        def apply(self, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]) -> None:
            super().apply(operations[:1], on_outcome)
            raise Unauthorised("key revoked", side=Side.STRIPE, action="create")

    other = Key(side=Side.SALESFORCE, kind="customer", id="001000000000002AAA")
    workspace = _workspace(store, clock, Stops(lambda _: Refusal(code="no", message="no")))
    with pytest.raises(Unauthorised):
        perform(workspace, [_create(), _create(other)], PassReport())
    assert [operation.born for operation in store.load_unresolved()] == [other]
    assert store.load_links([BORN])[BORN].state is LinkState.PARKED


def test_nobody_writes_any_more_once_a_lost_lease_is_raised(store: Store, clock: ManualClock) -> None:
    """One side is still at work when settling the other side's outcomes fails."""
    may_go_on = threading.Event()
    finished: list[bool] = []

    class Slow(FakeStripe):
        def apply(self, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]) -> None:
            on_outcome(operations[0], Refusal(code="no", message="no"))
            for operation in operations[1:]:
                on_outcome(operation, Refusal(code="no", message="no"))
            may_go_on.wait(10)
            finished.append(True)

    class Lost:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def settle(self, _settlements: Any) -> None:
            may_go_on.set()
            raise LeaseLost("another worker")

    acts = [_create(Key(side=Side.SALESFORCE, kind="customer", id=f"0010000000{n:05}AAA")) for n in range(60)]
    with pytest.raises(LeaseLost):
        perform(_workspace(Lost(), clock, Slow(lambda _: Refusal(code="no", message="no"))), acts, PassReport())
    assert finished == [True]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("apply-")]
