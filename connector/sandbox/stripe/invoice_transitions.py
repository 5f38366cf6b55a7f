"""From draft to open to paid, void or uncollectible, and what each step does to money and balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe import attempts, invoice_payments
from connector.sandbox.stripe.customers import adjust_balance
from connector.sandbox.stripe.errors import StripeError, exclusive_parameters, missing_parameter
from connector.sandbox.stripe.invoices import customer_copy, number_taken
from connector.sandbox.stripe.line_items import lines_of
from connector.sandbox.stripe.payment_methods import usable
from connector.sandbox.stripe.transitions import check_state

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object


def finalize(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    invoice = engine.get("invoice", path["invoice"])
    check_state(invoice, "finalize")
    engine.touch(invoice)
    if "auto_advance" in params:
        invoice["auto_advance"] = params["auto_advance"]
    return _finalize(engine, invoice)


def finalize_due(engine: Engine, invoice_id: str) -> None:
    """A draft with auto_advance whose hour is over; skipped when it was changed meanwhile."""
    invoice = engine.find("invoice", invoice_id)
    if invoice is None or invoice["status"] != "draft" or not invoice["auto_advance"]:
        return
    engine.touch(invoice)
    try:
        _finalize(engine, invoice)
    except StripeError as error:
        invoice["automatically_finalizes_at"] = None
        invoice["last_finalization_error"] = {"code": error.code, "message": error.message, "type": error.type}
        engine.emit_update("invoice.updated", invoice)
        engine.emit("invoice.finalization_failed", invoice)


def _finalize(engine: Engine, invoice: Object) -> Object:
    if not lines_of(engine, invoice["id"]):
        raise StripeError("This invoice has no line items: nothing to invoice.", code="invoice_no_customer_line_items")
    customer = engine.find("customer", invoice["customer"])
    if customer is None:
        raise StripeError("The customer of this invoice was deleted.", code="resource_missing", param="customer")
    engine.currencies.check_step(invoice["total"], invoice["currency"], param="amount")
    if invoice["total"] > engine.currencies.largest():
        raise StripeError(
            f"Amount must be no more than {engine.currencies.largest()}.", code="amount_too_large", param="amount"
        )
    invoice.update(customer_copy(customer))
    invoice["status"] = "open"
    invoice["automatically_finalizes_at"] = None
    invoice["status_transitions"] = invoice["status_transitions"] | {"finalized_at": engine.now}
    invoice["effective_at"] = invoice["effective_at"] or engine.now
    _assign_number(engine, invoice, customer)
    _assign_links(engine, invoice)
    _apply_customer_balance(engine, invoice, customer)
    if invoice["amount_due"]:
        invoice_payments.open_default_payment(engine, invoice)
    else:
        invoice_payments.mark_paid(engine, invoice)
    engine.emit_update("customer.updated", customer)
    engine.emit_update("invoice.updated", invoice)
    engine.emit("invoice.finalized", invoice)
    if invoice["status"] == "paid":
        engine.emit("invoice.paid", invoice)
        engine.emit("invoice.payment_succeeded", invoice)
    return invoice


def _assign_number(engine: Engine, invoice: Object, customer: Object) -> None:
    if invoice["number"] is not None:
        return
    engine.touch(customer)
    while True:
        number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
        customer["next_invoice_sequence"] += 1
        if not number_taken(engine, number):
            break
    invoice["number"] = number


def _assign_links(engine: Engine, invoice: Object) -> None:
    mode = "live" if engine.livemode else "test"
    tail = f"{engine.ids.account_id}/{mode}_{engine.ids.tail(40)}"
    invoice["hosted_invoice_url"] = f"https://invoice.stripe.com/i/{tail}?s=ap"
    invoice["invoice_pdf"] = f"https://pay.stripe.com/invoice/{tail}/pdf?s=ap"


def _apply_customer_balance(engine: Engine, invoice: Object, customer: Object) -> None:
    """Credit or debt of the customer goes into the invoice; too small a rest goes to the balance instead."""
    # A balance in another currency stays out of it.
    starting = customer["balance"] if customer["currency"] in (None, invoice["currency"]) else 0
    total = invoice["total"]
    due = max(0, total + starting)
    if 0 < due < engine.currencies.smallest(invoice["currency"]):
        due, moved, reason = 0, total, "invoice_too_small"
    else:
        # With nothing due, the whole total is taken from the credit (or added to it, when negative).
        moved, reason = (-starting if due else total), "applied_to_invoice"
    if moved:
        adjust_balance(engine, customer, moved, reason, currency=invoice["currency"], invoice=invoice["id"])
    invoice["starting_balance"] = starting
    invoice["ending_balance"] = starting + moved
    invoice["amount_due"] = invoice["amount_remaining"] = due


def send(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    invoice = engine.get("invoice", path["invoice"])
    check_state(invoice, "send")
    if invoice["collection_method"] != "send_invoice":
        raise StripeError("You can only manually send an invoice if its collection method is `send_invoice`.")
    if not invoice["customer_email"]:
        raise StripeError("The customer must have an email address to send an invoice to.", code="email_invalid")
    engine.emit("invoice.sent", invoice)
    return invoice


def void(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    invoice = engine.get("invoice", path["invoice"])
    check_state(invoice, "void")
    if invoice["amount_paid"] or invoice_payments.in_flight(engine, invoice):
        # Inferred: an invoice that money has reached is corrected by a credit note, not voided.
        raise StripeError(
            "You cannot void an invoice that has payments. Use a credit note instead.",
            code="status_transition_invalid",
        )
    engine.touch(invoice)
    invoice_payments.cancel_open_payments(engine, invoice, reason="void_invoice")
    invoice["status"] = "void"
    invoice["status_transitions"] = invoice["status_transitions"] | {"voided_at": engine.now}
    invoice["auto_advance"] = False
    engine.emit_update("invoice.updated", invoice)
    engine.emit("invoice.voided", invoice)
    return invoice


def mark_uncollectible(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    invoice = engine.get("invoice", path["invoice"])
    check_state(invoice, "mark_uncollectible")
    engine.touch(invoice)
    invoice["status"] = "uncollectible"
    invoice["status_details"] = {"uncollectible": {"reason": "user_forgiven"}}
    invoice["status_transitions"] = invoice["status_transitions"] | {"marked_uncollectible_at": engine.now}
    invoice["auto_advance"] = False
    engine.emit_update("invoice.updated", invoice)
    engine.emit("invoice.marked_uncollectible", invoice)
    return invoice


def pay(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    invoice = engine.get("invoice", path["invoice"])
    check_state(invoice, "pay")
    if params.get("paid_out_of_band"):
        if "payment_method" in params:
            raise exclusive_parameters("paid_out_of_band", "payment_method")
        return _pay_out_of_band(engine, invoice)
    customer = engine.get("customer", invoice["customer"])
    method_id = (
        params.get("payment_method")
        or invoice["default_payment_method"]
        or customer["invoice_settings"]["default_payment_method"]
    )
    if not method_id:
        raise StripeError(
            "There is no `default_payment_method` set on this Customer or Invoice. Please set either field prior to "
            "attempting payment on the Invoice, or pass a payment method."
        )
    method = usable(engine, method_id, param="payment_method", customer=customer)
    intent = invoice_payments.intent_to_pay(engine, invoice)
    engine.touch(invoice)
    invoice["attempted"] = True
    invoice["attempt_count"] += 1
    attempts.attempt(engine, intent, method, invoice=invoice)
    return invoice


def _pay_out_of_band(engine: Engine, invoice: Object) -> Object:
    """The whole remainder, with no charge and no balance transaction (platform.md C7)."""
    if invoice_payments.in_flight(engine, invoice):
        raise StripeError("A payment of this invoice is still processing.", code="payment_intent_unexpected_state")
    engine.touch(invoice)
    remaining = invoice["amount_remaining"]
    invoice_payments.cancel_open_payments(engine, invoice, reason="automatic")
    engine.hide(invoice["id"], paid_off_stripe=invoice_payments.paid_off_stripe(engine, invoice) + remaining)
    invoice["amount_paid"] += remaining
    invoice_payments.mark_paid(engine, invoice)
    engine.emit_update("invoice.updated", invoice)
    engine.emit("invoice.paid", invoice)
    return invoice


def attach_payment(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    invoice = engine.get("invoice", path["invoice"])
    check_state(invoice, "attach_payment")
    given = [name for name in ("payment_intent", "payment_record") if name in params]
    if len(given) > 1:
        raise exclusive_parameters(*given)
    if not given:
        raise missing_parameter("payment_intent")
    if given == ["payment_intent"]:
        invoice_payments.attach_intent(engine, invoice, engine.get("payment_intent", params[given[0]], param=given[0]))
    else:
        invoice_payments.attach_record(engine, invoice, engine.get("payment_record", params[given[0]], param=given[0]))
    return invoice
