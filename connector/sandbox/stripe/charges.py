"""Charges, their balance transactions and refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe.errors import StripeError, exclusive_parameters, missing_parameter
from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.paging import Page, filters, page

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

#: 2.9 % + 30 minor units: the published standard card fee, only to make `net` differ from `amount`.
_FEE_PER_MILLE, _FEE_FIXED = 29, 30
_AVAILABLE_AFTER_S = 2 * 86_400


def new(engine: Engine, intent: Object, method: Object, *, status: str, decline: Fields | None = None) -> Object:
    """A charge of the whole intent; `decline` carries code, decline_code and message of a refused one."""
    charge = {
        "id": engine.ids.new("charge"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if status == "succeeded" else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": None,
        "captured": status != "failed",
        "created": engine.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": engine.livemode,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": _outcome(decline),
        "paid": status == "succeeded",
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _method_details(method, intent["amount"]),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }
    if decline is not None:
        fail_fields(charge, decline)
    engine.insert(charge)
    if status == "succeeded":
        settle(engine, charge)
    return charge


def fail_fields(charge: Object, decline: Fields) -> None:
    charge.update(
        status="failed",
        paid=False,
        captured=False,
        failure_code=decline["code"],
        failure_message=decline["message"],
        outcome=_outcome(decline),
    )


def settle(engine: Engine, charge: Object) -> None:
    """The money is there: the charge succeeds and books into the balance."""
    transaction = _balance_transaction(
        engine,
        charge["amount"],
        charge["currency"],
        source=charge["id"],
        kind="charge" if "card" in charge["payment_method_details"] else "payment",
        fee=(charge["amount"] * _FEE_PER_MILLE + 500) // 1000 + _FEE_FIXED,
    )
    charge.update(
        status="succeeded",
        paid=True,
        amount_captured=charge["amount"],
        balance_transaction=transaction["id"],
        receipt_url=f"https://pay.stripe.com/receipts/payment/{engine.ids.tail(40)}",
    )


def _balance_transaction(engine: Engine, amount: int, currency: str, *, source: str, kind: str, fee: int = 0) -> Object:
    return engine.insert(
        {
            "id": engine.ids.new("balance_transaction"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": engine.now + _AVAILABLE_AFTER_S,
            "balance_type": "payments",
            "created": engine.now,
            "currency": currency,
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [
                {
                    "amount": fee,
                    "application": None,
                    "currency": currency,
                    "description": "Stripe processing fees",
                    "type": "stripe_fee",
                }
            ]
            if fee
            else [],
            "net": amount - fee,
            "reporting_category": "charge" if kind in {"charge", "payment"} else "refund",
            "source": source,
            "status": "pending",
            "type": kind,
        }
    )


def _outcome(decline: Fields | None) -> Fields:
    refused = decline is not None
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if refused else "approved_by_network",
        "reason": decline["decline_code"] if decline is not None else None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "The bank declined the payment." if refused else "Payment complete.",
        "type": "issuer_declined" if refused else "authorized",
    }


def _method_details(method: Object, amount: int) -> Fields:
    if method["type"] == "card":
        card = method["card"]
        details: Fields = {
            name: card[name]
            for name in ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
        }
        details |= {
            "amount_authorized": amount,
            "authorization_code": None,
            "installments": None,
            "mandate": None,
            "network": card["brand"],
            "regulated_status": card["regulated_status"],
            "three_d_secure": None,
            "wallet": None,
        }
        return {"card": details, "type": "card"}
    account = method["us_bank_account"]
    names = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
    return {
        "type": "us_bank_account",
        "us_bank_account": {name: account[name] for name in names} | {"mandate": None, "payment_reference": None},
    }


def list_charges(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    where = filters(params, "customer", "payment_intent")
    return page(engine, "charge", params, url="/v1/charges", where=where)


def update_charge(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    charge = engine.touch(engine.get("charge", path["charge"]))
    for name in ("description", "receipt_email"):
        if name in params:
            charge[name] = params[name] or None
    charge["metadata"] = merged(charge["metadata"], params.get("metadata"))
    engine.emit_update("charge.updated", charge)
    return charge


def refunds_of(engine: Engine, charge: Object) -> Fields:
    """The `refunds` list of a charge, shown on request."""
    url = f"/v1/charges/{charge['id']}/refunds"
    return page(engine, "refund", {}, url=url, where={"charge": [charge["id"]]}).body()


def create_refund(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    """A refund of all or part of a charge; it succeeds at once."""
    del path
    charge = _charge_to_refund(engine, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if charge["status"] != "succeeded":
        raise StripeError(f"Charge {charge['id']} has not succeeded and cannot be refunded.", param="charge")
    if not left:
        raise StripeError(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", param="charge"
        )
    if amount < 1 or amount > left:
        raise StripeError(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})."
            if amount > left
            else "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer" if amount < 1 else None,
            param="amount",
        )
    engine.currencies.check_step(amount, charge["currency"], param="amount")
    refund = {
        "id": engine.ids.new("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": engine.now,
        "currency": charge["currency"],
        "destination_details": {
            "card": {"reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        }
        if "card" in charge["payment_method_details"]
        else {"type": "us_bank_transfer", "us_bank_transfer": {"reference": None, "reference_status": None}},
        "metadata": merged({}, params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    booked = _balance_transaction(engine, -amount, charge["currency"], source=refund["id"], kind="refund")
    refund["balance_transaction"] = booked["id"]
    engine.insert(refund)
    engine.touch(charge)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    engine.emit("refund.created", refund)
    engine.emit_update("charge.refunded", charge)
    return refund


def _charge_to_refund(engine: Engine, params: Fields) -> Object:
    if "charge" in params and "payment_intent" in params:
        raise exclusive_parameters("charge", "payment_intent")
    if "charge" in params:
        return engine.get("charge", params["charge"], param="charge")
    if "payment_intent" not in params:
        raise missing_parameter("charge")
    intent = engine.get("payment_intent", params["payment_intent"], param="payment_intent")
    if intent["latest_charge"] is None:
        raise StripeError(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", param="payment_intent"
        )
    return engine.get("charge", intent["latest_charge"])


def update_refund(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    refund = engine.touch(engine.get("refund", path["refund"]))
    refund["metadata"] = merged(refund["metadata"], params.get("metadata"))
    engine.emit_update("refund.updated", refund)
    return refund


def list_refunds(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    where = filters(params, "charge", "payment_intent")
    return page(engine, "refund", params, url="/v1/refunds", where=where)


def list_balance_transactions(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    for name in ("payout", "currency"):
        if name in params:
            raise StripeError(f"This sandbox does not model the filter `{name}`.", param=name)
    where = filters(params, "source", "type")
    return page(engine, "balance_transaction", params, url="/v1/balance_transactions", where=where)
