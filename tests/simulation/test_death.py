"""The process dies at its n-th moment, for every n, and is started again: nothing is doubled, nothing lost.

The moments are counted by a run that is not killed, so that a new side effect is a new moment.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.clock import ManualClock
from tests.support.killing import Fate, Killed
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

GROUPS = 8


def build(folder: Path) -> World:
    folder.mkdir(exist_ok=True)
    world = World(folder)
    org = world.org
    account = org.create("Account", {"Name": "Acme GmbH", "CurrencyIsoCode": "EUR"})
    product = org.create(
        "Product2", {"Name": "Seat", "ProductCode": "SEAT", "IsActive": True, "CurrencyIsoCode": "EUR"}
    )
    for amount in ("100.00", "250.50", "75.25"):
        invoice = org.create(
            "blng__Invoice__c",
            {
                "blng__Account__c": account,
                "blng__InvoiceStatus__c": "Posted",
                "blng__InvoiceDate__c": "2026-11-10",
                "blng__DueDate__c": "2026-12-10",
                "CurrencyIsoCode": "EUR",
            },
        )
        org.create(
            "blng__InvoiceLine__c",
            {
                "Name": "Seats",
                "blng__Invoice__c": invoice,
                "blng__Product__c": product,
                "blng__Subtotal__c": amount,
                "blng__TaxAmount__c": "19.00",
                "blng__TotalAmount__c": str(total_of(amount, "19.00")),
                "blng__Quantity__c": "1",
                "CurrencyIsoCode": "EUR",
            },
        )
    return world


def total_of(*amounts: str) -> Any:
    return sum((Decimal(amount) for amount in amounts), Decimal(0))


def customers_pay(world: World) -> None:
    """Between the two passes: one invoice paid by card, one by a cheque booked in Salesforce."""
    by_amount = {row["total"]: row for row in world.stripe_list("/v1/invoices")}
    card, cheque = by_amount[11_900], by_amount[26_950]
    if card["status"] == "open":
        world.stripe_api("POST", f"/v1/invoices/{card['id']}/pay", {"payment_method": "pm_card_visa"})
    invoice = world.org.get("blng__Invoice__c", cheque["metadata"]["salesforce_id"])
    money = {"blng__Amount__c": "269.50", "CurrencyIsoCode": "EUR"}
    payment = world.org.create(
        "blng__Payment__c",
        {
            **money,
            "blng__Account__c": invoice["blng__Account__c"],
            "blng__PaymentDate__c": "2026-11-20",
            "blng__PaymentType__c": "Check",
            "blng__PaymentMode__c": "External",
            "blng__Status__c": "Posted",
        },
    )
    world.org.create(
        "blng__PaymentAllocationInvoice__c",
        {**money, "blng__Payment__c": payment, "blng__Invoice__c": invoice["Id"], "blng__Type__c": "Allocation"},
    )


def run_to_rest(world: World) -> None:
    world.close()
    world.fate = Fate()
    for _ in range(6):
        if world.sync().writes == 0:
            return
    raise AssertionError("no rest after 6 passes")


def oracle(world: World) -> None:
    """Both systems hold each thing once, and agree."""
    for path in ("/v1/customers", "/v1/products", "/v1/invoices", "/v1/payment_records"):
        marks = Counter(row["metadata"].get("salesforce_id") for row in world.stripe_list(path))
        assert None not in marks, f"{path}: a record without our mark"
        assert max(marks.values(), default=1) == 1, f"{path}: doubled {marks.most_common(1)}"
    invoices = world.stripe_list("/v1/invoices")
    assert sorted(row["total"] for row in invoices) == [9_425, 11_900, 26_950]
    assert {row["status"] for row in invoices} <= {"open", "paid"}
    for row in invoices:
        mirrored = world.org.get("blng__Invoice__c", row["metadata"]["salesforce_id"])
        assert mirrored["Stripe_Id__c"] == row["id"]
        assert mirrored["Stripe_Status__c"] == row["status"]
        assert int(mirrored["blng__Balance__c"] * 100) == row["amount_remaining"]


def paid_oracle(world: World) -> None:
    oracle(world)
    status = {row["total"]: row["status"] for row in world.stripe_list("/v1/invoices")}
    assert status == {9_425: "open", 11_900: "paid", 26_950: "paid"}
    payments = [world.org.get("blng__Payment__c", record_id) for record_id in world.org.ids("blng__Payment__c")]
    assert sorted(int(row["blng__Amount__c"] * 100) for row in payments) == [11_900, 26_950]
    assert all(row["blng__Status__c"] == "Posted" and row["Stripe_Id__c"] for row in payments)
    assert len(world.org.ids("blng__PaymentAllocationInvoice__c")) == 2
    assert len(world.stripe_list("/v1/payment_records")) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Both systems and our store at rest, to start from again and again."""

    org: Any
    account: Any
    files: dict[str, bytes]
    now: datetime


def before_the_pass(folder: Path, *, after_payment: bool) -> Snapshot:
    """Just before the pass that is going to die: the first one, or the one that brings payments back."""
    world = build(folder)
    if after_payment:
        world.sync()
        customers_pay(world)
    else:
        world.open()
    world.close()
    files = {file.name: file.read_bytes() for file in folder.glob("state.sqlite*")}
    return Snapshot(org=world.org.dump(), account=world.account.dump(), files=files, now=world.clock.now())


def restored(folder: Path, snapshot: Snapshot, fate: Fate) -> World:
    folder.mkdir()
    for name, content in snapshot.files.items():
        (folder / name).write_bytes(content)
    world = World(folder, fate=fate, clock=ManualClock(snapshot.now))
    world.org.load(snapshot.org)
    world.account.load(snapshot.account)
    return world


def die_and_recover(world: World, *, after_payment: bool, down_for: timedelta) -> None:
    with pytest.raises(Killed):
        world.sync()
    world.close()
    world.clock.advance(down_for)
    run_to_rest(world)
    (paid_oracle if after_payment else oracle)(world)
    world.close()


@pytest.mark.parametrize("group", range(GROUPS))
@pytest.mark.parametrize("down_for", [timedelta(minutes=1), timedelta(days=3)], ids=["keys live", "keys pruned"])
@pytest.mark.parametrize("after_payment", [False, True], ids=["first pass", "payments back"])
def test_death_at_every_moment_doubles_and_loses_nothing(
    tmp_path: Path, group: int, after_payment: bool, down_for: timedelta
) -> None:
    snapshot = before_the_pass(tmp_path / "before", after_payment=after_payment)
    alive = restored(tmp_path / "alive", snapshot, Fate())
    alive.sync()
    alive.close()
    count = len(alive.fate.moments)
    assert count > 40, "the hooks have come off"
    for kill_at in range(1 + group, count + 1, GROUPS):
        world = restored(tmp_path / str(kill_at), snapshot, Fate(kill_at))
        try:
            die_and_recover(world, after_payment=after_payment, down_for=down_for)
        except AssertionError as error:
            moment = alive.fate.moments[kill_at - 1]
            raise AssertionError(f"killed at moment {kill_at} of {count}, {moment}: {error}") from error
