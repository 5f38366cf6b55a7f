"""What people and customers do, in one word each: an account with its contact, a posted invoice, a card payment.

Salesforce is worked in through the org's own hands, Stripe through a stranger's client.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core.model import Key, Side
from tests.support.world import PACK, World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from connector.core.model import Finding

ADDRESS: Mapping[str, str] = {
    "BillingStreet": "Hauptstr. 1",
    "BillingCity": "Berlin",
    "BillingPostalCode": "10115",
    "BillingCountry": "Germany",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of an invoice: amounts as a person types them."""

    subtotal: str = "100.00"
    tax: str = "0"
    name: str = "Platform seat"
    quantity: str = "1"
    product: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One line of a quote."""

    product: str
    price: str = "100.00"
    quantity: str = "1"
    listed: str | None = None
    optional: bool = False


def pack_with(folder: Path, kind: str, *changes: tuple[str, str]) -> Path:
    """The shipped pack with some text of one kind replaced, as an administrator would edit it."""
    target = folder / "mappings" / "cpq-billing"
    if not target.exists():
        shutil.copytree(PACK, target)
    path = target / f"{kind}.yaml"
    text = path.read_text()
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {kind}.yaml"
        text = text.replace(old, new)
    path.write_text(text)
    return target


# -- Salesforce ---------------------------------------------------------------------------------------------------


def account(world: World, name: str = "Acme GmbH", *, email: str | None = "ap@acme.example", **fields: Any) -> str:
    """An Account with a bill-to contact."""
    found = world.org.create("Account", {"Name": name, **currency(world, "USD"), **fields})
    if email is not None:
        contact = {"AccountId": found, "LastName": "Payable", "Email": email, **currency(world, "USD")}
        bill_to = world.org.create("Contact", contact)
        world.org.update("Account", found, {"blng__BillToContact__c": bill_to})
    return found


def product(world: World, name: str = "Platform seat", **fields: Any) -> str:
    content = {"Name": name, "ProductCode": "SEAT-1", "IsActive": True, **currency(world, "USD"), **fields}
    return world.org.create("Product2", content)


def quote(
    world: World,
    *offers: Offer,
    account_id: str | None = None,
    status: str = "Presented",
    expires_in_days: int | None = 30,
    code: str = "USD",
) -> str:
    """A quote whose net amount is the sum of its lines that are not optional."""
    fields: dict[str, Any] = {"SBQQ__Account__c": account_id or account(world), "SBQQ__Status__c": status}
    if expires_in_days is not None:
        fields["SBQQ__ExpirationDate__c"] = (world.clock.now().date() + timedelta(days=expires_in_days)).isoformat()
    found = world.org.create("SBQQ__Quote__c", {**fields, **currency(world, code)})
    for number, offer in enumerate(offers or (Offer(product=product(world)),), start=1):
        price, listed = Decimal(offer.price), Decimal(offer.listed or offer.price)
        line = {
            "SBQQ__Quote__c": found,
            "SBQQ__Number__c": number,
            "SBQQ__Product__c": offer.product,
            "SBQQ__Quantity__c": Decimal(offer.quantity),
            "SBQQ__ListPrice__c": listed,
            "SBQQ__ProratedListPrice__c": listed,
            "SBQQ__RegularPrice__c": listed,
            "SBQQ__CustomerPrice__c": price,
            "SBQQ__PartnerPrice__c": price,
            "SBQQ__NetPrice__c": price,
            "SBQQ__Optional__c": offer.optional,
        }
        world.org.create("SBQQ__QuoteLine__c", {**line, **currency(world, code)})
    return found


def invoice(
    world: World,
    *items: Item,
    account_id: str | None = None,
    status: str = "Posted",
    dated: date | None = None,
    due_in_days: int | None = 30,
    code: str = "USD",
) -> str:
    """An invoice whose totals come from its lines through the org's roll-ups."""
    day = dated or world.clock.now().date()
    fields: dict[str, Any] = {
        "blng__Account__c": account_id or account(world),
        "blng__InvoiceStatus__c": status,
        "blng__InvoiceDate__c": day.isoformat(),
    }
    if due_in_days is not None:
        fields["blng__DueDate__c"] = (world.clock.now().date() + timedelta(days=due_in_days)).isoformat()
    found = world.org.create("blng__Invoice__c", {**fields, **currency(world, code)})
    add_lines(world, found, items or (Item(),), status=status, code=code)
    return found


def add_lines(
    world: World, invoice_id: str, items: Sequence[Item], *, status: str = "Posted", code: str = "USD"
) -> list[str]:
    rows = []
    for item in items:
        subtotal, tax = Decimal(item.subtotal), Decimal(item.tax)
        line = {
            "blng__Invoice__c": invoice_id,
            "Name": item.name,
            "blng__Quantity__c": Decimal(item.quantity),
            "blng__Subtotal__c": subtotal,
            "blng__TaxAmount__c": tax,
            "blng__TotalAmount__c": subtotal + tax,
            "blng__InvoiceLineStatus__c": status,
            "blng__Product__c": item.product,
            **currency(world, code),
            **item.fields,
        }
        rows.append(("blng__InvoiceLine__c", line))
    return world.org.create_many(rows)


def offline_payment(
    world: World,
    allocated: Mapping[str, str],
    *,
    account_id: str,
    amount: str | None = None,
    status: str = "Posted",
    mode: str = "External",
    code: str = "USD",
    **fields: Any,
) -> str:
    """A cheque a person books: posted, then allocated to invoices by amount."""
    total = Decimal(amount) if amount is not None else sum(map(Decimal, allocated.values()), Decimal(0))
    content = {
        "blng__Account__c": account_id,
        "blng__Amount__c": total,
        "blng__PaymentDate__c": world.clock.now().date().isoformat(),
        "blng__PaymentMode__c": mode,
        "blng__PaymentType__c": "Check",
        "blng__CheckNumber__c": "4711",
        "blng__Status__c": status,
        **currency(world, code),
        **fields,
    }
    found = world.org.create("blng__Payment__c", content)
    for invoice_id, share in allocated.items():
        allocate(world, found, invoice_id, share, code=code)
    return found


def allocate(
    world: World, payment_id: str, invoice_id: str, amount: str, *, way: str = "Allocation", code: str = "USD"
) -> str:
    return world.org.create(
        "blng__PaymentAllocationInvoice__c",
        {
            "blng__Payment__c": payment_id,
            "blng__Invoice__c": invoice_id,
            "blng__Amount__c": Decimal(amount),
            "blng__Type__c": way,
            **currency(world, code),
        },
    )


def allocate_to_line(
    world: World, payment_id: str, line_id: str, amount: str, *, way: str = "Allocation", code: str = "USD"
) -> str:
    return world.org.create(
        "blng__PaymentAllocationInvoiceLine__c",
        {
            "blng__Payment__c": payment_id,
            "blng__InvoiceLine__c": line_id,
            "blng__Amount__c": Decimal(amount),
            "blng__Type__c": way,
            **currency(world, code),
        },
    )


def credit(world: World, invoice_id: str, amount: str, *, account_id: str, code: str = "USD") -> str:
    """A posted credit note, allocated to the invoice's first line."""
    money = currency(world, code)
    day = world.clock.now().date().isoformat()
    head = {"blng__Account__c": account_id, "blng__Status__c": "Posted", "blng__CreditNoteDate__c": day, **money}
    note = world.org.create("blng__CreditNote__c", head)
    row = {"blng__CreditNote__c": note, "blng__TotalAmount__c": Decimal(amount), **money}
    credit_line = world.org.create("blng__CreditNoteLine__c", row)
    lines = rows(world, "blng__InvoiceLine__c")
    line = next(line["Id"] for line in lines if line["blng__Invoice__c"] == invoice_id)
    allocation = {
        "blng__CreditNoteLine__c": credit_line,
        "blng__InvoiceLine__c": line,
        "blng__Amount__c": Decimal(amount),
        "blng__Type__c": "Allocation",
        **money,
    }
    world.org.create("blng__CreditNoteAllocation__c", allocation)
    return note


def currency(world: World, code: str) -> dict[str, str]:
    return {"CurrencyIsoCode": code} if world.multi_currency else {}


# -- Stripe -------------------------------------------------------------------------------------------------------


def pay(world: World, stripe_invoice: str, method: str = "pm_card_visa") -> dict[str, Any]:
    """The customer pays the whole invoice on its page."""
    return world.stripe_api("POST", f"/v1/invoices/{stripe_invoice}/pay", {"payment_method": method})


def pay_with_intent(world: World, amount_minor: int, *stripe_invoices: str, code: str = "usd") -> str:
    """Money that arrives by a payment intent of its own and is attached to invoices in turn."""
    customer = world.stripe_api("GET", f"/v1/invoices/{stripe_invoices[0]}")["customer"]
    intent = world.stripe_api(
        "POST",
        "/v1/payment_intents",
        {
            "amount": amount_minor,
            "currency": code,
            "customer": customer,
            "payment_method": "pm_card_visa",
            "confirm": "true",
        },
    )
    for stripe_invoice in stripe_invoices:
        world.stripe_api("POST", f"/v1/invoices/{stripe_invoice}/attach_payment", {"payment_intent": intent["id"]})
    return str(intent["id"])


# -- what both systems hold ---------------------------------------------------------------------------------------


def at_stripe(world: World, resource: str, salesforce_id: str, **params: Any) -> list[dict[str, Any]]:
    """The objects of a Stripe list that carry our mark of this Salesforce record, newest first."""
    rows = world.stripe_list(f"/v1/{resource}", **params)
    return [row for row in rows if row["metadata"].get("salesforce_id") == salesforce_id]


def the_one(world: World, resource: str, salesforce_id: str, **params: Any) -> dict[str, Any]:
    [found] = at_stripe(world, resource, salesforce_id, **params)
    return found


def lines_of(world: World, stripe_invoice: str) -> list[dict[str, Any]]:
    return world.stripe_list(f"/v1/invoices/{stripe_invoice}/lines")


def rows(world: World, sobject: str) -> list[dict[str, Any]]:
    return [world.org.get(sobject, record_id) for record_id in world.org.ids(sobject)]


def findings(world: World) -> dict[str, list[Finding]]:
    """Open findings by their code."""
    assert world.workspace is not None
    found: dict[str, list[Finding]] = {}
    for finding in world.workspace.store.load_findings():
        found.setdefault(finding.code, []).append(finding)
    return found


def parked(world: World, kind: str) -> dict[str, tuple[str, str]]:
    """Birthplace id -> (code, reason) of what waits for a person."""
    assert world.workspace is not None
    links = world.workspace.store.load_links_in(kind=kind, states=["parked"])
    return {link.born.id: (str(link.reason_code), str(link.reason)) for link in links}


def both_keys(world: World, kind: str, salesforce_id: str, stripe_id: str) -> list[Key]:
    """The keys of a pair, for a pass that looks at nothing else."""
    return [
        Key(side=Side.SALESFORCE, kind=kind, id=salesforce_id),
        Key(side=Side.STRIPE, kind=kind, id=stripe_id),
    ]


def not_mirrored(report: Any, kind: str) -> dict[str, int]:
    return dict(report.of(kind).not_mirrored)


def assert_still(world: World) -> None:
    """A further pass writes nothing on either side, by their own counters."""
    before = (world.org.counters["writes"], world.account.counters["writes"])
    world.sync()
    assert (world.org.counters["writes"], world.account.counters["writes"]) == before
