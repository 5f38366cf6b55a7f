"""Every record of a kind that Stripe holds, by its lists, newest first.

Search would lag by up to an hour (platform.md C4). Lists leave out what was deleted, so what is missing
here is not thereby deleted (invariants.md I10).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.stripe.payments import Paid, PaymentReader, assemble, id_of, invoice_payment_lines
from connector.stripe.resources import RESOURCES, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.core.model import Record
    from connector.stripe.client import Client
    from connector.stripe.reads import Reader

_INVOICE_PAYMENTS = "/v1/invoice_payments"
_PAYMENT_INTENTS = "/v1/payment_intents"
_OF_LINE = ("id", "amount_paid", "amount_requested", "currency", "status", "created")


def list_all(
    client: Client, reader: Reader, kind: str, stripe_object: str, *, lines: bool
) -> Iterator[Sequence[Record]]:
    """Pages as Stripe gives them; an empty one is left out."""
    if stripe_object == "payment":
        pages = _payments(client, kind, lines=lines)
    elif stripe_object == "payment_record":
        pages = _payment_records(client, kind, _links_of(client, lines=lines) if lines else _InvoicePayments())
    else:
        pages = _plain(client, reader, kind, stripe_object, lines=lines)
    return (page for page in pages if page)


def _plain(client: Client, reader: Reader, kind: str, stripe_object: str, *, lines: bool) -> Iterator[list[Record]]:
    resource = RESOURCES[stripe_object]
    params = {"expand": list(resource.list_expand)} if lines and resource.list_expand else {}
    for page in client.pages(resource.collection, params):
        yield reader.complete_many(kind, page) if lines else [record_of(kind, item, lines=()) for item in page]


@dataclass(slots=True, kw_only=True)
class _InvoicePayments:
    """What was paid on invoices, by the payment that did; and the payments that no other list names."""

    by_payment: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    charges: list[str] = field(default_factory=list)

    def of(self, payment_id: str) -> tuple[dict[str, Any], ...]:
        return tuple(self.by_payment.get(payment_id, ()))


def _links_of(client: Client, *, lines: bool) -> _InvoicePayments:
    """One list for all payments: asking for each would cost a call for each."""
    found = _InvoicePayments()
    charges: dict[str, None] = {}
    for page in client.pages(_INVOICE_PAYMENTS, {}):
        for each in page:
            payment = each.get("payment") or {}
            payment_id = id_of(payment.get(payment.get("type")))
            if payment_id is None:
                continue
            if payment["type"] == "charge":
                charges[payment_id] = None
            elif lines:
                # oldest first, as when one payment is asked for
                found.by_payment.setdefault(payment_id, []).insert(0, _slim(each))
    found.charges = list(charges)
    return found


def _slim(each: dict[str, Any]) -> dict[str, Any]:
    """What lines are made of: those of all payments are held at the same time."""
    kept = {name: each.get(name) for name in _OF_LINE}
    return {**kept, "invoice": id_of(each["invoice"]), "status_transitions": each.get("status_transitions")}


def _payments(client: Client, kind: str, *, lines: bool) -> Iterator[list[Record]]:
    """Money that was received, whichever object says so: intents, charges without one, payment records."""
    links = _links_of(client, lines=lines)
    for page in client.pages(_PAYMENT_INTENTS, {"expand": ["data.latest_charge"]}):
        # an intent that did not succeed is no payment yet
        yield [_payment(kind, item, links) for item in page if item["status"] == "succeeded"]
    for page in client.pages(RESOURCES["payment_record"].collection, {}):
        yield [_payment(kind, item, links) for item in page]
    reader = PaymentReader(client)
    for charge_id in links.charges:
        # rare and old; each is found through the invoices of its customer
        paid = reader.fetch(charge_id)
        yield [] if paid is None else [_assembled(kind, paid if lines else Paid(item=paid.item, invoice_payments=()))]


def _payment(kind: str, item: dict[str, Any], links: _InvoicePayments) -> Record:
    return _assembled(kind, Paid(item=item, invoice_payments=links.of(item["id"])))


def _assembled(kind: str, paid: Paid) -> Record:
    fields, lines = assemble(paid)
    return record_of(kind, fields, lines=lines)


def _payment_records(client: Client, kind: str, links: _InvoicePayments) -> Iterator[list[Record]]:
    for page in client.pages(RESOURCES["payment_record"].collection, {}):
        yield [
            record_of(kind, item, lines=invoice_payment_lines(Paid(item=item, invoice_payments=links.of(item["id"]))))
            for item in page
        ]
