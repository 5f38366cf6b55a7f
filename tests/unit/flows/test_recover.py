"""What a dead or unlucky worker left behind: sent again, looked up, or given up; never done twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from connector.core.model import Applied, Delay, LinkState, OperationState, Refusal, Side, Unknown
from connector.core.retry import RetryPolicies, RetryRule
from connector.flows.perform import perform
from connector.flows.recover import RESENDS_MAX, recover
from connector.flows.report import PassReport
from connector.ports import Settlement
from tests.support.flows import BORN, FakeStripe, create, workspace_of
from tests.support.views import record_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.model import Operation
    from connector.ports import Store
    from tests.support.clock import ManualClock

LOST = Unknown(code="lost", message="?")


def _sent_and_lost(store: Store, clock: ManualClock) -> FakeStripe:
    stripe = FakeStripe(lambda _: LOST)
    perform(workspace_of(store, clock, stripe), [create()], PassReport())
    return stripe


def test_a_resend_that_was_not_sent_does_not_end_what_may_have_been_done(store: Store, clock: ManualClock) -> None:
    """The first attempt may have made the record: given up, the next one would make it again under another key."""
    lost = FakeStripe(lambda _: Unknown(code="lost", message="?"))
    perform(workspace_of(store, clock, lost), [create()], PassReport())
    clock.advance(timedelta(minutes=5))
    recover(workspace_of(store, clock, FakeStripe(lambda _: Delay(code="not_sent", message="stopped"))), PassReport())
    [operation] = store.load_unresolved()
    assert operation.idempotency_key == lost.sent[0].idempotency_key
    resent = FakeStripe(lambda _: Refusal(code="no", message="no"))
    recover(workspace_of(store, clock, resent), PassReport())
    assert [(each.idempotency_key, each.body) for each in resent.sent] == [
        (lost.sent[0].idempotency_key, lost.sent[0].body)
    ]


@pytest.mark.parametrize("passed", [timedelta(hours=20), timedelta(minutes=-6)], ids=["key pruned", "clock set back"])
def test_a_create_whose_key_cannot_be_trusted_is_looked_up_and_not_sent(
    store: Store, clock: ManualClock, passed: timedelta
) -> None:
    _sent_and_lost(store, clock)
    clock.set_wall(clock.now() + passed)
    made = record_of(Side.STRIPE, "customer", "cus_1", {"name": "Acme"})
    stripe = FakeStripe(lambda _: LOST, {BORN.id: made})
    recover(workspace_of(store, clock, stripe), PassReport())
    assert (stripe.sent, stripe.looked_up, store.load_unresolved()) == ([], [BORN.id], [])
    link = store.load_links([BORN])[BORN]
    assert (link.mate_id, link.state, link.shadow) == ("cus_1", LinkState.OPEN, {"name": ("Acme", "Acme")})


def test_what_seems_to_be_sent_a_moment_from_now_is_sent_again_and_not_given_up(
    store: Store, clock: ManualClock
) -> None:
    """Another process sends it at this very moment, and reckons the keeper's time a little later than we do. It is
    not found yet: given up, it would be made a second time.
    """
    first = _sent_and_lost(store, clock)
    clock.set_wall(clock.now() - timedelta(milliseconds=400))
    stripe = FakeStripe(lambda _: LOST)
    recover(workspace_of(store, clock, stripe), PassReport())
    assert [each.idempotency_key for each in stripe.sent] == [each.idempotency_key for each in first.sent]
    assert stripe.looked_up == []
    assert len(store.load_unresolved()) == 1


def test_a_create_that_is_absent_is_given_up_and_looked_at_again(store: Store, clock: ManualClock) -> None:
    _sent_and_lost(store, clock)
    clock.advance(timedelta(days=1))
    recover(workspace_of(store, clock, FakeStripe(lambda _: LOST)), PassReport())
    link = store.load_links([BORN])[BORN]
    assert (link.mate_id, link.revision, store.load_unresolved()) == (None, 1, [])
    [signal] = store.load_signals(shards=None, kinds=["customer"], limit=10)
    assert (signal.signal.key, signal.signal.cause) == (BORN, "recover")


def test_the_link_of_a_quote_presented_again_is_not_settled_with_its_earlier_mate(
    store: Store, clock: ManualClock
) -> None:
    subject, act = create()
    subject.link = replace(subject.link, earlier_mates=("cus_0",))
    perform(workspace_of(store, clock, FakeStripe(lambda _: LOST)), [(subject, act)], PassReport())
    clock.advance(timedelta(days=1))
    earlier = record_of(Side.STRIPE, "customer", "cus_0", {"name": "Acme"})
    recover(workspace_of(store, clock, FakeStripe(lambda _: LOST, {BORN.id: earlier})), PassReport())
    assert store.load_links([BORN])[BORN].mate_id is None


def test_an_answer_that_never_comes_is_not_asked_for_ever(store: Store, clock: ManualClock) -> None:
    """Stripe replays a saved server error as long as the key lives; then only a look tells."""
    first = _sent_and_lost(store, clock)
    stripe = FakeStripe(lambda _: LOST)
    for _ in range(RESENDS_MAX + 1):
        clock.advance(timedelta(minutes=1))
        recover(workspace_of(store, clock, stripe), PassReport())
    assert len(first.sent) + len(stripe.sent) == RESENDS_MAX
    assert stripe.looked_up == [BORN.id]
    assert store.load_unresolved() == []


def test_a_key_that_tells_nothing_more_is_looked_up_at_once(store: Store, clock: ManualClock) -> None:
    """The server error is saved, or the key was used with other bytes: sending again can only waste the key's life."""
    _sent_and_lost(store, clock)
    clock.advance(timedelta(minutes=5))
    made = record_of(Side.STRIPE, "customer", "cus_1", {"name": "Acme"})
    spent = Unknown(code="replayed_error", message="?", key_is_spent=True)
    stripe = FakeStripe(lambda _: spent, {BORN.id: made})
    recover(workspace_of(store, clock, stripe), PassReport())
    assert (len(stripe.sent), stripe.looked_up, store.load_unresolved()) == (1, [BORN.id], [])
    assert store.load_links([BORN])[BORN].mate_id == "cus_1"


def test_what_is_put_off_is_not_recovered_before_its_time_unless_a_person_asks(
    store: Store, clock: ManualClock
) -> None:
    _sent_and_lost(store, clock)
    stripe = FakeStripe(lambda _: LOST)
    assert recover(workspace_of(store, clock, stripe), PassReport()) == 0
    assert stripe.sent == []
    assert recover(workspace_of(store, clock, stripe), PassReport(), urgent=[BORN]) == 1
    assert len(stripe.sent) == 1


def test_what_was_tried_often_enough_is_looked_up_and_not_sent_again(store: Store, clock: ManualClock) -> None:
    _sent_and_lost(store, clock)
    stripe = FakeStripe(lambda _: LOST)
    impatient = RetryPolicies(rules=(RetryRule(later={"attempts": 1}),))
    recover(replace(workspace_of(store, clock, stripe), retries=impatient), PassReport(), urgent=[BORN])
    assert (stripe.sent, stripe.looked_up, store.load_unresolved()) == ([], [BORN.id], [])


def test_an_update_is_given_up_and_its_record_must_be_read_before_anything_else(
    store: Store, clock: ManualClock
) -> None:
    subject, act = create()
    subject.link = replace(subject.link, mate_id="in_1", progress={"status": "draft"})
    update = replace(act, action="finalize", target_id="in_1")
    perform(workspace_of(store, clock, FakeStripe(lambda _: LOST)), [(subject, update)], PassReport())
    clock.advance(timedelta(minutes=1))
    recover(workspace_of(store, clock, FakeStripe(lambda _: LOST)), PassReport())
    assert store.load_links([BORN])[BORN].progress == {"status": None}
    keys = {stored.signal.key.id for stored in store.load_signals(shards=None, kinds=["customer"], limit=10)}
    assert keys == {BORN.id, "in_1"}


def test_what_is_ended_while_it_is_asked_who_is_at_what_is_not_ended_again(store: Store, clock: ManualClock) -> None:
    _sent_and_lost(store, clock)
    # nothing is put off any more
    clock.advance(timedelta(minutes=5))
    [operation] = store.load_unresolved()

    def end(_operations: Sequence[Operation]) -> list[int | None]:
        ended = replace(operation, state=OperationState.SETTLED)
        link = store.load_links([BORN])[BORN]
        store.settle([Settlement(link=link, operation=ended, outcome=Applied(target_id="cus_1"))])
        return []

    stripe = FakeStripe(lambda _: Applied(target_id="cus_2"))
    assert recover(workspace_of(store, clock, stripe), PassReport(), under_way=end) == 0
    assert stripe.sent == []


def test_what_somebody_is_at_is_left_to_him(store: Store, clock: ManualClock) -> None:
    _sent_and_lost(store, clock)
    # nothing is put off any more
    clock.advance(timedelta(minutes=5))
    stripe = FakeStripe(lambda _: Applied(target_id="cus_2"))
    workspace = workspace_of(store, clock, stripe)
    assert recover(workspace, PassReport(), under_way=lambda found: {each.id for each in found}) == 0
    assert (len(store.load_unresolved()), stripe.sent) == (1, [])
