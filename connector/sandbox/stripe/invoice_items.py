"""Invoice items, pending or on a draft, and the bulk calls for a draft's lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe.errors import StripeError, exclusive_parameters, missing_parameter, missing_resource
from connector.sandbox.stripe.line_items import (
    MAX_LINES,
    line_metadata,
    lines_of,
    new_line,
    priced,
    rated_taxes,
    refresh_totals,
    stated_taxes,
)
from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.paging import Page, filters, page
from connector.sandbox.stripe.store import Object, Window
from connector.sandbox.stripe.transitions import check_state

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields

_PRICING = ("amount", "price_data", "pricing", "unit_amount_decimal", "quantity", "quantity_decimal")


def create(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del path
    invoice = None
    if params.get("invoice"):
        invoice = engine.get("invoice", params["invoice"], param="invoice")
        check_state(invoice, "edit_lines")
        _check_room(engine, invoice, 1)
    customer_id = params.get("customer") or (invoice and invoice["customer"])
    if not customer_id:
        raise missing_parameter("customer")
    customer = engine.get("customer", customer_id, param="customer")
    if invoice is not None and invoice["customer"] != customer["id"]:
        raise StripeError("The invoice belongs to another customer.", param="invoice")
    fallback = (invoice and invoice["currency"]) or customer["currency"] or engine.default_currency
    currency = engine.currencies.code(_currency(params, fallback), param="currency")
    if invoice is not None and currency != invoice["currency"]:
        raise StripeError(
            f"The invoice is in {invoice['currency']}; an item in {currency} cannot be added.", param="currency"
        )
    item = _new_item(engine, customer["id"], invoice, currency, params, param="")
    if invoice is not None:
        _put_on(engine, engine.touch(invoice), item, [])
        _finish(engine, invoice, {})
    return item


def _currency(params: Fields, fallback: str) -> str:
    if "price_data" in params:
        return str(params["price_data"]["currency"])
    return str(params.get("currency", fallback))


def _new_item(
    engine: Engine, customer_id: str, invoice: Object | None, currency: str, params: Fields, *, param: str
) -> Object:
    if params.get("discounts"):
        raise StripeError("This sandbox does not model discounts of items.", param="discounts")
    worth = priced(engine, params, currency=currency, param=param) | {"currency": currency}
    return _store_item(engine, customer_id, invoice, worth, params, param=param)


def _store_item(
    engine: Engine, customer_id: str, invoice: Object | None, worth: Fields, params: Fields, *, param: str
) -> Object:
    at = f"{param}[{{}}]" if param else "{}"
    rate_ids = params.get("tax_rates") or []
    item = {
        "id": engine.ids.new("invoiceitem"),
        "object": "invoiceitem",
        "amount": worth["amount"],
        "currency": worth["currency"],
        "customer": customer_id,
        "customer_account": None,
        "date": engine.now,
        "description": params.get("description") or None,
        "discountable": params.get("discountable", worth["amount"] >= 0),
        "discounts": [],
        "frozen_fields": None,
        "invoice": invoice and invoice["id"],
        "invoicing_rules": None,
        "livemode": engine.livemode,
        "metadata": line_metadata({}, params.get("metadata"), param=param),
        "net_amount": None,
        "parent": None,
        "period": _period(params.get("period"), engine.now, param=at.format("period")),
        "pricing": worth["pricing"],
        "proration": False,
        "proration_details": None,
        "quantity": worth["quantity"],
        "quantity_decimal": worth["quantity_decimal"],
        "tax_rates": [engine.get("tax_rate", each, param=at.format("tax_rates")) for each in rate_ids],
        "test_clock": None,
    }
    engine.insert(item)
    engine.emit("invoiceitem.created", item)
    return item


def _period(given: Fields | None, now: int, *, param: str) -> Fields:
    if given is None:
        return {"end": now, "start": now}
    if given["end"] < given["start"]:
        raise StripeError("The period's end must not be before its start.", param=param)
    return {"end": given["end"], "start": given["start"]}


def _put_on(engine: Engine, invoice: Object, item: Object, stated: list[Fields]) -> Object:
    """Adds an item's line to a draft; the caller adds the totals up once it has put them all."""
    rate_ids = [rate["id"] for rate in item["tax_rates"]] or [rate["id"] for rate in invoice["default_tax_rates"]]
    taxes = stated or rated_taxes(engine, rate_ids, item["amount"], param="tax_rates")
    return new_line(engine, invoice, item, taxes)


def include_pending(engine: Engine, invoice: Object) -> None:
    """Moves the customer's pending items of the invoice's currency onto the new draft."""
    pending = engine.collections["invoiceitem"].select(
        {"customer": [invoice["customer"]], "pending": [True]}, Window(oldest_first=True)
    )
    for item in [each for each in pending if each["currency"] == invoice["currency"]]:
        engine.touch(item)
        item["invoice"] = invoice["id"]
        _put_on(engine, invoice, item, [])


def add_quoted(engine: Engine, invoice: Object, quoted: Object, rate_ids: list[str]) -> None:
    """A line of an accepted quote becomes an item and a line of its invoice."""
    price = quoted["price"]
    item = _store_item(
        engine,
        invoice["customer"],
        invoice,
        {
            "amount": quoted["amount_subtotal"],
            "currency": quoted["currency"],
            "quantity": quoted["quantity"],
            "quantity_decimal": str(quoted["quantity"]),
            "pricing": {
                "price_details": {"price": price["id"], "product": price["product"]},
                "type": "price_details",
                "unit_amount_decimal": price["unit_amount_decimal"],
            },
        },
        {"description": quoted["description"], "tax_rates": rate_ids},
        param="",
    )
    _put_on(engine, invoice, item, [])


def _check_room(engine: Engine, invoice: Object, more: int) -> None:
    if len(lines_of(engine, invoice["id"])) + more > MAX_LINES:
        raise StripeError(f"Invoices can have at most {MAX_LINES} line items.", param="lines")


def add_lines(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    invoice = _draft(engine, path)
    _check_room(engine, invoice, len(params["lines"]))
    for index, given in enumerate(params["lines"]):
        param = f"lines[{index}]"
        stated = _stated(engine, invoice, given, param)
        if "invoice_item" in given:
            item = engine.get("invoiceitem", given["invoice_item"], param=f"{param}[invoice_item]")
            if item["invoice"] is not None or item["customer"] != invoice["customer"]:
                raise StripeError("The invoice item must be an unassigned one of this customer.", param=param)
            engine.touch(item)["invoice"] = invoice["id"]
        else:
            item = _new_item(engine, invoice["customer"], invoice, invoice["currency"], given, param=param)
        _put_on(engine, invoice, item, stated)
    return _finish(engine, invoice, params)


def update_lines(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    invoice = _draft(engine, path)
    for index, given in enumerate(params["lines"]):
        _change_line(engine, invoice, given["id"], given, param=f"lines[{index}]")
    return _finish(engine, invoice, params)


def update_line(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    invoice = _draft(engine, path)
    line = _change_line(engine, invoice, path["line_item_id"], params, param="")
    _finish(engine, invoice, {})
    return line


def _change_line(engine: Engine, invoice: Object, line_id: str, given: Fields, *, param: str) -> Object:
    line = engine.find("line_item", line_id)
    if line is None or line["invoice"] != invoice["id"]:
        raise missing_resource("line_item", line_id, param=f"{param}[id]" if param else None)
    engine.touch(line)
    item = engine.touch(engine.get("invoiceitem", line["parent"]["invoice_item_details"]["invoice_item"]))
    _change_item(engine, item, given, currency=invoice["currency"], param=param)
    if "tax_amounts" in given:
        line["taxes"] = _stated(engine, invoice, given, param)
    elif "tax_rates" in given or item["tax_rates"]:
        rate_ids = [rate["id"] for rate in item["tax_rates"]]
        line["taxes"] = rated_taxes(engine, rate_ids, item["amount"], param=param or "tax_rates")
    _copy_to_line(item, line)
    return line


def _copy_to_line(item: Object, line: Object) -> None:
    for name in (
        "amount",
        "description",
        "discountable",
        "metadata",
        "period",
        "pricing",
        "quantity",
        "quantity_decimal",
    ):
        line[name] = item[name]
    line["subtotal"] = item["amount"]


def _change_item(engine: Engine, item: Object, given: Fields, *, currency: str, param: str) -> None:
    if any(name in given for name in _PRICING):
        item.update(priced(engine, _with_standing_unit(item, given), currency=currency, param=param))
    if "description" in given:
        item["description"] = given["description"] or None
    if "discountable" in given:
        item["discountable"] = given["discountable"]
    if "period" in given:
        item["period"] = _period(given["period"], engine.now, param=f"{param}[period]" if param else "period")
    if "tax_rates" in given:
        item["tax_rates"] = [engine.get("tax_rate", each, param="tax_rates") for each in given["tax_rates"] or []]
    item["metadata"] = line_metadata(item["metadata"], given.get("metadata"), param=param)


def _with_standing_unit(item: Object, given: Fields) -> Fields:
    """A new quantity alone keeps the unit price, a new price alone the quantity."""
    relevant = {name: given[name] for name in _PRICING if name in given}
    if "amount" not in relevant and "quantity" not in relevant and "quantity_decimal" not in relevant:
        return relevant | {"quantity_decimal": item["quantity_decimal"]}
    if not any(name in relevant for name in ("amount", "price_data", "pricing", "unit_amount_decimal")):
        return relevant | {"unit_amount_decimal": item["pricing"]["unit_amount_decimal"]}
    return relevant


def remove_lines(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    invoice = _draft(engine, path)
    for index, given in enumerate(params["lines"]):
        line = engine.find("line_item", given["id"])
        if line is None or line["invoice"] != invoice["id"]:
            raise missing_resource("line_item", given["id"], param=f"lines[{index}][id]")
        item = engine.get("invoiceitem", line["parent"]["invoice_item_details"]["invoice_item"])
        engine.remove(line)
        if given["behavior"] == "delete":
            engine.remove(item)
            engine.emit("invoiceitem.deleted", item)
        else:
            engine.touch(item)["invoice"] = None
    return _finish(engine, invoice, params)


def _draft(engine: Engine, path: dict[str, str]) -> Object:
    invoice = engine.get("invoice", path["invoice"])
    check_state(invoice, "edit_lines")
    return engine.touch(invoice)


def _finish(engine: Engine, invoice: Object, params: Fields) -> Object:
    if "invoice_metadata" in params:
        invoice["metadata"] = merged(invoice["metadata"], params["invoice_metadata"], param="invoice_metadata")
    refresh_totals(engine, invoice)
    engine.emit_update("invoice.updated", invoice)
    return invoice


def _stated(engine: Engine, invoice: Object, given: Fields, param: str) -> list[Fields]:
    at = f"{param}[{{}}]" if param else "{}"
    if given.get("tax_amounts"):
        if given.get("tax_rates"):
            raise exclusive_parameters(at.format("tax_amounts"), at.format("tax_rates"))
        if invoice["default_tax_rates"]:
            raise StripeError(
                "You cannot set tax amounts when the invoice has default tax rates.", param=at.format("tax_amounts")
            )
    return stated_taxes(engine, given.get("tax_amounts"), param=at.format("tax_amounts"))


def update(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    item = engine.get("invoiceitem", path["invoiceitem"])
    if item["invoice"] is None:
        engine.touch(item)
        _change_item(engine, item, params, currency=item["currency"], param="")
        return item
    invoice = _draft(engine, {"invoice": item["invoice"]})
    _change_line(engine, invoice, _line_of(engine, item)["id"], params, param="")
    _finish(engine, invoice, {})
    return item


def delete(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    item = engine.get("invoiceitem", path["invoiceitem"])
    if item["invoice"] is not None:
        invoice = _draft(engine, {"invoice": item["invoice"]})
        engine.remove(_line_of(engine, item))
        _finish(engine, invoice, {})
    engine.remove(item)
    engine.emit("invoiceitem.deleted", item)
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


def _line_of(engine: Engine, item: Object) -> Object:
    return next(engine.collections["line_item"].select({"invoiceitem": [item["id"]]}, Window()))


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    where = filters(params, "customer", "invoice", "pending")
    return page(engine, "invoiceitem", params, url="/v1/invoiceitems", where=where)
