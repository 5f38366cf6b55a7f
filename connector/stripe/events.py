"""Which records an event is about. Pure.

Events name records and nothing more is taken from them: they show the object as it was, in the API
version of that time (platform.md C3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.stripe.payments import id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: All types read, in one list call; Stripe takes at most 20 there (derived API description, /v1/events).
#: A payment that fails or is still processing changes nothing in Salesforce, so its events are not asked for.
EVENT_TYPES = (
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "product.created",
    "product.updated",
    "product.deleted",
    "quote.created",
    "quote.finalized",
    "quote.accepted",
    "quote.canceled",
    "invoice.created",
    "invoice.updated",
    "invoice.finalized",
    "invoice.paid",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "invoice.deleted",
    "invoice_payment.paid",
    "payment_intent.succeeded",
    "charge.succeeded",
)

#: All types a webhook endpoint is asked to send. Refunds that no webhook told are found by the sweep.
HEARD_TYPES = (*EVENT_TYPES, "charge.refunded")

#: A resource and an id: `payment` stands for whatever object was paid with.
Subject = tuple[str, str]


def subjects_of(event: Mapping[str, Any]) -> tuple[Subject, ...]:
    """The records an event is about; none for types this program does not follow."""
    event_type: str = event["type"]
    if event_type not in HEARD_TYPES:
        return ()
    item: Mapping[str, Any] = event["data"]["object"]
    family = event_type.split(".", 1)[0]
    if family == "invoice_payment":
        return subjects_of_invoice_payment(item)
    if family == "payment_intent":
        return payment_subjects(item["id"])
    if family == "charge":
        intent_id = id_of(item.get("payment_intent"))
        if intent_id is None:
            return payment_subjects(item["id"])
        # A charge that belongs to a payment intent is the intent's matter, whose own events tell all but refunds.
        return payment_subjects(intent_id) if event_type == "charge.refunded" else ()
    return ((family, item["id"]),)


def subjects_of_invoice_payment(item: Mapping[str, Any]) -> tuple[Subject, ...]:
    payment = item.get("payment") or {}
    invoice_id = id_of(item.get("invoice"))
    payment_id = id_of(payment.get(payment.get("type")))
    invoices: tuple[Subject, ...] = (("invoice", invoice_id),) if invoice_id is not None else ()
    return (*payment_subjects(payment_id), *invoices) if payment_id is not None else invoices


def payment_subjects(payment_id: str) -> tuple[Subject, ...]:
    """A payment record may be a payment made at Stripe, or the mirror of one booked in Salesforce: the
    links tell which, so both are named.
    """
    payment: Subject = ("payment", payment_id)
    return (payment, ("payment_record", payment_id)) if payment_id.startswith("pr_") else (payment,)


def cause_of(event: Mapping[str, Any]) -> str | None:
    """The idempotency key of the request that caused the event; None when Stripe itself did."""
    request = event.get("request")
    # Events of very old API versions carry the request's id here as plain text.
    key = request.get("idempotency_key") if isinstance(request, dict) else None
    return key if isinstance(key, str) else None
