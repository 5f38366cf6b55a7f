"""Events come doubled, late, in any order and several about one thing: each record has one effect (invariants.md I6)."""

from __future__ import annotations

import json
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from connector.flows.report import PassReport
from connector.flows.subject import shard_of
from connector.flows.sync import work_off
from connector.stripe.received import event_of, webhook_signals
from tests.support import builders as b

if TYPE_CHECKING:
    from tests.support.world import World

ABOUT_A_PAYMENT = ("payment_intent.succeeded", "charge.succeeded", "invoice_payment.paid", "invoice.paid")


def _deliver(world: World, *bodies: bytes) -> None:
    """As the receiver stores them; then everything that waits is worked off, and nothing is polled."""
    workspace = world.workspace or world.open()
    received = [event_of(body) for body in bodies]
    workspace.store.events.receive(
        [(event, webhook_signals(workspace.pack, content)) for event, content in received],
        shard_of=lambda signal: shard_of(signal.key.id, workspace.shards),
    )
    work_off(workspace, PassReport(), kinds=workspace.kinds())


def _paid(world: World) -> dict[str, bytes]:
    """An invoice in step, paid by its customer; Stripe's events about that, by type."""
    invoice = b.invoice(world)
    world.sync()
    b.assert_still(world)
    b.pay(world, b.the_one(world, "invoices", invoice)["id"])
    events = {each["type"]: json.dumps(each).encode() for each in world.stripe_list("/v1/events")}
    return {each: events[each] for each in ABOUT_A_PAYMENT}


def _money(world: World) -> tuple[int, int]:
    return len(b.rows(world, "blng__Payment__c")), len(b.rows(world, "blng__PaymentAllocationInvoice__c"))


@pytest.mark.parametrize("order", list(permutations(ABOUT_A_PAYMENT))[::7], ids=" ".join)
def test_all_events_about_one_payment_are_one_payment_whatever_their_order(
    world: World, order: tuple[str, ...]
) -> None:
    events = _paid(world)
    for each in order:
        _deliver(world, events[each])
    assert _money(world) == (1, 1)
    world.sync()
    assert _money(world) == (1, 1)
    b.assert_still(world)


def test_all_at_once_and_again_and_again_are_one_payment(world: World) -> None:
    events = _paid(world)
    for _ in range(3):
        _deliver(world, *events.values(), *events.values())
    assert _money(world) == (1, 1)


def test_the_same_event_again_is_not_even_looked_at(world: World) -> None:
    events = _paid(world)
    _deliver(world, *events.values())
    assert world.workspace is not None
    before = world.workspace.stripe.calls
    _deliver(world, *events.values())
    assert world.workspace.stripe.calls == before
    assert {each.deliveries for each in world.workspace.store.events.load_recent()} == {2}
