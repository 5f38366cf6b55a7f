"""How money reaches an invoice: its payments, part-payment and over-payment.

Rules: platform.md C7. What an InvoicePayment takes is capped at what the invoice still asks for;
the rest is `amount_overpaid` and credit of the customer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe.customers import adjust_balance
from connector.sandbox.stripe.errors import StripeError
from connector.sandbox.stripe.paging import Page, filters, page
from connector.sandbox.stripe.store import Object, Window

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields


def new_intent(engine: Engine, *, amount: int, currency: str, customer: str | None, **more: object) -> Object:
    intent_id = engine.ids.new("payment_intent")
    intent: Object = {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{intent_id}_secret_{engine.ids.tail(25)}",
        "confirmation_method": "automatic",
        "created": engine.now,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": engine.livemode,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_details": {"customer_reference": None, "order_reference": None},
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card", "us_bank_account"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
        **more,
    }
    engine.insert(intent)
    engine.emit("payment_intent.created", intent)
    return intent


def new_invoice_payment(
    engine: Engine, invoice: Object, *, kind: str, source: str, amount: int, is_default: bool
) -> Object:
    return engine.insert(
        {
            "id": engine.ids.new("invoice_payment"),
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": amount,
            "created": engine.now,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": is_default,
            "livemode": engine.livemode,
            "payment": {kind: source, "type": kind},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        }
    )


def payments_of(engine: Engine, invoice: Object) -> list[Object]:
    """Every InvoicePayment of an invoice, newest first."""
    return list(engine.collections["invoice_payment"].select({"invoice": [invoice["id"]]}, Window()))


def default_payment(engine: Engine, invoice: Object) -> Object | None:
    return next((p for p in payments_of(engine, invoice) if p["is_default"] and p["status"] == "open"), None)


def open_default_payment(engine: Engine, invoice: Object) -> Object:
    """The payment Stripe itself keeps for what remains; gives its intent."""
    intent = new_intent(
        engine,
        amount=invoice["amount_remaining"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        description=f"Payment for Invoice {invoice['number']}",
    )
    new_invoice_payment(
        engine,
        invoice,
        kind="payment_intent",
        source=intent["id"],
        amount=invoice["amount_remaining"],
        is_default=True,
    )
    engine.hide(intent["id"], default_of=invoice["id"])
    return intent


def intent_to_pay(engine: Engine, invoice: Object) -> Object:
    """The default payment's intent; StripeError while it is already processing."""
    payment = default_payment(engine, invoice)
    if payment is None:
        return open_default_payment(engine, invoice)
    intent = engine.get("payment_intent", payment["payment"]["payment_intent"])
    if intent["status"] == "processing":
        raise StripeError("A payment of this invoice is still processing.", code="payment_intent_unexpected_state")
    return intent


def in_flight(engine: Engine, invoice: Object) -> bool:
    """Whether a payment of the invoice is processing."""
    return any(
        engine.get("payment_intent", payment["payment"]["payment_intent"])["status"] == "processing"
        for payment in payments_of(engine, invoice)
        if payment["status"] == "open" and payment["payment"]["type"] == "payment_intent"
    )


def open_by_intent(engine: Engine, intent_id: str) -> list[Object]:
    """Open InvoicePayments waiting for an intent, newest first."""
    found = engine.collections["invoice_payment"].select({"payment_intent": [intent_id]}, Window())
    return [payment for payment in found if payment["status"] == "open"]


def credit(engine: Engine, invoice: Object, payment: Object, received: int, *, off_stripe: bool = False) -> None:
    """Credits money that has arrived to the invoice; what is too much becomes the customer's."""
    engine.touch(invoice)
    engine.touch(payment)
    applied = min(received, invoice["amount_remaining"])
    excess = received - applied
    payment["amount_paid"] = applied
    payment["status"] = "paid"
    payment["status_transitions"] = {"canceled_at": None, "paid_at": engine.now}
    invoice["amount_paid"] += applied
    invoice["amount_remaining"] -= applied
    if off_stripe:
        engine.hide(invoice["id"], paid_off_stripe=paid_off_stripe(engine, invoice) + applied)
    if excess:
        _book_excess(engine, invoice, excess)
    engine.emit("invoice_payment.paid", payment)
    if invoice["amount_remaining"]:
        _follow_remainder(engine, invoice)
        engine.emit_update("invoice.updated", invoice)
    else:
        cancel_open_payments(engine, invoice, reason="automatic")
        mark_paid(engine, invoice)
        engine.emit_update("invoice.updated", invoice)
        engine.emit("invoice.paid", invoice)
        if not off_stripe:
            engine.emit("invoice.payment_succeeded", invoice)
    if excess:
        engine.emit("invoice.overpaid", invoice)


def _book_excess(engine: Engine, invoice: Object, excess: int) -> None:
    invoice["amount_overpaid"] += excess
    customer = engine.find("customer", invoice["customer"])
    if customer is not None:
        adjust_balance(
            engine, customer, -excess, "invoice_overpaid", currency=invoice["currency"], invoice=invoice["id"]
        )
        engine.emit_update("customer.updated", customer)


def mark_paid(engine: Engine, invoice: Object) -> None:
    """Sets the final state; the caller emits."""
    invoice["status"] = "paid"
    invoice["amount_remaining"] = 0
    invoice["attempted"] = True
    invoice["auto_advance"] = False
    invoice["status_transitions"] = invoice["status_transitions"] | {"paid_at": engine.now}


def paid_off_stripe(engine: Engine, invoice: Object) -> int:
    """Minor units of the invoice paid outside Stripe; shown only on request (platform.md C3)."""
    found: int = engine.hidden.get(invoice["id"], {}).get("paid_off_stripe", 0)
    return found


def _follow_remainder(engine: Engine, invoice: Object) -> None:
    """The default payment is kept in step with what remains."""
    payment = default_payment(engine, invoice)
    if payment is None:
        return
    engine.touch(payment)["amount_requested"] = invoice["amount_remaining"]
    intent = engine.get("payment_intent", payment["payment"]["payment_intent"])
    if intent["status"] != "processing":
        engine.touch(intent)["amount"] = invoice["amount_remaining"]


def cancel_open_payments(engine: Engine, invoice: Object, *, reason: str) -> None:
    """Cancels what is still open of an invoice; an intent of Stripe's own goes with it."""
    for payment in payments_of(engine, invoice):
        if payment["status"] != "open":
            continue
        intent = engine.find("payment_intent", payment["payment"].get("payment_intent") or "")
        if intent is not None and intent["status"] == "processing":
            continue  # money on its way still arrives, as over-payment
        engine.touch(payment)
        payment["status"] = "canceled"
        payment["status_transitions"] = {"canceled_at": engine.now, "paid_at": None}
        if intent is not None and payment["is_default"]:
            cancel_intent(engine, intent, reason=reason)


def cancel_intent(engine: Engine, intent: Object, *, reason: str | None) -> None:
    engine.touch(intent)
    intent.update(status="canceled", canceled_at=engine.now, cancellation_reason=reason, next_action=None)
    engine.emit("payment_intent.canceled", intent)


def attach_intent(engine: Engine, invoice: Object, intent: Object) -> None:
    """Puts an intent on an invoice: credited at once when it has succeeded, else when it does."""
    _check_attachable(engine, invoice, "payment_intent", intent["id"], intent["currency"])
    if intent["customer"] not in (None, invoice["customer"]):
        raise StripeError("The PaymentIntent belongs to another customer.", param="payment_intent")
    if intent["status"] == "canceled":
        raise StripeError(
            "A canceled PaymentIntent cannot be attached.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    if engine.hidden.get(intent["id"], {}).get("credited"):
        raise StripeError("All of this PaymentIntent's amount has been credited already.", param="payment_intent")
    payment = new_invoice_payment(
        engine, invoice, kind="payment_intent", source=intent["id"], amount=intent["amount"], is_default=False
    )
    if intent["status"] == "succeeded":
        credit(engine, invoice, payment, intent["amount_received"])
        engine.hide(intent["id"], credited=True)


def attach_record(engine: Engine, invoice: Object, record: Object) -> None:
    """Puts a payment reported from elsewhere on an invoice; only a guaranteed one is credited."""
    guaranteed = record["amount_guaranteed"]
    _check_attachable(engine, invoice, "payment_record", record["id"], guaranteed["currency"])
    if not guaranteed["value"]:
        raise StripeError("Only a guaranteed payment record can be attached to an invoice.", param="payment_record")
    payment = new_invoice_payment(
        engine, invoice, kind="payment_record", source=record["id"], amount=guaranteed["value"], is_default=False
    )
    credit(engine, invoice, payment, guaranteed["value"], off_stripe=True)


def _check_attachable(engine: Engine, invoice: Object, kind: str, source: str, currency: str) -> None:
    if currency != invoice["currency"]:
        raise StripeError(f"The payment is in {currency}, the invoice in {invoice['currency']}.", param=kind)
    attached = engine.collections["invoice_payment"].select({kind: [source]}, Window())
    if any(payment["invoice"] == invoice["id"] and payment["status"] != "canceled" for payment in attached):
        raise StripeError("This payment is already attached to the invoice.", param=kind)


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    where = filters(params, "invoice", "status")
    for name, value in params.get("payment", {}).items():
        where["payment_type" if name == "type" else name] = [value]
    return page(engine, "invoice_payment", params, url="/v1/invoice_payments", where=where)
