"""The core flows of the program, each as a story: what is there, what happens then, and the command that brings it over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.support import builders as b
from tests.support.crash import SYNC

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.crash import Ground
    from tests.support.world import World

#: the file of decisions, in the working folder
ADOPTION = "adoption.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """`before` is mirrored and at rest, `happens` is not yet when the command begins that is going to die."""

    name: str
    happens: Callable[[World], None]
    before: Callable[[World], None] | None = None
    command: tuple[str, ...] = SYNC
    #: what people do first after a death, before passes go on; each may find that something needs a person
    resume: tuple[tuple[str, ...], ...] = ()

    def begin(self, ground: Ground) -> None:
        """Up to the command."""
        ground.clear()
        if self.before is not None:
            self.before(ground.world)
            ground.rest()
        self.happens(ground.world)
        # Longer than the reads of two passes overlap: what is missed now is missed for good.
        ground.world.clock.advance(timedelta(hours=1))


def _customer_with_invoices(world: World) -> None:
    account, product = b.account(world), b.product(world)
    b.invoice(world, b.Item(product=product, tax="19.00"), account_id=account)
    b.invoice(world, b.Item(product=product, subtotal="250.50"), b.Item(subtotal="0.75"), account_id=account)


def _customer_with_quote(world: World) -> None:
    b.quote(world)


def _edited(world: World) -> None:
    [account], [product] = world.org.ids("Account"), world.org.ids("Product2")
    world.org.update("Product2", product, {"Name": "Seat, larger"})
    # Farther apart than the reads of two passes overlap: a cursor on the second edit leaves the first behind.
    world.clock.advance(timedelta(hours=1))
    world.org.update("Account", account, {"Name": "Acme SE", **b.ADDRESS})


def _cancelled(world: World) -> None:
    invoices = world.org.ids("blng__Invoice__c")
    for invoice, status in zip(invoices, ("Cancelled", "Rebilled"), strict=True):
        world.org.update("blng__Invoice__c", invoice, {"blng__InvoiceStatus__c": status})


def _paid_by_card(world: World) -> None:
    first, second = (row["id"] for row in _open_invoices(world))
    b.pay(world, first)
    b.pay_with_intent(world, 10_000, second)


def _paid_by_cheque(world: World) -> None:
    [account] = world.org.ids("Account")
    first, second = (row["metadata"]["salesforce_id"] for row in _open_invoices(world))
    b.offline_payment(world, {first: "119.00"}, account_id=account)
    b.offline_payment(world, {second: "100.00"}, account_id=account)


def _open_invoices(world: World) -> list[dict]:
    """The small one first: Stripe lists in the order in which the two were made, which is nobody's."""
    return sorted(world.stripe_list("/v1/invoices"), key=lambda row: row["total"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption(Flow):
    """Both systems hold the same records already; what is only likely to be the same has been decided."""

    def begin(self, ground: Ground) -> None:
        Flow.begin(self, ground)
        planned = ground.run("adopt", "--plan", "--out", ADOPTION, "--json")
        assert planned.status == 0, planned.err
        path = ground.folder / ADOPTION
        content = json.loads(path.read_text(encoding="utf-8"))
        for entry in content["adoption"]["entries"]:
            entry["choice"] = "link"
        path.write_text(json.dumps(content), encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored(Flow):
    """The database is put back to what it was before what `happens` was mirrored."""

    def begin(self, ground: Ground) -> None:
        assert self.before is not None
        ground.clear()
        self.before(ground.world)
        ground.rest()
        backup = ground.database.save()
        self.happens(ground.world)
        ground.rest()
        ground.database.restore(backup)
        ground.world.clock.advance(timedelta(hours=1))


def _known_to_both(world: World) -> None:
    _customer_with_invoices(world)
    customer = world.stripe_api("POST", "/v1/customers", {"name": "Acme GmbH", "email": "ap@acme.example"})["id"]
    world.stripe_api("POST", "/v1/products", {"name": "Platform seat", "metadata[product_code]": "SEAT-1"})
    for row in b.rows(world, "blng__Invoice__c"):
        made = {"customer": customer, "number": row["Name"], "currency": "usd", "auto_advance": "false"}
        made |= {"collection_method": "send_invoice", "days_until_due": "30"}
        invoice = world.stripe_api("POST", "/v1/invoices", made)["id"]
        amount = int(row["blng__TotalAmount__c"] * 100)
        line = {"lines[0][amount]": amount, "lines[0][description]": "Platform seat"}
        world.stripe_api("POST", f"/v1/invoices/{invoice}/add_lines", line)
        world.stripe_api("POST", f"/v1/invoices/{invoice}/finalize")


def _paid_and_billed_again(world: World) -> None:
    [account] = world.org.ids("Account")
    _paid_by_card(world)
    b.invoice(world, b.Item(subtotal="75.25"), account_id=account)
    b.invoice(world, b.Item(name="For somebody new"))


RECOVER = ("recover", "--reason", "the database was restored from a backup", "--json")
ADOPT = ("adopt", "--apply", ADOPTION, "--json")
CORE = (
    Flow(name="first sync", happens=_customer_with_invoices),
    Flow(name="quote", happens=_customer_with_quote),
    Flow(name="update", before=_customer_with_invoices, happens=_edited),
    Flow(name="void", before=_customer_with_invoices, happens=_cancelled),
    Flow(name="payment back", before=_customer_with_invoices, happens=_paid_by_card),
    Flow(name="offline payment", before=_customer_with_invoices, happens=_paid_by_cheque),
    # A pass comes in between, as it does when the program is started again by itself.
    Adoption(name="adopt", happens=_known_to_both, command=ADOPT, resume=(SYNC, ADOPT)),
    Restored(
        name="recover",
        before=_customer_with_invoices,
        happens=_paid_and_billed_again,
        command=RECOVER,
        resume=(SYNC, RECOVER),
    ),
)
