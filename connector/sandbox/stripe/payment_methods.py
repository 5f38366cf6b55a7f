"""Payment methods: the test ones of Stripe's documentation, and how each behaves when charged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe.customers import address
from connector.sandbox.stripe.errors import StripeError, missing_parameter
from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.paging import Filters, Page, page

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

#: how a method behaves when charged; anything else is the decline code of a refused card
SUCCEEDS = "succeeds"
NEEDS_ACTION = "needs_action"
DEBIT_SUCCEEDS = "debit_succeeds"
DEBIT_FAILS = "debit_fails"
DEBIT_STAYS = "debit_stays"

#: test id -> (type, brand, last four digits, behaviour)
TEST_METHODS: dict[str, tuple[str, str, str, str]] = {
    "pm_card_visa": ("card", "visa", "4242", SUCCEEDS),
    "pm_card_visa_debit": ("card", "visa", "5556", SUCCEEDS),
    "pm_card_mastercard": ("card", "mastercard", "4444", SUCCEEDS),
    "pm_card_amex": ("card", "amex", "8431", SUCCEEDS),
    "pm_card_discover": ("card", "discover", "9424", SUCCEEDS),
    "pm_card_chargeDeclined": ("card", "visa", "0002", "generic_decline"),
    "pm_card_visa_chargeDeclined": ("card", "visa", "0002", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card", "visa", "9995", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card", "visa", "9995", "insufficient_funds"),
    "pm_card_chargeDeclinedExpiredCard": ("card", "visa", "0069", "expired_card"),
    "pm_card_chargeCustomerFail": ("card", "visa", "0341", "generic_decline"),
    "pm_card_authenticationRequired": ("card", "visa", "3184", NEEDS_ACTION),
    "pm_usBankAccount": ("us_bank_account", "", "6789", DEBIT_SUCCEEDS),
    "pm_usBankAccount_success": ("us_bank_account", "", "6789", DEBIT_SUCCEEDS),
    "pm_usBankAccount_processing": ("us_bank_account", "", "2227", DEBIT_STAYS),
    "pm_usBankAccount_insufficientFunds": ("us_bank_account", "", "2222", DEBIT_FAILS),
    "pm_usBankAccount_accountClosed": ("us_bank_account", "", "1116", DEBIT_FAILS),
}
_CARD_NUMBERS = {
    "4242424242424242": "pm_card_visa",
    "5555555555554444": "pm_card_mastercard",
    "378282246310005": "pm_card_amex",
    "4000000000000002": "pm_card_chargeDeclined",
    "4000000000009995": "pm_card_chargeDeclinedInsufficientFunds",
    "4000000000000069": "pm_card_chargeDeclinedExpiredCard",
    "4000000000000341": "pm_card_chargeCustomerFail",
    "4000002760003184": "pm_card_authenticationRequired",
}
_TOKENS = {
    "tok_visa": "pm_card_visa",
    "tok_mastercard": "pm_card_mastercard",
    "tok_amex": "pm_card_amex",
    "tok_chargeDeclined": "pm_card_chargeDeclined",
    "tok_chargeDeclinedInsufficientFunds": "pm_card_chargeDeclinedInsufficientFunds",
    "tok_chargeCustomerFail": "pm_card_chargeCustomerFail",
}
_BANK_ACCOUNTS = {
    "000123456789": "pm_usBankAccount_success",
    "000111111116": "pm_usBankAccount_accountClosed",
    "000222222227": "pm_usBankAccount_insufficientFunds",
    "000000000009": "pm_usBankAccount_processing",
}


def create(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del path
    if "type" not in params:
        raise missing_parameter("type")
    method = _new(engine, _test_id(params), params.get("billing_details") or {})
    method["metadata"] = merged({}, params.get("metadata"))
    method["allow_redisplay"] = params.get("allow_redisplay", "unspecified")
    return method


def _test_id(params: Fields) -> str:
    kind = params["type"]
    if kind == "card":
        card = params.get("card")
        if not card:
            raise missing_parameter("card")
        if "token" in card:
            found = _TOKENS.get(card["token"])
            if found is None:
                raise StripeError(f"No such token: '{card['token']}'", code="resource_missing", param="card[token]")
            return found
        found = _CARD_NUMBERS.get(str(card.get("number", "")).replace(" ", ""))
        if found is None:
            raise StripeError(
                "Your card number is incorrect.",
                status=402,
                type="card_error",
                code="incorrect_number",
                param="card[number]",
            )
        return found
    if kind == "us_bank_account":
        account = params.get("us_bank_account") or {}
        found = _BANK_ACCOUNTS.get(account.get("account_number", ""))
        if found is None:
            raise StripeError(
                "You must use a test bank account number in test mode.",
                code="payment_method_invalid_parameter_testmode",
                param="us_bank_account[account_number]",
            )
        return found
    raise StripeError(f"This sandbox does not model payment methods of type {kind}.", param="type")


def _new(engine: Engine, test_id: str, billing: Fields) -> Object:
    kind, brand, last4, behaviour = TEST_METHODS[test_id]
    method: Object = {
        "id": engine.ids.new("payment_method"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": address(billing.get("address")) or address({"city": None}),
            "email": billing.get("email") or None,
            "name": billing.get("name") or None,
            "phone": billing.get("phone") or None,
            "tax_id": None,
        },
        "created": engine.now,
        "customer": None,
        "customer_account": None,
        "livemode": engine.livemode,
        "metadata": {},
        "type": kind,
        kind: _card(engine, brand, last4) if kind == "card" else _bank_account(engine, last4),
    }
    engine.insert(method)
    engine.hide(method["id"], behaviour=behaviour)
    return method


def _card(engine: Engine, brand: str, last4: str) -> Fields:
    return {
        "brand": brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": brand,
        "exp_month": 12,
        "exp_year": 2040,
        "fingerprint": engine.ids.tail(16),
        "funding": "credit",
        "generated_from": None,
        "last4": last4,
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _bank_account(engine: Engine, last4: str) -> Fields:
    return {
        "account_holder_type": "company",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": engine.ids.tail(16),
        "last4": last4,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": "110000000",
        "status_details": {},
    }


def usable(engine: Engine, method_id: str, *, param: str, customer: Object | None) -> Object:
    """A method to charge: a test id makes a fresh method, as the real service does."""
    if method_id in TEST_METHODS:
        method = _new(engine, method_id, {})
        if customer is not None:
            method["customer"] = customer["id"]
            engine.touch(method)
        return method
    method = engine.get("payment_method", method_id, param=param)
    if method["customer"] is not None and (customer is None or customer["id"] != method["customer"]):
        raise StripeError(
            "The payment method supplied belongs to a different Customer.",
            code="payment_method_unexpected_state",
            param=param,
        )
    return method


def behaviour(engine: Engine, method: Object) -> str:
    found: str = engine.hidden[method["id"]]["behaviour"]
    return found


def retrieve(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    return engine.get("payment_method", path["payment_method"])


def update(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    method = engine.touch(engine.get("payment_method", path["payment_method"]))
    method["metadata"] = merged(method["metadata"], params.get("metadata"))
    if params.get("billing_details"):
        given = params["billing_details"]
        details = {name: given[name] or None for name in ("email", "name", "phone") if name in given}
        if "address" in given:
            details["address"] = address(given["address"]) or address({"city": None})
        method["billing_details"] = method["billing_details"] | details
    engine.emit_update("payment_method.updated", method)
    return method


def attach(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    if "customer" not in params:
        raise missing_parameter("customer")
    customer = engine.get("customer", params["customer"], param="customer")
    method_id = path["payment_method"]
    method = _new(engine, method_id, {}) if method_id in TEST_METHODS else engine.get("payment_method", method_id)
    if method["customer"] not in (None, customer["id"]):
        raise StripeError(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    engine.touch(method)
    method["customer"] = customer["id"]
    engine.emit("payment_method.attached", method)
    return method


def detach(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    method = engine.touch(engine.get("payment_method", path["payment_method"]))
    if method["customer"] is None:
        raise StripeError("The payment method you provided is not attached to a customer so detachment is impossible.")
    customer = engine.find("customer", method["customer"])
    if customer is not None and customer["invoice_settings"]["default_payment_method"] == method["id"]:
        engine.touch(customer)
        customer["invoice_settings"] = customer["invoice_settings"] | {"default_payment_method": None}
        engine.emit_update("customer.updated", customer)
    method["customer"] = None
    engine.emit_update("payment_method.detached", method)
    return method


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    customer = path.get("customer", params.get("customer"))
    if "customer" in path:
        engine.get("customer", path["customer"])
    # Only attached methods are listed; without a customer there is nothing to list.
    where: Filters = {"customer": [customer]}
    if "type" in params:
        where["type"] = [params["type"]]
    url = f"/v1/customers/{customer}/payment_methods" if "customer" in path else "/v1/payment_methods"
    return page(engine, "payment_method", params, url=url, where=where)
