"""Exact money: Salesforce's decimal amounts to Stripe's whole minor units and back.

Nothing here rounds. An amount the currency cannot express is an error for a person to see, because
a rounded invoice is a wrong invoice.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TYPE_CHECKING

from connector.core.currencies import CURRENCIES
from connector.core.words import plain

if TYPE_CHECKING:
    from connector.core.currencies import CurrencyRule, CurrencyTable

#: more digits than any ledger holds (Salesforce currency fields have at most 18); bounds the arithmetic
DIGITS_MAX = 30

#: The thread's own decimal context may have been given another precision; this one never rounds.
_EXACT = Context(prec=2 * DIGITS_MAX, traps=[Inexact, InvalidOperation])


def currency_code(text: str | None) -> str:
    """The lower-case code of a currency this program knows, from either side's spelling.

    Raises ValueError for none and for an unknown currency: its exponent would be a guess.
    """
    if not text:
        raise ValueError("the record names no currency")
    code = text.lower()
    _rule(code, CURRENCIES)
    return code


def to_minor(amount: Decimal, currency: str, table: CurrencyTable) -> int:
    """The whole number of minor units that is exactly `amount`, counted as `table` says.

    Raises ValueError when the currency is unknown, the amount is not a finite number, it has more
    decimals than the currency, or Stripe refuses its last digits (ISK, UGX, three-decimal currencies).
    """
    rule = _rule(currency, table)
    if not amount.is_finite() or abs(amount.adjusted()) > DIGITS_MAX:
        raise ValueError(f"{plain(amount)} is not an amount of money")
    try:
        scaled = _EXACT.scaleb(amount, rule.exponent)
        minor = int(scaled)
    except Inexact:
        scaled, minor = amount, 0  # more digits than any currency has: reported below
    if scaled != minor:
        raise ValueError(f"{plain(amount)} has more decimals than {currency.upper()} has ({rule.exponent})")
    if minor % rule.multiple:
        smallest = from_minor(rule.multiple, currency, table)
        raise ValueError(f"{plain(amount)} {currency.upper()} is not a multiple of {smallest}, which Stripe requires")
    return minor


def from_minor(minor: int, currency: str, table: CurrencyTable) -> Decimal:
    """The decimal amount of `minor` units, with exactly the currency's decimals: 1050, usd -> 10.50.

    Raises ValueError when the currency is unknown.
    """
    return _EXACT.scaleb(Decimal(minor), -_rule(currency, table).exponent)


def format_minor(minor: int, currency: str, table: CurrencyTable) -> str:
    """For people: 123450, usd -> `1,234.50 USD`."""
    return f"{from_minor(minor, currency, table):,f} {currency.upper()}"


def _rule(currency: str, table: CurrencyTable) -> CurrencyRule:
    rule = table.get(currency)
    if rule is None:
        raise ValueError(f"unknown currency {currency!r}")
    return rule
