"""Amounts and every other value of a wire: exact, or refused in words; nothing else, and never for long."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.core.codecs import BUILT_IN, Table
from connector.core.currencies import CURRENCIES
from connector.core.mapping import Context
from connector.core.money import currency_code, from_minor, to_minor
from tests.properties.hostile import bounded, hostile, many, piece, values

if TYPE_CHECKING:
    from collections.abc import Callable

currencies = st.sampled_from(sorted(CURRENCIES))
CODECS = {**BUILT_IN, "table": Table(name="colours", rows={"Red": ("red",), "Blue": ("blue", "navy")})}
ZONES = [ZoneInfo(name) for name in ("UTC", "Pacific/Kiritimati", "Etc/GMT+12", "America/St_Johns")]


def refusal(read: Callable[[], Any]) -> Any:
    """What it gives; or the refusal, whose words a person can read to their end."""
    try:
        return read()
    except ValueError as error:
        refused = error
    assert 0 < len(str(refused)) < 1_000
    return refused


@many
@given(amount=st.decimals(), currency=currencies)
@example(amount=Decimal("NaN"), currency="usd")
@example(amount=Decimal("sNaN"), currency="usd")
@example(amount=Decimal("-Infinity"), currency="usd")
@example(amount=Decimal("1E+999999"), currency="usd")
@example(amount=Decimal("1E-999999"), currency="usd")
@example(amount=Decimal("0E+999999"), currency="jpy")
@example(amount=Decimal("-0"), currency="kwd")
@example(amount=Decimal("1." + "0" * 1_000_000), currency="usd")
@example(amount=Decimal("1." + "0" * 1_000_000 + "1"), currency="usd")
@example(amount=Decimal("9" * 1_000_000), currency="usd")
def test_any_decimal_is_exact_or_refused(amount: Decimal, currency: str) -> None:
    with bounded(seconds=10, megabytes=100):
        minor = refusal(lambda: to_minor(amount, currency, CURRENCIES))
    if isinstance(minor, ValueError):
        return
    assert from_minor(minor, currency, CURRENCIES) == amount
    assert isinstance(minor, int)


@many
@given(text=st.one_of(st.text(), piece, st.none()))
@example(text="USD")
@example(text="\uff35\uff33\uff24")
@example(text="usd\n")
@example(text="\u0130SK")
def test_a_currency_is_known_or_refused(text: str | None) -> None:
    try:
        code = currency_code(text)
    except ValueError:
        return
    assert code in CURRENCIES


wires = st.one_of(
    values,
    st.decimals(),
    st.floats(),
    st.binary(max_size=5),
    st.sampled_from(
        [
            10**400,
            -(10**19),
            2**63,
            "0001-01-01",
            "9999-12-31",
            "2026-02-30",
            "2026-W05-6",
            "\u0662\u0660\u0662\u0666-01-01",
        ]
    ),
)


@pytest.mark.parametrize("name", CODECS)
@hostile
@given(wire=wires, currency=st.one_of(currencies, st.none(), st.just("xts")), zone=st.sampled_from(ZONES))
@example(wire="0001-01-01", currency="usd", zone=ZONES[1])
@example(wire="9999-12-31", currency="usd", zone=ZONES[2])
@example(wire=253402300799, currency="usd", zone=ZONES[1])
@example(wire=-62135596800, currency="usd", zone=ZONES[2])
@example(wire=10**400, currency="usd", zone=ZONES[0])
@example(wire=Decimal("1E+999999"), currency="usd", zone=ZONES[0])
@example(wire=float("nan"), currency="usd", zone=ZONES[0])
@example(wire="x" * 1_000_000, currency=None, zone=ZONES[0])
@example(wire={"a": ["x" * 1_000_000]}, currency=None, zone=ZONES[0])
def test_any_wire_value_is_read_or_refused_in_words(name: str, wire: Any, currency: str | None, zone: ZoneInfo) -> None:
    codec, context = CODECS[name], Context(currency=currency, time_zone=zone)
    with bounded(seconds=10):
        value = refusal(lambda: codec.decode(wire, context))
        written = value if isinstance(value, ValueError) else refusal(lambda: codec.encode(value, context))
    if isinstance(written, ValueError):
        return
    # what was read is written, and read again as the same
    assert codec.decode(written, context) == value
    assert not isinstance(value, float)
