"""Quotes: draft, open, then accepted or canceled; they cancel themselves at `expires_at` (platform.md C8)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from connector.sandbox.stripe import invoice_items, invoices
from connector.sandbox.stripe.errors import StripeError, exclusive_parameters, missing_parameter
from connector.sandbox.stripe.line_items import inline_price, line_amount, rated_taxes, refresh_totals, usable_price
from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.paging import Page, filters, page, page_of
from connector.sandbox.stripe.transitions import check_editable, check_state

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

LIFETIME_S = 30 * 86_400
_PLAIN = ("description", "footer", "header")


def create(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del path
    _refuse_unmodelled(params)
    quote: Object = {
        "id": engine.ids.new("quote"),
        "object": "quote",
        "amount_subtotal": 0,
        "amount_total": 0,
        "application": None,
        "application_fee_amount": None,
        "application_fee_percent": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "collection_method": "charge_automatically",
        "computed": {},
        "created": engine.now,
        "currency": None,
        "customer": None,
        "customer_account": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "expires_at": engine.now + LIFETIME_S,
        "footer": None,
        "from_quote": None,
        "header": None,
        "invoice": None,
        "invoice_settings": {
            "custom_fields": None,
            "days_until_due": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "livemode": engine.livemode,
        "metadata": {},
        "number": None,
        "on_behalf_of": None,
        "status": "draft",
        "status_transitions": {"accepted_at": None, "canceled_at": None, "finalized_at": None},
        "subscription": None,
        "subscription_data": {
            "billing_mode": {"type": "flexible", "flexible": {"proration_discounts": "included"}},
            "description": None,
            "effective_date": None,
            "metadata": None,
            "trial_period_days": None,
        },
        "subscription_schedule": None,
        "test_clock": None,
        "total_details": {},
        "transfer_data": None,
    }
    engine.hide(quote["id"], items=[])
    _apply(engine, quote, params)
    engine.insert(quote)
    engine.schedule(quote["expires_at"], "expire_quote", quote["id"])
    engine.emit("quote.created", quote)
    return quote


def update(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    """There is no `quote.updated` event (platform.md C3)."""
    quote = engine.get("quote", path["quote"])
    check_editable(quote, params)
    _refuse_unmodelled(params)
    engine.touch(quote)
    _apply(engine, quote, params)
    if "expires_at" in params:
        engine.schedule(quote["expires_at"], "expire_quote", quote["id"])
    return quote


def _apply(engine: Engine, quote: Object, params: Fields) -> None:
    for name in _PLAIN:
        if name in params:
            quote[name] = params[name] or None
    if "collection_method" in params:
        quote["collection_method"] = params["collection_method"]
    if "expires_at" in params:
        quote["expires_at"] = _future(engine, params["expires_at"])
    _apply_references(engine, quote, params)
    settings = params.get("invoice_settings") or {}
    given: Fields = {
        name: settings[name] or None for name in ("custom_fields", "description", "footer") if name in settings
    }
    if "days_until_due" in settings:
        given["days_until_due"] = settings["days_until_due"]
    quote["invoice_settings"] = quote["invoice_settings"] | given
    quote["metadata"] = merged(quote["metadata"], params.get("metadata"))
    if "line_items" in params:
        quote["currency"] = None
        items = [_new_item(engine, quote, line, index) for index, line in enumerate(params["line_items"] or [])]
        engine.hide(quote["id"], items=[item["id"] for item in items])
    if "line_items" in params or not quote["computed"]:
        _refresh_totals(engine, quote)


def _apply_references(engine: Engine, quote: Object, params: Fields) -> None:
    if "customer" in params:
        customer = engine.get("customer", params["customer"], param="customer")
        if quote["customer"] not in (None, customer["id"]):
            raise StripeError("The customer of a quote cannot be changed once set.", param="customer")
        quote["customer"] = customer["id"]
    if "default_tax_rates" in params:
        rates = params["default_tax_rates"] or []
        quote["default_tax_rates"] = [engine.get("tax_rate", each, param="default_tax_rates")["id"] for each in rates]


def _future(engine: Engine, expires_at: int) -> int:
    if expires_at <= engine.now:
        raise StripeError("Invalid expires_at: it must be in the future.", param="expires_at")
    return expires_at


def _new_item(engine: Engine, quote: Object, line: Fields, index: int) -> Object:
    param = f"line_items[{index}]"
    if "price" in line and "price_data" in line:
        raise exclusive_parameters(f"{param}[price]", f"{param}[price_data]")
    if "price_data" in line:
        price = inline_price(engine, line["price_data"], param=f"{param}[price_data]")
    elif "price" in line:
        price = usable_price(engine, line["price"], param=f"{param}[price]")
    else:
        raise missing_parameter(f"{param}[price]")
    if line.get("discounts"):
        raise StripeError("This sandbox does not model discounts of quote lines.", param=f"{param}[discounts]")
    if quote["currency"] not in (None, price["currency"]):
        raise StripeError("All lines of a quote must be in one currency.", param=param)
    quote["currency"] = price["currency"]
    quantity = line.get("quantity", 1)
    if quantity < 0:
        raise StripeError(
            "This value must be greater than or equal to 0.",
            code="parameter_invalid_integer",
            param=f"{param}[quantity]",
        )
    subtotal = line_amount(Decimal(price["unit_amount_decimal"]), quantity, param=f"{param}[quantity]")
    rate_ids = line.get("tax_rates") or quote["default_tax_rates"]
    taxes = rated_taxes(engine, rate_ids, subtotal, param=f"{param}[tax_rates]")
    product = engine.get("product", price["product"])
    exclusive = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    item: Object = {
        "id": engine.ids.new("item"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": subtotal,
        "amount_tax": sum(tax["amount"] for tax in taxes),
        "amount_total": subtotal + exclusive,
        "currency": price["currency"],
        "description": product["name"],
        "price": price,
        "quantity": quantity,
    }
    engine.hide(item["id"], tax_rates=rate_ids)
    return engine.insert(item)


def items_of(engine: Engine, quote: Object) -> list[Object]:
    return [engine.get("item", item_id) for item_id in engine.hidden[quote["id"]]["items"]]


def _refresh_totals(engine: Engine, quote: Object) -> None:
    items = items_of(engine, quote)
    upfront = [item for item in items if not item["price"]["recurring"]]
    recurring = [item for item in items if item["price"]["recurring"]]
    computed_recurring = None
    if recurring:
        first = recurring[0]["price"]["recurring"]
        computed_recurring = _sums(recurring) | {
            "interval": first["interval"],
            "interval_count": first["interval_count"],
        }
    quote["computed"] = {"recurring": computed_recurring, "upfront": _sums(upfront)}
    sums = _sums(items)
    quote["amount_subtotal"] = sums["amount_subtotal"]
    quote["amount_total"] = sums["amount_total"]
    quote["total_details"] = sums["total_details"]


def _sums(items: list[Object]) -> Fields:
    return {
        "amount_subtotal": sum(item["amount_subtotal"] for item in items),
        "amount_total": sum(item["amount_total"] for item in items),
        "total_details": {
            "amount_discount": 0,
            "amount_shipping": 0,
            "amount_tax": sum(item["amount_tax"] for item in items),
        },
    }


def finalize(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    quote = engine.get("quote", path["quote"])
    check_state(quote, "finalize")
    if quote["customer"] is None:
        raise StripeError("A quote needs a customer to be finalized.", code="parameter_missing", param="customer")
    if not items_of(engine, quote):
        raise StripeError("A quote needs line items to be finalized.", code="parameter_missing", param="line_items")
    customer = engine.get("customer", quote["customer"], param="customer")
    engine.touch(quote)
    if "expires_at" in params:
        quote["expires_at"] = _future(engine, params["expires_at"])
        engine.schedule(quote["expires_at"], "expire_quote", quote["id"])
    count = engine.hidden.get(customer["id"], {}).get("quotes", 0) + 1
    engine.hide(customer["id"], quotes=count)
    quote["number"] = f"QT-{customer['invoice_prefix']}-{count:04d}-1"
    quote["status"] = "open"
    quote["status_transitions"] = quote["status_transitions"] | {"finalized_at": engine.now}
    engine.emit("quote.finalized", quote)
    return quote


def cancel(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    quote = engine.get("quote", path["quote"])
    check_state(quote, "cancel")
    _cancel(engine, quote)
    engine.emit("quote.canceled", quote)
    return quote


def _cancel(engine: Engine, quote: Object) -> None:
    engine.touch(quote)
    quote["status"] = "canceled"
    quote["status_transitions"] = quote["status_transitions"] | {"canceled_at": engine.now}


def expire_due(engine: Engine, quote_id: str) -> None:
    """Cancels a quote whose time is over; no event is certain for it, so none is sent."""
    quote = engine.find("quote", quote_id)
    if quote is not None and quote["status"] in {"draft", "open"} and quote["expires_at"] <= engine.now:
        _cancel(engine, quote)


def accept(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    """Turns the one-off lines into a draft invoice, which finalises itself unless its owner holds it back."""
    del params
    quote = engine.get("quote", path["quote"])
    check_state(quote, "accept")
    items = items_of(engine, quote)
    if any(item["price"]["recurring"] for item in items):
        raise StripeError("This sandbox does not model the subscription that recurring lines would start.")
    customer = engine.get("customer", quote["customer"])
    settings = quote["invoice_settings"]
    invoice = invoices.blank(
        engine, customer, {"currency": quote["currency"], "collection_method": quote["collection_method"]}
    )
    engine.insert(invoice)
    engine.touch(invoice)
    invoice["billing_reason"] = "quote_accept"
    invoice["parent"] = {
        "quote_details": {"quote": quote["id"]},
        "subscription_details": None,
        "type": "quote_details",
    }
    invoice["description"], invoice["footer"] = settings["description"], settings["footer"]
    invoice["custom_fields"] = settings["custom_fields"]
    if settings["days_until_due"] is not None and quote["collection_method"] == "send_invoice":
        invoice["due_date"] = engine.now + settings["days_until_due"] * invoices.DAY_S
    invoice["auto_advance"] = True
    invoice["automatically_finalizes_at"] = engine.now + invoices.AUTO_FINALIZE_AFTER_S
    engine.schedule(invoice["automatically_finalizes_at"], "finalize_invoice", invoice["id"])
    for item in items:
        invoice_items.add_quoted(engine, invoice, item, engine.hidden[item["id"]]["tax_rates"])
    refresh_totals(engine, invoice)
    engine.touch(quote)
    quote["invoice"] = invoice["id"]
    quote["status"] = "accepted"
    quote["status_transitions"] = quote["status_transitions"] | {"accepted_at": engine.now}
    engine.emit("invoice.created", invoice)
    engine.emit("quote.accepted", quote)
    return quote


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    if "test_clock" in params:
        raise StripeError("This sandbox does not model test clocks.", param="test_clock")
    where = filters(params, "customer", "status")
    return page(engine, "quote", params, url="/v1/quotes", where=where)


def list_line_items(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    quote = engine.get("quote", path["quote"])
    url = f"/v1/quotes/{quote['id']}/line_items"
    return page_of(items_of(engine, quote), params, kind="item", url=url)


def list_upfront_line_items(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    quote = engine.get("quote", path["quote"])
    items = [item for item in items_of(engine, quote) if not item["price"]["recurring"]]
    return page_of(items, params, kind="item", url=f"/v1/quotes/{quote['id']}/computed_upfront_line_items")


def _refuse_unmodelled(params: Fields) -> None:
    for name in ("from_quote", "transfer_data", "on_behalf_of", "test_clock", "discounts", "customer_account"):
        if params.get(name):
            raise StripeError(f"This sandbox does not model `{name}` of a quote.", param=name)
    if (params.get("automatic_tax") or {}).get("enabled"):
        raise StripeError(
            "You have not activated Stripe Tax on this account.", code="stripe_tax_inactive", param="automatic_tax"
        )
