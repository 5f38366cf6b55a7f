"""Payment intents as a client creates and confirms them; how they end is in `payments.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe import attempts, invoice_payments
from connector.sandbox.stripe.customers import address
from connector.sandbox.stripe.errors import StripeError
from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.paging import Page, filters, page
from connector.sandbox.stripe.payment_methods import usable
from connector.sandbox.stripe.transitions import check_state

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

_UNMODELLED = ("payment_method_data", "confirmation_token", "transfer_data", "on_behalf_of", "mandate")


def create(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del path
    _refuse_unmodelled(params)
    currency = engine.currencies.code(params["currency"], param="currency")
    engine.currencies.check_charge(params["amount"], currency)
    customer = None
    if params.get("customer"):
        customer = engine.get("customer", params["customer"], param="customer")
    automatic = params.get("automatic_payment_methods")
    intent = invoice_payments.new_intent(
        engine,
        amount=params["amount"],
        currency=currency,
        customer=None if customer is None else customer["id"],
        description=params.get("description") or None,
        metadata=merged({}, params.get("metadata")),
        receipt_email=params.get("receipt_email") or None,
        shipping=_shipping(params.get("shipping")),
        setup_future_usage=params.get("setup_future_usage"),
        confirmation_method=params.get("confirmation_method", "automatic"),
        automatic_payment_methods=automatic
        and {"allow_redirects": automatic.get("allow_redirects", "always"), "enabled": automatic["enabled"]},
        payment_method_types=params.get("allowed_payment_method_types", ["card", "us_bank_account"]),
    )
    if params.get("payment_method"):
        method = usable(engine, params["payment_method"], param="payment_method", customer=customer)
        engine.touch(intent)
        intent.update(payment_method=method["id"], status="requires_confirmation")
    if params.get("confirm"):
        return _confirm(engine, intent, params)
    return intent


def _shipping(given: Fields | str | None) -> Fields | None:
    if not given or isinstance(given, str):
        return None
    return {
        "address": address(given.get("address")),
        "carrier": given.get("carrier"),
        "name": given.get("name"),
        "phone": given.get("phone"),
        "tracking_number": given.get("tracking_number"),
    }


def update(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    intent = engine.get("payment_intent", path["intent"])
    _refuse_unmodelled(params)
    if set(params) - {"metadata", "expand", "description"}:
        check_state(intent, "update")
        _refuse_default(engine, intent)
    engine.touch(intent)
    if "currency" in params:
        intent["currency"] = engine.currencies.code(params["currency"], param="currency")
    if "amount" in params:
        engine.currencies.check_charge(params["amount"], intent["currency"])
        intent["amount"] = params["amount"]
    for name in ("description", "receipt_email"):
        if name in params:
            intent[name] = params[name] or None
    if params.get("customer"):
        intent["customer"] = engine.get("customer", params["customer"], param="customer")["id"]
    if params.get("payment_method"):
        customer = engine.find("customer", intent["customer"] or "")
        method = usable(engine, params["payment_method"], param="payment_method", customer=customer)
        intent.update(payment_method=method["id"], status="requires_confirmation")
    intent["metadata"] = merged(intent["metadata"], params.get("metadata"))
    return intent


def confirm(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    intent = engine.get("payment_intent", path["intent"])
    check_state(intent, "confirm")
    _refuse_unmodelled(params)
    return _confirm(engine, intent, params)


def _confirm(engine: Engine, intent: Object, params: Fields) -> Object:
    customer = engine.find("customer", intent["customer"] or "")
    method_id = params.get("payment_method") or intent["payment_method"]
    if not method_id:
        raise StripeError(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment "
            "method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
        )
    method = usable(engine, method_id, param="payment_method", customer=customer)
    if method["type"] not in intent["payment_method_types"]:
        raise StripeError(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent.",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
        )
    attempts.attempt(engine, intent, method)
    return intent


def cancel(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    intent = engine.get("payment_intent", path["intent"])
    check_state(intent, "cancel")
    _refuse_default(engine, intent)
    invoice_payments.cancel_intent(engine, intent, reason=params.get("cancellation_reason"))
    return intent


def _refuse_default(engine: Engine, intent: Object) -> None:
    if engine.hidden.get(intent["id"], {}).get("default_of"):
        raise StripeError(
            "This PaymentIntent was made by an invoice and follows it: it cannot be edited or canceled directly.",
            code="payment_intent_unexpected_state",
        )


def _refuse_unmodelled(params: Fields) -> None:
    for name in _UNMODELLED:
        if params.get(name):
            raise StripeError(f"This sandbox does not model `{name}` of a payment intent.", param=name)
    if params.get("capture_method") == "manual":
        raise StripeError("This sandbox does not model manual capture.", param="capture_method")


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    where = filters(params, "customer")
    return page(engine, "payment_intent", params, url="/v1/payment_intents", where=where)
