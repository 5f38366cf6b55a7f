"""Lines: exact to the minor unit, or one unit that tells its quantity."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.mapping import Context, LineSpec
from connector.core.shapes import DESCRIPTION_LENGTH_MAX, decode_line, invoice_line, quote_line

if TYPE_CHECKING:
    from connector.core.line import Line

ROLES = {
    "amount": "Amount",
    "tax": "Tax",
    "tax_percent": "Percent",
    "quantity": "Quantity",
    "description": "Name",
    "product": "Product",
    "product_name": "Product__r.Name",
    "product_active": "Product__r.IsActive",
    "period_start": "Start",
    "period_end": "End",
}
SPEC = LineSpec(object="Line", parent="Parent", order="Name", paths=(), roles=ROLES, shape="invoice_line")
PRODUCT = "prod_1"


def _context(currency: str = "usd", zone: str = "UTC") -> Context:
    return Context(currency=currency, time_zone=ZoneInfo(zone))


def _line(currency: str = "usd", **fields: Any) -> Line:
    row = {"Id": "a0L1", "Amount": Decimal("100.00"), "Name": "Seat", "Quantity": Decimal(1), **fields}
    return decode_line(SPEC, row, _context(currency))


def _invoice_line(
    line: Line, *, currency: str = "usd", zone: str = "UTC", product: str | None = PRODUCT
) -> dict[str, Any]:
    return invoice_line(line, product_mate=product, context=_context(currency, zone), tax_name="Tax")


@given(
    amount=st.integers(min_value=0, max_value=10**9),
    quantity=st.decimals(min_value=Decimal("0.001"), max_value=100_000, places=3),
)
def test_whatever_the_quantity_the_line_bills_exactly_its_amount(amount: int, quantity: Decimal) -> None:
    line = _line(Amount=Decimal(amount) / 100, Quantity=quantity)
    params = _invoice_line(line)
    assert params["quantity"] * params["price_data"]["unit_amount"] == amount
    told = params["quantity"] == quantity or f"({quantity.normalize():f} units)" in params["description"]
    assert told, params
    offered = quote_line(line, product_mate=PRODUCT, context=_context())
    assert offered["quantity"] * offered["price_data"]["unit_amount"] == amount
    assert "recurring" not in offered["price_data"]


@pytest.mark.parametrize(
    ("currency", "amount", "quantity", "expected"),
    [
        ("usd", "59.97", "3", (3, 1_999)),
        ("usd", "100.00", "3", (1, 10_000)),
        ("usd", "100.00", "0.5", (1, 10_000)),
        ("usd", "100.00", "0", (1, 10_000)),
        ("usd", "100.00", "-2", (1, 10_000)),
        ("usd", "100.00", None, (1, 10_000)),
        ("usd", "0", "5", (5, 0)),
        ("jpy", "5000", "3", (1, 5_000)),
        ("jpy", "5001", "3", (3, 1_667)),
        ("kwd", "1.230", "3", (3, 410)),
    ],
)
def test_units(currency: str, amount: str, quantity: str | None, expected: tuple[int, int]) -> None:
    line = _line(currency, Amount=Decimal(amount), Quantity=None if quantity is None else Decimal(quantity))
    params = _invoice_line(line, currency=currency)
    assert (params["quantity"], params["price_data"]["unit_amount"]) == expected
    assert params["price_data"]["currency"] == currency


def test_a_line_without_a_product_is_an_amount_that_tells_its_quantity() -> None:
    params = _invoice_line(_line(Amount=Decimal("59.97"), Quantity=Decimal(3)), product=None)
    assert params["amount"] == 5_997
    assert params["description"] == "Seat (3 units)"
    assert not {"price_data", "quantity"} & params.keys()


def test_tax_is_one_amount_whatever_the_percentage() -> None:
    line = _line(Tax=Decimal("19.01"), Percent=Decimal("19.00"))
    [tax] = _invoice_line(line)["tax_amounts"]
    assert (tax["amount"], tax["taxable_amount"]) == (1_901, 10_000)
    assert tax["tax_rate_data"] == {"display_name": "Tax", "inclusive": False, "percentage": "19"}


def test_a_tax_nobody_gave_a_percentage_for_is_still_exact() -> None:
    [tax] = _invoice_line(_line(Tax=Decimal("0.07")))["tax_amounts"]
    assert (tax["amount"], tax["tax_rate_data"]["percentage"]) == (7, "0")


@pytest.mark.parametrize("tax", [None, Decimal(0), Decimal("0.00")])
def test_no_tax_is_no_tax_amount(tax: Decimal | None) -> None:
    assert "tax_amounts" not in _invoice_line(_line(Tax=tax))


def test_the_period_is_noon_of_the_orgs_days() -> None:
    line = _line(Start="2026-11-01", End="2026-11-30")
    assert _invoice_line(line, zone="Asia/Tokyo")["period"] == {
        "start": int(datetime(2026, 11, 1, 3, tzinfo=UTC).timestamp()),
        "end": int(datetime(2026, 11, 30, 3, tzinfo=UTC).timestamp()),
    }


@pytest.mark.parametrize(("start", "end"), [(None, "2026-11-30"), ("2026-11-01", None), ("2026-11-30", "2026-11-01")])
def test_a_period_without_two_ends_in_order_is_left_out(start: str | None, end: str | None) -> None:
    assert "period" not in _invoice_line(_line(Start=start, End=end))


def test_every_line_carries_its_mark_and_takes_no_discount() -> None:
    params = _invoice_line(_line())
    assert (params["metadata"], params["discountable"]) == ({"salesforce_id": "a0L1"}, False)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"Name": " Seat "}, "Seat"),
        ({"Name": None, "Product__r": {"Name": "Platform"}}, "Platform"),
        ({"Name": None}, "a0L1"),
        ({"Name": "x" * 600}, "x" * DESCRIPTION_LENGTH_MAX),
    ],
)
def test_a_line_always_says_something(fields: dict[str, Any], text: str) -> None:
    assert _invoice_line(_line(**fields))["description"] == text


@pytest.mark.parametrize(
    ("currency", "fields", "message"),
    [
        ("usd", {"Amount": None}, "line a0L1 has no Amount"),
        ("usd", {"Amount": Decimal("1.005")}, "line a0L1: 1.005 has more decimals than USD"),
        ("jpy", {"Amount": Decimal("1.5")}, "line a0L1: 1.5 has more decimals than JPY"),
        ("kwd", {"Amount": Decimal("1.234")}, "line a0L1: 1.234 KWD is not a multiple of 0.010"),
        ("isk", {"Amount": Decimal("1.50")}, "line a0L1: 1.50 ISK is not a multiple of 1.00"),
        ("usd", {"Tax": Decimal("0.001")}, "line a0L1: 0.001 has more decimals than USD"),
        ("xts", {}, "line a0L1: unknown currency 'xts'"),
    ],
)
def test_an_amount_that_is_not_exact_is_refused_naming_the_line(
    currency: str, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        _line(currency, **fields)


def test_a_float_never_becomes_money() -> None:
    with pytest.raises(AssertionError):
        _line(Amount=1.5)
