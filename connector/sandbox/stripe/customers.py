"""Customers and their balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.stripe.errors import StripeError, missing_resource
from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.paging import Page, filters, page

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

_PLAIN = ("description", "email", "name", "phone")
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
_MAX_EMAIL_LENGTH = 512


def create(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del path
    _refuse_unmodelled(params)
    customer = {
        "id": engine.ids.new("customer"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "business_name": params.get("business_name") or None,
        "created": engine.now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "individual_name": params.get("individual_name") or None,
        "invoice_prefix": params.get("invoice_prefix") or engine.ids.upper(8),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": engine.livemode,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": params.get("next_invoice_sequence", 1),
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    _apply(engine, customer, params)
    engine.insert(customer)
    engine.emit("customer.created", customer)
    if params.get("balance"):
        _adjust_by_request(engine, customer, params["balance"])
    return customer


def update(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    customer = engine.get("customer", path["customer"])
    _refuse_unmodelled(params)
    engine.touch(customer)
    _apply(engine, customer, params)
    for name in ("invoice_prefix", "next_invoice_sequence"):
        if name in params:
            customer[name] = params[name]
    if "balance" in params and params["balance"] != customer["balance"]:
        _adjust_by_request(engine, customer, params["balance"] - customer["balance"])
    else:
        engine.emit_update("customer.updated", customer)
    return customer


def retrieve(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    if engine.deleted.get(path["customer"]) == "customer":
        return {"id": path["customer"], "object": "customer", "deleted": True}
    return engine.get("customer", path["customer"])


def delete(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    customer = engine.get("customer", path["customer"])
    engine.remove(customer)
    engine.emit("customer.deleted", customer)
    return {"id": customer["id"], "object": "customer", "deleted": True}


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    where = filters(params, "email")
    return page(engine, "customer", params, url="/v1/customers", where=where)


def list_balance_transactions(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    customer = engine.get("customer", path["customer"])
    where = {"customer": [customer["id"]]}
    if "invoice" in params:
        where["invoice"] = [params["invoice"]]
    url = f"/v1/customers/{customer['id']}/balance_transactions"
    return page(engine, "customer_balance_transaction", params, url=url, where=where)


def retrieve_balance_transaction(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    transaction = engine.get("customer_balance_transaction", path["transaction"])
    if transaction["customer"] != path["customer"]:
        raise missing_resource("customer_balance_transaction", path["transaction"])
    return transaction


def create_balance_transaction(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    customer = engine.get("customer", path["customer"])
    currency = engine.currencies.code(params["currency"], param="currency")
    transaction = adjust_balance(
        engine,
        customer,
        params["amount"],
        "adjustment",
        currency=currency,
        description=params.get("description") or None,
        metadata=merged({}, params.get("metadata")),
    )
    engine.emit_update("customer.updated", customer)
    return transaction


def adjust_balance(
    engine: Engine,
    customer: Object,
    amount: int,
    reason: str,
    *,
    currency: str,
    invoice: str | None = None,
    **more: Any,
) -> Object:
    """Books `amount` (minor units; negative is credit for the customer) and keeps the trail.

    The caller emits `customer.updated`. Raises StripeError when the customer holds another currency.
    """
    if customer["currency"] not in (None, currency) and customer["balance"]:
        raise StripeError(
            f"The customer's balance is in {customer['currency']}; it cannot be changed in {currency}.",
            param="currency",
        )
    engine.touch(customer)
    customer["balance"] += amount
    customer["currency"] = customer["currency"] or currency
    return engine.insert(
        {
            "id": engine.ids.new("customer_balance_transaction"),
            "object": "customer_balance_transaction",
            "amount": amount,
            "checkout_session": None,
            "created": engine.now,
            "credit_note": None,
            "currency": currency,
            "customer": customer["id"],
            "customer_account": None,
            "description": more.get("description"),
            "ending_balance": customer["balance"],
            "invoice": invoice,
            "livemode": engine.livemode,
            "metadata": more.get("metadata", {}),
            "type": reason,
        }
    )


def _adjust_by_request(engine: Engine, customer: Object, amount: int) -> None:
    currency = customer["currency"] or engine.default_currency
    adjust_balance(engine, customer, amount, "adjustment", currency=currency)
    engine.emit_update("customer.updated", customer)


def _apply(engine: Engine, customer: Object, params: Fields) -> None:
    email = params.get("email")
    if email and ("@" not in email.strip("@") or len(email) > _MAX_EMAIL_LENGTH or " " in email):
        raise StripeError(f"Invalid email address: {email}", code="email_invalid", param="email")
    for name in (*_PLAIN, "business_name", "individual_name"):
        if name in params:
            customer[name] = params[name] or None
    if "address" in params:
        customer["address"] = address(params["address"])
    if "shipping" in params:
        shipping = params["shipping"]
        customer["shipping"] = shipping and {
            "address": address(shipping.get("address")),
            "name": shipping.get("name"),
            "phone": shipping.get("phone") or None,
        }
        customer["shipping"] = customer["shipping"] or None
    if "tax_exempt" in params:
        customer["tax_exempt"] = params["tax_exempt"] or "none"
    if "preferred_locales" in params:
        customer["preferred_locales"] = params["preferred_locales"] or []
    customer["metadata"] = merged(customer["metadata"], params.get("metadata"))
    if params.get("payment_method"):
        engine.get("payment_method", params["payment_method"], param="payment_method")
    settings = params.get("invoice_settings")
    if settings:
        _apply_invoice_settings(engine, customer, settings)


def _apply_invoice_settings(engine: Engine, customer: Object, settings: Fields) -> None:
    method = settings.get("default_payment_method")
    if method:
        found = engine.get("payment_method", method, param="invoice_settings[default_payment_method]")
        if found["customer"] != customer["id"]:
            raise StripeError(
                f"The customer does not have a payment method with the ID {method}. The payment method must be attached "
                "to the customer.",
                code="resource_missing",
                param="invoice_settings[default_payment_method]",
            )
    updated: Fields = {name: settings[name] or None for name in ("custom_fields", "footer") if name in settings}
    if "default_payment_method" in settings:
        updated["default_payment_method"] = method or None
    customer["invoice_settings"] = customer["invoice_settings"] | updated


def address(given: Fields | str | None) -> Fields | None:
    """All six parts of an address, absent ones null; None when nothing was given."""
    if not given or isinstance(given, str):
        return None
    return {part: given.get(part) or None for part in _ADDRESS}


def _refuse_unmodelled(params: Fields) -> None:
    for name in ("source", "test_clock", "tax_id_data", "cash_balance"):
        if params.get(name):
            raise StripeError(f"This sandbox does not model `{name}` of a customer.", param=name)
