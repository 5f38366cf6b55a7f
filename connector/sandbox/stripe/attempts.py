"""Charging a payment intent: cards that work or are refused, bank debits that take their days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe import charges
from connector.sandbox.stripe.errors import StripeError
from connector.sandbox.stripe.invoice_payments import credit, open_by_intent
from connector.sandbox.stripe.payment_methods import (
    DEBIT_FAILS,
    DEBIT_STAYS,
    DEBIT_SUCCEEDS,
    NEEDS_ACTION,
    SUCCEEDS,
    behaviour,
)

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

#: Up to four business days until a bank debit is known to have worked (platform.md C7).
DEBIT_SETTLES_AFTER_S = 4 * 86_400
_MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
}
_DEBIT_FAILURE = {
    "code": "payment_intent_payment_attempt_failed",
    "decline_code": "insufficient_funds",
    "message": "The customer's bank account could not be debited.",
}


def attempt(engine: Engine, intent: Object, method: Object, *, invoice: Object | None = None) -> None:
    """Charges the intent's amount; raises the 402 of a refused card with everything it left behind kept."""
    how = behaviour(engine, method)
    engine.touch(intent)
    if how == SUCCEEDS:
        charge = charges.new(engine, intent, method, status="succeeded")
        _intent_succeeded(engine, intent, method["id"], charge)
    elif how in {DEBIT_SUCCEEDS, DEBIT_FAILS, DEBIT_STAYS}:
        _start_debit(engine, intent, method, how)
        if invoice is not None:
            engine.emit_update("invoice.updated", invoice)
    elif how == NEEDS_ACTION:
        intent.update(
            status="requires_action",
            payment_method=method["id"],
            next_action={"type": "use_stripe_sdk", "use_stripe_sdk": {}},
        )
        engine.emit("payment_intent.requires_action", intent)
        if invoice is not None:
            engine.emit("invoice.payment_action_required", invoice)
            raise StripeError(
                "This payment requires additional user action before it can be completed successfully.",
                status=402,
                type="card_error",
                code="invoice_payment_intent_requires_action",
                keep_writes=True,
            )
    else:
        decline = {
            "code": "card_declined",
            "decline_code": how,
            "message": _MESSAGES.get(how, "Your card was declined."),
        }
        if how == "expired_card":
            decline["code"] = how
        charge = charges.new(engine, intent, method, status="failed", decline=decline)
        raise _refused(engine, intent, method, charge, decline, invoice)


def _refused(
    engine: Engine, intent: Object, method: Object, charge: Object, decline: Fields, invoice: Object | None
) -> StripeError:
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        latest_charge=charge["id"],
        last_payment_error={**decline, "charge": charge["id"], "payment_method": dict(method), "type": "card_error"},
    )
    engine.emit("charge.failed", charge)
    engine.emit("payment_intent.payment_failed", intent)
    if invoice is not None:
        engine.emit_update("invoice.updated", invoice)
        engine.emit("invoice.payment_failed", invoice)
    return StripeError(
        decline["message"],
        status=402,
        type="card_error",
        code=decline["code"],
        extra={
            "charge": charge["id"],
            "decline_code": decline["decline_code"],
            "payment_intent": dict(intent),
            "payment_method": dict(method),
        },
        keep_writes=True,
    )


def _start_debit(engine: Engine, intent: Object, method: Object, how: str) -> None:
    charge = charges.new(engine, intent, method, status="pending")
    intent.update(
        status="processing",
        payment_method=method["id"],
        latest_charge=charge["id"],
    )
    engine.hide(intent["id"], debit=how)
    if how != DEBIT_STAYS:
        engine.schedule(engine.now + DEBIT_SETTLES_AFTER_S, "settle_debit", intent["id"])
    engine.emit("charge.pending", charge)
    engine.emit("payment_intent.processing", intent)


def settle_debit(engine: Engine, intent_id: str) -> None:
    """The bank's answer, as the test account's behaviour says."""
    how = engine.hidden.get(intent_id, {}).get("debit")
    _end_debit(engine, intent_id, succeed=how != DEBIT_FAILS)


def settle_all(engine: Engine, *, succeed: bool) -> int:
    """Ends every debit in flight; gives how many."""
    waiting = [
        object_id
        for object_id, facts in engine.hidden.items()
        if "debit" in facts and engine.get("payment_intent", object_id)["status"] == "processing"
    ]
    for intent_id in waiting:
        how = engine.hidden[intent_id]["debit"]
        _end_debit(engine, intent_id, succeed=succeed and how != DEBIT_FAILS)
    return len(waiting)


def _end_debit(engine: Engine, intent_id: str, *, succeed: bool) -> None:
    intent = engine.find("payment_intent", intent_id)
    if intent is None or intent["status"] != "processing":
        return
    charge = engine.touch(engine.get("charge", intent["latest_charge"]))
    engine.touch(intent)
    if succeed:
        charges.settle(engine, charge)
        _intent_succeeded(engine, intent, intent["payment_method"], charge)
        return
    charges.fail_fields(charge, _DEBIT_FAILURE)
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        last_payment_error={**_DEBIT_FAILURE, "charge": charge["id"], "type": "invalid_request_error"},
    )
    engine.emit("charge.failed", charge)
    engine.emit("payment_intent.payment_failed", intent)
    for payment in open_by_intent(engine, intent_id):
        engine.emit("invoice.payment_failed", engine.get("invoice", payment["invoice"]))


def _intent_succeeded(engine: Engine, intent: Object, method_id: str | None, charge: Object) -> None:
    intent.update(
        status="succeeded",
        amount_received=charge["amount"],
        latest_charge=charge["id"],
        payment_method=method_id,
        last_payment_error=None,
        next_action=None,
    )
    engine.emit("charge.succeeded", charge)
    engine.emit("payment_intent.succeeded", intent)
    left = intent["amount_received"]
    waiting = list(reversed(open_by_intent(engine, intent["id"])))
    for payment in waiting:
        invoice = engine.get("invoice", payment["invoice"])
        # Only the last of several invoices may be overpaid by what the others left.
        received = left if payment is waiting[-1] else min(left, invoice["amount_remaining"])
        credit(engine, invoice, payment, received)
        left -= received
        engine.hide(intent["id"], credited=True)
