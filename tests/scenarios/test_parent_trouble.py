"""A parent that cannot be made yet, or not at all: its children wait, and go on when it can be made."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support import builders as b
from tests.support.killing import Fate, Killed
from tests.support.stripe import error

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.http import Request, Response
    from tests.support.world import World


def _customers_are(world: World, answer: Callable[[], Response]) -> None:
    """Stripe answers so to every new customer."""

    def fault(request: Request) -> Response | None:
        return answer() if (request.method, request.path) == ("POST", "/v1/customers") else None

    world.account.faults = fault


@pytest.mark.parametrize("status", [429, 500])
def test_a_parent_that_was_delayed_is_made_by_the_next_pass(world: World, status: int) -> None:
    """Nobody touches either record again: the work left undone is remembered by us."""
    invoice = b.invoice(world)
    world.sync(kinds=["product"])
    world.clock.advance(timedelta(hours=1))
    _customers_are(world, lambda: error(status))
    for _ in range(2):
        assert world.sync().kinds["invoice"].created == 0
        world.clock.advance(timedelta(hours=1))
    world.account.faults = None
    world.sync()
    assert b.the_one(world, "invoices", invoice)["status"] == "open"
    b.assert_still(world)


def test_a_parent_that_stays_refused_is_tried_once_per_look(world: World) -> None:
    account = b.account(world)
    first = b.invoice(world, account_id=account)
    _customers_are(world, lambda: error(400, code="parameter_invalid_empty"))
    assert world.sync().kinds["customer"].parked == 1
    second = b.invoice(world, account_id=account)
    report = world.sync()
    assert report.kinds["customer"].parked == 1
    assert report.kinds["invoice"].waiting >= 1
    world.account.faults = None
    world.org.update("Account", account, {"Phone": "+49 30 1"})
    world.sync()
    assert {b.the_one(world, "invoices", each)["status"] for each in (first, second)} == {"open"}
    b.assert_still(world)


def test_a_waiting_child_that_is_looked_at_again_does_not_wake_itself(world: World) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    _customers_are(world, lambda: error(400, code="parameter_invalid_empty"))
    world.sync()
    world.org.update("blng__Invoice__c", invoice, {"blng__DueDate__c": "2027-01-31"})
    assert world.sync().kinds["customer"].parked == 1


def test_a_change_that_was_delayed_for_hours_still_arrives(world: World) -> None:
    """Its own signal is what is left of it: the poll will not tell twice."""
    product = b.product(world)
    b.invoice(world, b.Item(product=product))
    world.sync()
    path = f"/v1/products/{b.the_one(world, 'products', product)['id']}"

    def fault(request: Request) -> Response | None:
        return error(429) if (request.method, request.path) == ("POST", path) else None

    world.account.faults = fault
    world.org.update("Product2", product, {"Name": "Premium seat"})
    for _ in range(3):
        assert world.sync().kinds["product"].delayed == 1
        world.clock.advance(timedelta(hours=1))
    world.account.faults = None
    world.sync()
    assert world.stripe_api("GET", path)["name"] == "Premium seat"
    b.assert_still(world)


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/products"])
def test_a_parent_whose_process_died_before_its_mark_was_written_gets_it(
    make_world: Callable[..., World], path: str
) -> None:
    """It was made because its invoice needed it: nothing but that invoice named it, and the invoice has what it needs."""
    alive, dies = make_world(), make_world()
    for world in (alive, dies):
        account, product = b.account(world), b.product(world)
        b.invoice(world, b.Item(product=product), account_id=account)
        # longer ago than the reads of two passes overlap
        world.clock.advance(timedelta(hours=1))
    alive.sync()
    moments = alive.fate.moments
    dies.fate = Fate(moments.index("after settle", moments.index(f"after POST {path}")) + 1)
    with pytest.raises(Killed):
        dies.sync()
    dies.close()
    dies.fate = Fate()
    dies.clock.advance(timedelta(hours=1))
    dies.sync()
    assert dies.org.get("Account", dies.org.ids("Account")[0])["Stripe_Id__c"]
    assert dies.org.get("Product2", dies.org.ids("Product2")[0])["Stripe_Id__c"]
    b.assert_still(dies)
