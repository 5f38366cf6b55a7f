"""The process dies at its n-th moment, for every n, and is started again: nothing is doubled, nothing lost.

The moments are counted by a run that is not killed, so that a new side effect is a new moment. Most moments find
things just as another left them: what follows is lived through once for each state the world was left in, after a
minute and after days. The deaths of real processes, in more flows, are in tests/crash.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from connector.flows import recover
from tests.support.killing import Fate, Killed
from tests.support.world import Snapshot, World

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: each story is told in so many tests, for as many processors
GROUPS = 4
#: within Stripe's memory of idempotency keys, and after they are pruned
DOWNTIMES = (timedelta(minutes=1), timedelta(days=3))


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


class Deaths:
    """The same pass in the same world, cut short at one moment after the other."""

    def __init__(self, folder: Path, *, after_payment: bool = False) -> None:
        """Just before the pass that is going to die: the first one, or the one that brings payments back."""
        self._world = build(folder / "world")
        self._oracle = paid_oracle if after_payment else oracle
        if after_payment:
            self._world.sync()
            customers_pay(self._world)
        else:
            self._world.open()
        self._world.close()
        self._before = self._world.snapshot()
        self._seen: set[bytes] = set()
        self.put_back(self._before, Fate())
        self._world.sync()
        #: by name, of the pass that nobody killed
        self.moments = self._world.fate.moments

    def put_back(self, snapshot: Snapshot, fate: Fate) -> None:
        self._world.put_back(snapshot)
        self._world.fate = fate

    def die(self, kill_at: int) -> bytes:
        """The state in which the death leaves everything."""
        self.put_back(self._before, Fate(kill_at))
        with pytest.raises(Killed):
            self._world.sync()
        self._world.close()
        return state_of(self._world)

    def die_at(self, moments: Iterable[int]) -> int:
        """Raises AssertionError when one of them does not end well; how many states the deaths led to."""
        for kill_at in moments:
            state = self.die(kill_at)
            if state in self._seen:
                continue
            self._seen.add(state)
            dead = self._world.snapshot()
            for down_for in DOWNTIMES:
                self.put_back(dead, Fate())
                self._world.clock.advance(down_for)
                try:
                    run_to_rest(self._world)
                    self._oracle(self._world)
                except AssertionError as error:
                    moment = f"{kill_at} of {len(self.moments)}, {self.moments[kill_at - 1]}, down for {down_for}"
                    raise AssertionError(f"killed at moment {moment}: {error}") from error
        return len(self._seen)

    def close(self) -> None:
        self._world.close()


def state_of(world: World) -> bytes:
    """All that both systems and our store hold; not how often they were asked, nor the sign-ins."""
    org, account = world.org.dump(), world.account.dump()
    del org["requests"], org["oauth"], account["requests_used"]
    with closing(sqlite3.connect(world.folder / "state.sqlite")) as database:
        rows = "\n".join(database.iterdump())
    return orjson.dumps([org, account, rows], option=orjson.OPT_SORT_KEYS)


def moments_of(group: int, groups: int, moments: range) -> range:
    """Neighbours stay together: they are those that find the same."""
    return moments[len(moments) * group // groups : len(moments) * (group + 1) // groups]


@pytest.mark.parametrize("group", range(GROUPS))
@pytest.mark.parametrize("after_payment", [False, True], ids=["first pass", "payments back"])
def test_death_at_every_moment_doubles_and_loses_nothing(tmp_path: Path, group: int, after_payment: bool) -> None:
    deaths = Deaths(tmp_path, after_payment=after_payment)
    assert len(deaths.moments) > 40, "the hooks have come off"
    assert deaths.die_at(moments_of(group, GROUPS, range(1, len(deaths.moments) + 1))) > 1
    deaths.close()


def test_what_a_death_finds_changed_is_another_state(tmp_path: Path) -> None:
    deaths = Deaths(tmp_path)

    def at(name: str) -> bytes:
        return deaths.die(deaths.moments.index(name) + 1)

    begun = deaths.moments.index("before POST /v1/products")
    steps = ["before begin", "after begin", "after POST /v1/products", "after settle"]
    assert len({at(name) for name in steps}) == len(steps)
    assert deaths.die(begun) == deaths.die(begun + 1), "asking alone makes no other state"
    deaths.close()


def test_a_rule_that_is_missing_is_found_by_dying_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recover, "may_resend", lambda *_: True)
    deaths = Deaths(tmp_path)
    first = deaths.moments.index("before begin") + 1
    with pytest.raises(AssertionError, match=r"POST /v1/products, down for 3 days.* doubled"):
        deaths.die_at(range(first, len(deaths.moments) + 1))
    deaths.close()
