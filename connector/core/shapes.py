"""Lines: what one Salesforce child row becomes at Stripe, exact to the minor unit.

Where Stripe cannot express a line exactly it becomes one unit at the line's amount with the
quantity in its description: a rounded unit price would bill another total (invariants.md I19).
Parameter names are those of `add_lines` and `quotes` (spec3.derived.json).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core.line import Line, plain_number
from connector.core.mapping import Context, LineSpec, read_path
from connector.core.moments import midday_epoch
from connector.core.money import to_minor
from connector.core.view import MARK_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Stripe shows at most this many characters of a line's description
DESCRIPTION_LENGTH_MAX = 500


def decode_line(spec: LineSpec, row: Mapping[str, Any], context: Context) -> Line:
    """Raises ValueError, naming the row, when an amount is missing or not exact in its currency."""
    assert context.currency is not None
    values = {role: read_path(row, path) for role, path in spec.roles.items()}
    row_id = str(row["Id"])
    if values.get("amount") is None:
        raise ValueError(f"line {row_id} has no {spec.roles['amount']}")
    try:
        amount_minor = to_minor(_decimal(values["amount"]), context.currency, context.currencies)
        tax_minor = to_minor(_decimal(values.get("tax") or 0), context.currency, context.currencies)
    except ValueError as error:
        raise ValueError(f"line {row_id}: {error}") from error
    description = str(values.get("description") or values.get("product_name") or "").strip()
    percent, quantity = values.get("tax_percent"), values.get("quantity")
    return Line(
        id=row_id,
        amount_minor=amount_minor,
        tax_minor=tax_minor,
        tax_percent=None if percent is None else _decimal(percent),
        quantity=None if quantity is None else _decimal(quantity),
        description=description or row_id,
        product_id=None if values.get("product") is None else str(values["product"]),
        product_active=bool(values.get("product_active")),
        starts=_date(values.get("period_start")),
        ends=_date(values.get("period_end")),
    )


def invoice_line(line: Line, *, product_mate: str | None, context: Context, tax_name: str) -> dict[str, Any]:
    """Parameters of one line of `add_lines`. `product_mate` is the Stripe product if it is active."""
    assert context.currency is not None
    # without a product the line has no price and so no quantity: the amount is its total
    quantity, unit_minor = (1, line.amount_minor) if product_mate is None else units_of(line)
    params: dict[str, Any] = {
        "description": _describe(line, quantity),
        "metadata": {MARK_ID: line.id},
        "discountable": False,
    }
    if product_mate is None:
        params["amount"] = line.amount_minor
    else:
        params["quantity"] = quantity
        params["price_data"] = {"currency": context.currency, "product": product_mate, "unit_amount": unit_minor}
    if line.starts is not None and line.ends is not None and line.starts <= line.ends:
        params["period"] = {
            "start": midday_epoch(line.starts, context.time_zone),
            "end": midday_epoch(line.ends, context.time_zone),
        }
    if line.tax_minor:
        params["tax_amounts"] = [
            {
                "amount": line.tax_minor,
                "taxable_amount": line.amount_minor,
                "tax_rate_data": {
                    "display_name": tax_name,
                    "inclusive": False,
                    # a fixed amount is the truth; the percentage is shown only when Salesforce says it
                    "percentage": "0" if line.tax_percent is None else plain_number(line.tax_percent),
                },
            }
        ]
    return params


def quote_line(line: Line, *, product_mate: str, context: Context) -> dict[str, Any]:
    """Parameters of one `line_items` entry: a one-off price, never `recurring` (it would subscribe)."""
    quantity, unit_minor = units_of(line)
    return {
        "quantity": quantity,
        "price_data": {"currency": context.currency, "product": product_mate, "unit_amount": unit_minor},
    }


def units_of(line: Line) -> tuple[int, int]:
    """(quantity, unit amount) that multiply to exactly the line's amount, else one unit of all."""
    quantity = line.quantity
    if quantity is None or quantity < 1 or quantity != quantity.to_integral_value():
        return 1, line.amount_minor
    units = int(quantity)
    if line.amount_minor % units:
        return 1, line.amount_minor
    return units, line.amount_minor // units


def _describe(line: Line, quantity: int) -> str:
    text = line.description
    if line.quantity is not None and line.quantity != quantity:
        text = f"{text} ({plain_number(line.quantity)} units)"
    return text[:DESCRIPTION_LENGTH_MAX]


def _decimal(value: Any) -> Decimal:
    assert not isinstance(value, float)
    return Decimal(value)


def _date(value: Any) -> date | None:
    return None if value is None else date.fromisoformat(str(value))
