"""Lines of an invoice: amounts, inline prices and taxes, and the totals they add up to."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from connector.sandbox.stripe.catalog import decimal, new_price, new_tax_rate
from connector.sandbox.stripe.errors import StripeError, exclusive_parameters, missing_parameter
from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.rendering import render
from connector.sandbox.stripe.store import Object, Window

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields

MAX_LINES = 250
MAX_TAX_AMOUNTS = 20
#: Twelve digits (currencies.json names such a currency); what an account may charge is decided when finalising.
MAX_LINE_AMOUNT = 10**12
#: An invoice shows this many of its lines; the rest is read from its `lines` list.
SHOWN_LINES = 10
#: `engine.hidden` entry of the tax rates made from `tax_rate_data`
_INLINE_RATES = "inline_tax_rates"


def lines_of(engine: Engine, invoice_id: str) -> list[Object]:
    """All lines of an invoice, newest first."""
    return list(engine.collections["line_item"].select({"invoice": [invoice_id]}, Window()))


def round_half_up(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def line_amount(unit: Decimal, quantity: Decimal | int, *, param: str) -> int:
    """Unit price times quantity in whole minor units; StripeError where no invoice could carry it."""
    amount = round_half_up(unit * quantity)
    if abs(amount) >= MAX_LINE_AMOUNT:
        raise StripeError(
            f"The amount of a line must be below {MAX_LINE_AMOUNT}.", code="amount_too_large", param=param
        )
    return amount


def priced(engine: Engine, params: Fields, *, currency: str, param: str) -> Fields:
    """Amount, quantity and pricing of a line or item, from exactly one of amount, price_data or price.

    `amount` together with `quantity` is refused: a quantity multiplies a unit price. Whether the
    real service accepts the pair is not documented; refusing is the safe reading.
    """
    at = f"{param}[{{}}]" if param else "{}"
    given = [name for name in ("amount", "price_data", "pricing", "unit_amount_decimal") if name in params]
    if len(given) > 1:
        raise exclusive_parameters(*(at.format(name) for name in given))
    if not given:
        raise missing_parameter(at.format("amount"))
    if given == ["amount"]:
        for name in ("quantity", "quantity_decimal"):
            if name in params:
                raise exclusive_parameters(at.format("amount"), at.format(name))
        unit, price, quantity = Decimal(params["amount"]), None, Decimal(1)
    else:
        unit, price = _unit(engine, params, currency=currency, at=at)
        quantity = _quantity(params, at=at)
    details = price and {"price": price["id"], "product": price["product"]}
    return {
        "amount": line_amount(unit, quantity, param=at.format("quantity")),
        "quantity": int(quantity) if quantity == quantity.to_integral_value() else 0,
        "quantity_decimal": format(quantity.normalize(), "f"),
        "pricing": {
            "price_details": details,
            "type": "price_details",
            "unit_amount_decimal": format(unit.normalize(), "f"),
        },
    }


def _unit(engine: Engine, params: Fields, *, currency: str, at: str) -> tuple[Decimal, Object | None]:
    if "unit_amount_decimal" in params:
        return decimal(params["unit_amount_decimal"], param=at.format("unit_amount_decimal")), None
    if "price_data" in params:
        price = inline_price(engine, params["price_data"], param=at.format("price_data"))
    else:
        if "price" not in params["pricing"]:
            raise missing_parameter(at.format("pricing") + "[price]")
        price = usable_price(engine, params["pricing"]["price"], param=at.format("pricing") + "[price]")
    if price["currency"] != currency:
        raise StripeError(
            f"The price is in {price['currency']}, but the invoice is in {currency}: they must be the same.",
            param=at.format("price_data" if "price_data" in params else "pricing"),
        )
    if price["recurring"]:
        raise StripeError(
            "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.",
            param=at.format("pricing"),
        )
    return Decimal(price["unit_amount_decimal"]), price


def inline_price(engine: Engine, data: Fields, *, param: str) -> Object:
    """A price born inactive from `price_data`; its product must exist and be active."""
    if "product_data" in data:
        raise StripeError("This sandbox does not model `product_data` of a line.", param=f"{param}[product_data]")
    if "product" not in data:
        raise missing_parameter(f"{param}[product]")
    product = engine.get("product", data["product"], param=f"{param}[product]")
    if not product["active"]:
        raise StripeError(
            f"The product {product['id']} is inactive: a new price needs an active one.",
            code="product_inactive",
            param=f"{param}[product]",
        )
    return new_price(engine, data, active=False, param=param)


def usable_price(engine: Engine, price_id: str, *, param: str) -> Object:
    price = engine.get("price", price_id, param=param)
    if not price["active"]:
        raise StripeError("The price specified is inactive. This field only accepts active prices.", param=param)
    return price


def _quantity(params: Fields, *, at: str) -> Decimal:
    if "quantity" in params and "quantity_decimal" in params:
        raise exclusive_parameters(at.format("quantity"), at.format("quantity_decimal"))
    if "quantity_decimal" in params:
        quantity = decimal(params["quantity_decimal"], param=at.format("quantity_decimal"))
    else:
        quantity = Decimal(params.get("quantity", 1))
    if quantity < 0:
        raise StripeError(
            "This value must be greater than or equal to 0.",
            code="parameter_invalid_integer",
            param=at.format("quantity"),
        )
    return quantity


def new_line(engine: Engine, invoice: Object, item: Object, taxes: list[Fields]) -> Object:
    """The invoice's line for an invoice item."""
    return engine.insert(
        {
            "id": engine.ids.new("line_item"),
            "object": "line_item",
            "amount": item["amount"],
            "currency": invoice["currency"],
            "description": item["description"],
            "discount_amounts": [],
            "discountable": item["discountable"],
            "discounts": [],
            "invoice": invoice["id"],
            "livemode": engine.livemode,
            "metadata": item["metadata"],
            "parent": {
                "invoice_item_details": {
                    "invoice_item": item["id"],
                    "proration": False,
                    "proration_details": None,
                    "subscription": None,
                },
                "subscription_item_details": None,
                "type": "invoice_item_details",
            },
            "period": item["period"],
            "pretax_credit_amounts": [],
            "pricing": item["pricing"],
            "quantity": item["quantity"],
            "quantity_decimal": item["quantity_decimal"],
            "subscription": None,
            "subtotal": item["amount"],
            "taxes": taxes,
        }
    )


def stated_taxes(engine: Engine, given: Any, *, param: str) -> list[Fields]:
    """Taxes as the caller calculated them; each finds or makes an archived tax rate with exactly its data."""
    if not given:
        return []
    if len(given) > MAX_TAX_AMOUNTS:
        raise StripeError(f"A line item can have at most {MAX_TAX_AMOUNTS} tax amounts.", param=param)
    return [
        _tax(
            _inline_rate(engine, tax["tax_rate_data"]),
            tax["amount"],
            taxable_amount=tax["taxable_amount"],
            reason=tax.get("taxability_reason", "not_available"),
        )
        for tax in given
    ]


def rated_taxes(engine: Engine, rate_ids: list[str], amount: int, *, param: str) -> list[Fields]:
    """Taxes by tax rates: exclusive ones on top of the amount, inclusive ones inside it."""
    taxes = []
    for rate_id in rate_ids:
        rate = engine.get("tax_rate", rate_id, param=param)
        if not rate["active"]:
            raise StripeError(f"The tax rate {rate_id} is inactive.", param=param)
        if rate["inclusive"]:
            base = Decimal(amount) * 100 / (100 + rate["percentage"])
            tax = amount - round_half_up(base)
            taxes.append(_tax(rate, tax, taxable_amount=amount - tax, reason="not_available"))
        else:
            tax = round_half_up(Decimal(amount) * rate["percentage"] / 100)
            taxes.append(_tax(rate, tax, taxable_amount=amount, reason="not_available"))
    return taxes


def _tax(rate: Object, amount: int, *, taxable_amount: int, reason: str) -> Fields:
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": reason,
        "taxable_amount": taxable_amount,
        "type": "tax_rate_details",
    }


def _inline_rate(engine: Engine, data: Fields) -> Object:
    known = engine.hidden.get(_INLINE_RATES, {})
    key = render(sorted(data.items())).decode()
    if key in known:
        return engine.get("tax_rate", known[key])
    rate = new_tax_rate(engine, data, active=False)
    engine.hide(_INLINE_RATES, **{key: rate["id"]})
    return rate


def refresh_totals(engine: Engine, invoice: Object) -> None:
    """Adds the lines up again after any change of them; the caller has touched the invoice."""
    lines = lines_of(engine, invoice["id"])
    subtotal = sum(line["amount"] for line in lines)
    by_rate: dict[tuple[str, str, str], Fields] = {}
    for line in lines:
        for tax in line["taxes"]:
            key = (tax["tax_rate_details"]["tax_rate"], tax["tax_behavior"], tax["taxability_reason"])
            so_far = by_rate.get(key)
            by_rate[key] = (
                tax
                if so_far is None
                else so_far
                | {
                    "amount": so_far["amount"] + tax["amount"],
                    "taxable_amount": so_far["taxable_amount"] + tax["taxable_amount"],
                }
            )
    exclusive = sum(tax["amount"] for tax in by_rate.values() if tax["tax_behavior"] == "exclusive")
    inclusive = sum(tax["amount"] for tax in by_rate.values() if tax["tax_behavior"] == "inclusive")
    total = subtotal + exclusive
    invoice["lines"] = {
        "object": "list",
        "data": lines[:SHOWN_LINES],
        "has_more": len(lines) > SHOWN_LINES,
        "url": f"/v1/invoices/{invoice['id']}/lines",
    }
    invoice["subtotal"] = subtotal
    invoice["subtotal_excluding_tax"] = subtotal - inclusive
    invoice["total"] = total
    invoice["total_excluding_tax"] = total - exclusive - inclusive
    invoice["total_taxes"] = list(by_rate.values())
    invoice["amount_due"] = invoice["amount_remaining"] = max(0, total)


def line_metadata(current: dict[str, str] | None, given: Any, *, param: str) -> dict[str, str]:
    return merged(current, given, param=f"{param}[metadata]" if param else "metadata")
