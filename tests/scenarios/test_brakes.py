"""A pass that looks wrong writes nothing: it says what it would have written and waits for a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from connector.core.brake import BrakeName
from connector.core.errors import Interrupted
from connector.core.plan import Plan
from connector.flows.apply import apply_plan
from connector.flows.plan import make_plan
from tests.support import builders as b
from tests.support.recovering import refused, resume, writes
from tests.support.stripe import answer
from tests.support.world import PACK, _pack_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.core.brake import TrippedBrake
    from tests.support.world import World

INVOICE = "blng__Invoice__c"


def _invoices(world: World, number: int) -> list[str]:
    """So many invoices of one Account, in step."""
    account = b.account(world)
    made = [b.invoice(world, account_id=account) for _ in range(number)]
    world.sync()
    b.assert_still(world)
    return made


def _accounts(world: World, number: int) -> list[str]:
    """So many Accounts that are customers, in step."""
    accounts = [b.account(world, f"Acme {place}") for place in range(number)]
    for account in accounts:
        b.quote(world, account_id=account)
    world.sync()
    b.assert_still(world)
    return accounts


def _open(world: World) -> list[TrippedBrake]:
    workspace = world.workspace or world.open()
    return list(workspace.store.brakes.load_open())


def _cancel(world: World, invoices: list[str]) -> None:
    for invoice in invoices:
        world.org.update(INVOICE, invoice, {"blng__InvoiceStatus__c": "Cancelled"})


def _statuses(world: World) -> set[str]:
    return {row["status"] for row in world.stripe_list("/v1/invoices")}


# -- voids -------------------------------------------------------------------------------------------------------


def test_ten_voids_are_daily_business(world: World) -> None:
    _cancel(world, _invoices(world, 12)[:10])
    world.sync()
    assert sorted(row["status"] for row in world.stripe_list("/v1/invoices")) == ["open"] * 2 + ["void"] * 10


def test_a_mass_void_in_small_passes_is_one_over_restarts_too(world: World) -> None:
    invoices = _invoices(world, 16)
    for few in (invoices[:6], invoices[6:10]):
        _cancel(world, few)
        world.sync()
        world.close()
    _cancel(world, invoices[10:12])
    assert refused(world) == [BrakeName.MASS_VOID]
    [brake] = _open(world)
    assert brake.observed.startswith("12 records would be voided, cancelled or deleted within an hour")
    assert sum(row["status"] == "void" for row in world.stripe_list("/v1/invoices")) == 10
    resume(world, BrakeName.MASS_VOID)
    world.sync()
    # what was released is let through, and counts for nobody
    assert sum(row["status"] == "void" for row in world.stripe_list("/v1/invoices")) == 12
    world.clock.advance(timedelta(hours=1))
    _cancel(world, invoices[12:])
    world.sync()
    assert _statuses(world) == {"void"}


@pytest.mark.parametrize("batch_size", [1000, 3])
def test_the_eleventh_void_stops_the_pass_before_the_first(world: World, batch_size: int) -> None:
    _cancel(world, _invoices(world, 12)[:11])
    world.close()
    world.open(batch_size=batch_size)
    assert refused(world) == [BrakeName.MASS_VOID]
    assert _statuses(world) == {"open"}
    [brake] = _open(world)
    assert brake.plan["counts"] == {"void invoice": 11}
    plan = Plan.from_dict(brake.plan)
    assert {(entry.kind, entry.action, entry.destructive) for entry in plan.entries} == {("invoice", "void", True)}


def test_a_brake_holds_over_a_restart_and_when_its_cause_is_gone(world: World) -> None:
    invoices = _invoices(world, 11)
    _cancel(world, invoices)
    refused(world)
    world.close()
    b.invoice(world)
    for _ in range(2):
        world.clock.advance(timedelta(hours=30))
        assert refused(world) == [BrakeName.MASS_VOID]
        world.close()


def test_what_was_shown_is_written_after_a_person_released_it(world: World) -> None:
    _cancel(world, _invoices(world, 11))
    refused(world)
    resume(world, BrakeName.MASS_VOID)
    world.sync()
    assert _statuses(world) == {"void"}
    b.assert_still(world)


def test_a_release_does_not_let_through_what_was_not_shown(world: World) -> None:
    invoices = _invoices(world, 25)
    _cancel(world, invoices[:11])
    refused(world)
    _cancel(world, invoices[11:])
    resume(world, BrakeName.MASS_VOID)
    assert refused(world) == [BrakeName.MASS_VOID]
    assert _statuses(world) == {"open"}


def test_a_release_runs_out(world: World) -> None:
    invoices = _invoices(world, 11)
    _cancel(world, invoices)
    refused(world)
    resume(world, BrakeName.MASS_VOID)
    world.clock.advance(timedelta(hours=25))
    assert refused(world) == [BrakeName.MASS_VOID]


def test_voids_of_one_pass_are_added_up_over_kinds_and_batches(world: World) -> None:
    """Too few of each to be foreseen by the size of the pass: the totals stop it."""
    world.open(batch_size=4, limits=replace(world.open().limits, release_hours=24))
    account = b.account(world)
    invoices = [b.invoice(world, account_id=account) for _ in range(6)]
    quotes = [b.quote(world, account_id=account) for _ in range(6)]
    world.sync()
    _cancel(world, invoices)
    for quote in quotes:
        world.org.update("SBQQ__Quote__c", quote, {"SBQQ__Status__c": "Rejected"})
    assert refused(world) == [BrakeName.MASS_VOID]


# -- changes -----------------------------------------------------------------------------------------------------


def test_a_change_of_most_customers_stops_the_pass(world: World) -> None:
    accounts = _accounts(world, 26)
    for account in accounts:
        world.org.update("Account", account, {"Name": "All the same"})
    assert refused(world) == [BrakeName.MASS_CHANGE]
    [brake] = _open(world)
    assert brake.plan["counts"] == {"update customer": 26}
    resume(world, BrakeName.MASS_CHANGE)
    world.sync()
    assert {row["name"] for row in world.stripe_list("/v1/customers")} == {"All the same"}


def test_a_change_of_a_few_is_daily_business(world: World) -> None:
    for account in _accounts(world, 26)[:25]:
        world.org.update("Account", account, {"Name": "All the same"})
    world.sync()
    assert _open(world) == []


def test_payments_of_all_invoices_are_no_mass_change(world: World) -> None:
    _invoices(world, 30)
    for row in world.stripe_list("/v1/invoices"):
        b.pay(world, row["id"])
    for _ in range(2):
        world.sync()
    assert {row["Stripe_Status__c"] for row in b.rows(world, INVOICE)} == {"paid"}


# -- creates -----------------------------------------------------------------------------------------------------


def test_creates_have_a_limit_of_their_own_once_the_first_sync_is_done(world: World) -> None:
    _invoices(world, 3)
    limits = world.open().limits
    world.close()
    world.open(limits=replace(limits, creates=replace(limits.creates, at_least=8)))
    account = world.org.ids("Account")[0]
    for _ in range(9):
        b.invoice(world, account_id=account)
    assert refused(world) == [BrakeName.MASS_CREATE]
    [brake] = _open(world)
    assert brake.plan["counts"]["create invoice"] == 9
    resume(world, BrakeName.MASS_CREATE)
    world.sync()
    assert len(world.stripe_list("/v1/invoices")) == 12


def test_a_first_sync_that_died_half_way_goes_on(make_world: Callable[..., World]) -> None:
    """Its links exist already, and what they still need is part of their birth."""
    world = make_world()
    account = b.account(world)
    for _ in range(40):
        b.invoice(world, account_id=account)
    seen = 0

    def stop() -> bool:
        nonlocal seen
        seen += 1
        return seen > 6

    world.open(stop=stop)
    with pytest.raises(Interrupted):
        world.sync()
    world.close()
    world.sync()
    assert _statuses(world) == {"open"}
    assert len(world.stripe_list("/v1/invoices")) == 40


# -- mapping -----------------------------------------------------------------------------------------------------


def test_a_mapping_that_nobody_approved_is_not_written_by(make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_world()
    seat = b.product(world)
    b.invoice(world, b.Item(product=seat))
    world.sync()
    other = replace(world.pack, digest="0" * 64)
    mine, world.pack = world.pack, other
    world.close()
    world.org.update("Product2", seat, {"Name": "Seat, large"})
    assert refused(world) == [BrakeName.MAPPING_CHANGED]
    [brake] = _open(world)
    assert brake.plan["counts"] == {"update product": 1}
    assert (brake.observed.count("000000000000"), brake.observed.count(mine.digest[:12])) == (1, 1)


def _with_another_mapping(world: World, seat: str) -> None:
    world.pack = replace(world.pack, digest="0" * 64)
    world.close()
    world.org.update("Product2", seat, {"Name": "Seat, large"})


@pytest.fixture
def remapped(world: World) -> World:
    seat = b.product(world)
    b.invoice(world, b.Item(product=seat))
    world.sync()
    _with_another_mapping(world, seat)
    return world


def _name(world: World) -> str:
    [row] = world.stripe_list("/v1/products")
    return str(row["name"])


def test_applying_a_plan_made_with_it_approves_a_mapping(remapped: World) -> None:
    refused(remapped)
    workspace = remapped.open()
    plan = make_plan(workspace)
    report, left = apply_plan(workspace, plan, by="ann")
    assert (report.writes, left, _name(remapped)) == (1, [], "Seat, large")
    assert _open(remapped) == []
    b.assert_still(remapped)


def test_releasing_the_brake_approves_this_mapping_and_no_other(remapped: World) -> None:
    refused(remapped)
    resume(remapped, BrakeName.MAPPING_CHANGED)
    remapped.sync()
    assert _name(remapped) == "Seat, large"
    remapped.pack = replace(remapped.pack, digest="1" * 64)
    remapped.close()
    assert refused(remapped) == [BrakeName.MAPPING_CHANGED]


def test_a_mapping_that_was_put_back_is_approved_still(remapped: World) -> None:
    mine = replace(remapped.pack, digest="0" * 64)
    assert mine == remapped.pack
    refused(remapped)
    remapped.pack = _pack_in(PACK)
    remapped.close()
    remapped.sync()
    assert _name(remapped) == "Seat, large"


# -- amounts -----------------------------------------------------------------------------------------------------


def test_amounts_that_all_grew_a_hundredfold_stop_the_pass(world: World) -> None:
    invoices = _invoices(world, 12)
    for line in b.rows(world, "blng__InvoiceLine__c"):
        world.org.update(
            "blng__InvoiceLine__c",
            line["Id"],
            {"blng__Subtotal__c": Decimal("10000.00"), "blng__TotalAmount__c": Decimal("10000.00")},
        )
    assert world.org.get(INVOICE, invoices[0])["blng__TotalAmount__c"] == Decimal("10000.00")
    before = writes(world)
    assert refused(world) == [BrakeName.AMOUNTS_SCALED]
    [brake] = _open(world)
    assert (brake.subject, brake.observed) == ("invoice.total", "12 amounts became 100 times what they were")
    assert writes(world) == before


# -- a listing ---------------------------------------------------------------------------------------------------


def test_a_full_listing_that_is_suddenly_empty_stops_the_pass(world: World) -> None:
    _invoices(world, 21)
    world.clock.advance(timedelta(days=40))
    world.account.faults = lambda request: (
        answer({"object": "list", "data": [], "has_more": False}) if request.path == "/v1/invoices" else None
    )
    assert refused(world) == [BrakeName.LISTING_SHRANK]
    [brake] = _open(world)
    assert brake.subject == "stripe invoice"
    world.account.faults = None
    resume(world, BrakeName.LISTING_SHRANK, "stripe invoice")
    world.sync()


# -- one link ----------------------------------------------------------------------------------------------------


def test_a_link_that_is_written_again_and_again_is_parked_and_its_neighbours_go_on(world: World) -> None:
    first, second = _accounts(world, 2)
    for turn in range(25):
        world.org.update("Account", first, {"Name": f"Ping {turn}"})
        if turn == 24:
            world.org.update("Account", second, {"Name": "Pong"})
        world.sync()
    assert b.parked(world, "customer")[first][0] == "customer.written_too_often"
    assert b.the_one(world, "customers", first)["name"] == "Ping 19"
    assert b.the_one(world, "customers", second)["name"] == "Pong"
    [brake] = _open(world)
    assert (brake.name, brake.subject) == (BrakeName.WRITTEN_TOO_OFTEN, f"salesforce customer {first}")
    resume(world, brake.name, brake.subject)
    world.org.update("Account", first, {"Name": "Ping again"})
    world.sync()
    assert b.the_one(world, "customers", first)["name"] == "Ping again"


def test_writes_spread_over_a_day_are_not_too_many(world: World) -> None:
    [account] = _accounts(world, 1)
    for turn in range(25):
        world.org.update("Account", account, {"Name": f"Ping {turn}"})
        world.sync()
        world.clock.advance(timedelta(minutes=30))
    assert b.the_one(world, "customers", account)["name"] == "Ping 24"


# -- what it costs -----------------------------------------------------------------------------------------------


def test_a_small_pass_reads_nothing_twice(world: World) -> None:
    invoices = _invoices(world, 12)
    _cancel(world, invoices[:1])
    before = world.account.counters["requests"]
    world.sync()
    small = world.account.counters["requests"] - before
    assert small <= 10


def test_payments_of_all_invoices_read_nothing_twice(world: World) -> None:
    """More is signalled than may be created, and no more is born than may be: nobody has to look beforehand."""
    _invoices(world, 12)
    limits = world.open().limits
    most = len(world.stripe_list("/v1/invoices"))
    world.close()
    world.open(limits=replace(limits, creates=replace(limits.creates, at_least=most)))
    for row in world.stripe_list("/v1/invoices"):
        b.pay(world, row["id"])
    before = world.account.counters["operations"]
    world.sync()
    asked = Counter(world.account.counters["operations"]) - Counter(before)
    reads = asked.pop("GetInvoicePayments")
    assert reads == most, asked
