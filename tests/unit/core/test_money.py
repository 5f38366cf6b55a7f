from __future__ import annotations

import json
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.currencies import (
    CURRENCIES,
    THREE_DECIMAL,
    TWO_DECIMAL,
    WHOLE_UNITS_ONLY,
    ZERO_DECIMAL,
    counted_whole,
)
from connector.core.money import currency_code, format_minor, from_minor, to_minor

FACTS = Path(__file__).parents[3] / "connector" / "data" / "stripe" / "currencies.json"

currencies = st.sampled_from(sorted(CURRENCIES))


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("10.50", "usd", 1050),
        ("10.5", "usd", 1050),
        ("10.5000", "usd", 1050),
        ("1E+2", "eur", 10000),
        ("-0.01", "usd", -1),
        ("0", "usd", 0),
        ("-0.00", "usd", 0),
        ("500.00", "jpy", 500),
        ("5.120", "kwd", 5120),
        ("5", "isk", 500),
        ("5.00", "ugx", 500),
        ("10.45", "huf", 1045),
        ("9999999999999999.99", "usd", 999999999999999999),
    ],
)
def test_an_amount_becomes_exactly_its_minor_units(amount, currency, minor):
    assert to_minor(Decimal(amount), currency, CURRENCIES) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "says"),
    [
        ("10.505", "usd", "more decimals than USD"),
        ("0.5", "jpy", "more decimals than JPY"),
        ("5.1234", "kwd", "more decimals than KWD"),
        ("5.124", "kwd", "multiple of 0.010"),
        ("5.50", "isk", "multiple of 1.00"),
        ("0." + "1" * 70, "usd", "more decimals than USD"),
        ("1E-20", "usd", "more decimals than USD"),
        ("1", "btc", "unknown currency 'btc'"),
        ("NaN", "usd", "not an amount"),
        ("-Infinity", "usd", "not an amount"),
        ("1E+999999", "usd", "not an amount"),
        ("1E-999999", "usd", "not an amount"),
    ],
)
def test_what_the_currency_cannot_express_is_refused_and_never_rounded(amount, currency, says):
    with pytest.raises(ValueError) as error:
        to_minor(Decimal(amount), currency, CURRENCIES)
    assert says in str(error.value)


@given(currencies, st.integers(-(10**17), 10**17))
def test_minor_units_survive_the_way_there_and_back(currency, units):
    minor = units * CURRENCIES[currency].multiple
    assert to_minor(from_minor(minor, currency, CURRENCIES), currency, CURRENCIES) == minor


@given(currencies, st.integers(-(10**17), 10**17), st.integers(-(10**17), 10**17))
def test_converting_keeps_sums(currency, one, other):
    one, other = (units * CURRENCIES[currency].multiple for units in (one, other))
    assert (
        to_minor(from_minor(one, currency, CURRENCIES) + from_minor(other, currency, CURRENCIES), currency, CURRENCIES)
        == one + other
    )


@given(currencies, st.decimals(min_value=-(10**12), max_value=10**12, places=6))
def test_a_conversion_that_succeeds_lost_nothing(currency, amount):
    try:
        minor = to_minor(amount, currency, CURRENCIES)
    except ValueError:
        return
    assert from_minor(minor, currency, CURRENCIES) == amount


def test_the_thread_s_own_decimal_precision_does_not_matter():
    with localcontext(prec=3):
        assert to_minor(Decimal("123456.78"), "usd", CURRENCIES) == 12345678
        assert from_minor(12345678, "usd", CURRENCIES) == Decimal("123456.78")


def test_a_decimal_amount_shows_the_currency_s_decimals():
    assert str(from_minor(1000, "usd", CURRENCIES)) == "10.00"
    assert str(from_minor(1000, "jpy", CURRENCIES)) == "1000"
    assert str(from_minor(5120, "kwd", CURRENCIES)) == "5.120"
    assert str(from_minor(-5, "usd", CURRENCIES)) == "-0.05"


def test_people_read_thousands_decimals_and_the_code():
    assert format_minor(123456789, "usd", CURRENCIES) == "1,234,567.89 USD"
    assert format_minor(-5, "usd", CURRENCIES) == "-0.05 USD"
    assert format_minor(1234, "jpy", CURRENCIES) == "1,234 JPY"
    assert format_minor(0, "kwd", CURRENCIES) == "0.000 KWD"


def test_either_side_s_spelling_of_a_currency_is_understood():
    assert currency_code("USD") == "usd"
    assert currency_code("jpy") == "jpy"


@pytest.mark.parametrize("text", [None, "", "XXX", "euro"])
def test_a_missing_or_unknown_currency_is_refused(text):
    with pytest.raises(ValueError):
        currency_code(text)


def test_the_groups_share_no_currency():
    groups = (ZERO_DECIMAL, TWO_DECIMAL, THREE_DECIMAL, WHOLE_UNITS_ONLY)
    assert sum(map(len, groups)) == len(CURRENCIES)
    assert len(CURRENCIES) > 135
    assert all(len(code) == 3 and code.islower() for code in CURRENCIES)


def test_the_table_says_what_the_published_facts_say():
    facts = json.loads(FACTS.read_text(encoding="utf-8"))
    special = facts["special"]
    assert set(facts["zero_decimal"]) - set(special) == ZERO_DECIMAL
    assert set(facts["three_decimal"]) == THREE_DECIMAL
    whole = {code for code, fact in special.items() if fact["logical_exponent"] < fact["api_exponent"]}
    assert whole == WHOLE_UNITS_ONLY
    for code, fact in special.items():
        assert CURRENCIES[code].exponent == fact["api_exponent"]


def test_a_currency_sources_disagree_about_can_be_counted_in_whole_units():
    table = counted_whole(["ugx"])
    assert to_minor(Decimal("5.00"), "ugx", table) == 5
    assert from_minor(5, "ugx", table) == Decimal(5)
    assert to_minor(Decimal("5.00"), "isk", table) == 500
    with pytest.raises(ValueError, match="more decimals than UGX"):
        to_minor(Decimal("5.50"), "ugx", table)
    assert {code for code in CURRENCIES if table[code] != CURRENCIES[code]} == {"ugx"}


@pytest.mark.parametrize("code", ["usd", "jpy", "kwd", "xts", "UGX"])
def test_what_sources_agree_about_cannot_be_counted_otherwise(code):
    with pytest.raises(ValueError, match="only isk, ugx"):
        counted_whole([code])
