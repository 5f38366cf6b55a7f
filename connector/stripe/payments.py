"""What is paid at Stripe, whichever object it is: one assembled view per payment.

A payment is a payment intent, a charge without one, or a payment record (money that moved outside
Stripe). What it pays is told by its invoice payments; `invoice.charge` and `payment_intent.invoice`
no longer exist (platform.md C7). `assemble` is pure; `PaymentReader` reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.core.errors import Refused
from connector.stripe.client import PAGE_SIZE, Call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.stripe.client import Client

_INVOICE_PAYMENTS = "/v1/invoice_payments"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """One object a payment can be."""

    object: str
    template: str
    #: what to expand to learn the method of payment, below the object itself
    expand: str | None = None
    #: whether invoice payments can be listed by it; a charge cannot (derived API description)
    listed_by: bool = True


_FORMS = {
    "pi_": _Form(object="payment_intent", template="/v1/payment_intents/{id}", expand="latest_charge"),
    "pr_": _Form(object="payment_record", template="/v1/payment_records/{id}"),
    "ch_": _Form(object="charge", template="/v1/charges/{id}", listed_by=False),
    "py_": _Form(object="charge", template="/v1/charges/{id}", listed_by=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """The object that was paid with, and the invoice payments that say for what, oldest first."""

    item: Json
    invoice_payments: tuple[Json, ...]


class PaymentReader:
    def __init__(self, client: Client) -> None:
        self._client = client

    def fetch(self, payment_id: str) -> Paid | None:
        """One call for a payment of an invoice; None when Stripe has no such payment, or the id is of another sort."""
        form = _FORMS.get(payment_id[:3])
        if form is None:
            # An id a person typed is asked for under every kind.
            return None
        if not form.listed_by:
            return self._fetch_charge(form, payment_id)
        expand = ".".join(part for part in ("data.payment", form.object, form.expand) if part)
        params = {"payment": {"type": form.object, form.object: payment_id}, "expand": [expand]}
        found = [each for page in self._client.pages(_INVOICE_PAYMENTS, params) for each in page]
        item = found[0]["payment"][form.object] if found else None
        if not isinstance(item, dict):
            # It paid no invoice, or the key may not see it inside another object.
            item = self._fetch_item(form, payment_id)
        if item is None:
            return None
        return Paid(item=item, invoice_payments=tuple(reversed(found)))

    def _fetch_item(self, form: _Form, payment_id: str) -> Json | None:
        params = {"expand": [form.expand]} if form.expand else {}
        try:
            return self._client.send(Call(method="get", template=form.template, id=payment_id, params=params)).body
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def _fetch_charge(self, form: _Form, charge_id: str) -> Paid | None:
        """A charge without payment intent is found through the invoices of its customer: rare and old."""
        item = self._fetch_item(form, charge_id)
        if item is None:
            return None
        found: list[Json] = []
        if item.get("customer") is not None:
            params = {"customer": id_of(item["customer"]), "expand": ["data.payments"], "limit": PAGE_SIZE}
            for page in self._client.pages("/v1/invoices", params):
                for invoice in page:
                    payments = (invoice.get("payments") or {}).get("data", ())
                    found += [each for each in payments if id_of(each["payment"].get("charge")) == charge_id]
        return Paid(item=item, invoice_payments=tuple(reversed(found)))


def assemble(paid: Paid) -> tuple[Json, tuple[Json, ...]]:
    """The fields and lines of a `payment` record.

    Fields: `id`, `object`, `amount_received` and `amount_refunded` (minor units), `currency`, `customer`, `status`, `created`,
    `paid_at` (epoch seconds, None before), `method_type`, `mode` (`electronic`, or `external` for money that
    moved outside Stripe), `reference`, `metadata`. Lines: invoice payments with `id`, `invoice`, `amount_paid`,
    `amount_requested`, `currency`, `status`, `created`, `paid_at`.
    """
    lines = tuple(_line(each) for each in paid.invoice_payments)
    fields = _READERS[paid.item["object"]](paid.item)
    times = [line["paid_at"] for line in lines if line["paid_at"] is not None]
    if times and fields["paid_at"] is not None:
        # Debits are confirmed days after the charge was made: the first credit to an invoice says when.
        fields["paid_at"] = min(times)
    return fields, lines


def invoice_payment_lines(paid: Paid) -> tuple[Json, ...]:
    return tuple(_line(each) for each in paid.invoice_payments)


def id_of(value: str | Mapping[str, Any] | None) -> str | None:
    """The id of a reference, expanded or not."""
    if value is None or isinstance(value, str):
        return value
    found: str = value["id"]
    return found


def _line(each: Json) -> Json:
    return {
        "id": each["id"],
        "invoice": id_of(each["invoice"]),
        "amount_paid": each.get("amount_paid"),
        "amount_requested": each.get("amount_requested"),
        "currency": each.get("currency"),
        "status": each.get("status"),
        "created": each.get("created"),
        "paid_at": (each.get("status_transitions") or {}).get("paid_at"),
    }


def _read_intent(item: Json) -> Json:
    charge = item.get("latest_charge")
    details = charge if isinstance(charge, dict) else {}
    types = item.get("payment_method_types") or [None]
    succeeded = item["status"] == "succeeded"
    return {
        **_common(item),
        "amount_received": item["amount_received"],
        "amount_refunded": details.get("amount_refunded") or 0,
        "currency": item["currency"],
        "customer": id_of(item.get("customer")),
        "status": item["status"],
        "paid_at": (details.get("created") or item["created"]) if succeeded else None,
        "method_type": (details.get("payment_method_details") or {}).get("type") or types[0],
        "mode": "electronic",
        "reference": id_of(charge) or item["id"],
    }


def _read_charge(item: Json) -> Json:
    succeeded = item["status"] == "succeeded"
    return {
        **_common(item),
        "amount_received": item["amount_captured"] if succeeded else 0,
        "amount_refunded": item.get("amount_refunded") or 0,
        "currency": item["currency"],
        "customer": id_of(item.get("customer")),
        "status": item["status"],
        "paid_at": item["created"] if succeeded else None,
        "method_type": (item.get("payment_method_details") or {}).get("type"),
        "mode": "electronic",
        "reference": item["id"],
    }


def _read_payment_record(item: Json) -> Json:
    received = item["amount_guaranteed"]["value"]
    custom = (item.get("processor_details") or {}).get("custom") or {}
    return {
        **_common(item),
        "amount_received": received,
        "amount_refunded": (item.get("amount_refunded") or {}).get("value") or 0,
        "currency": item["amount_requested"]["currency"],
        "customer": (item.get("customer_details") or {}).get("customer"),
        "status": _payment_record_status(item),
        "paid_at": item["created"] if received else None,
        "method_type": (item.get("payment_method_details") or {}).get("type"),
        "mode": "external",
        "reference": custom.get("payment_reference"),
    }


def _payment_record_status(item: Json) -> str:
    """In the words of a payment intent: a payment record itself has amounts only."""
    if item["amount_guaranteed"]["value"]:
        return "succeeded"
    if item["amount_canceled"]["value"]:
        return "canceled"
    return "failed" if item["amount_failed"]["value"] else "processing"


def _common(item: Json) -> Json:
    return {
        "id": item["id"],
        "object": item["object"],
        "created": item["created"],
        "metadata": item.get("metadata") or {},
    }


_READERS = {"payment_intent": _read_intent, "charge": _read_charge, "payment_record": _read_payment_record}
