"""Minor units, smallest and largest amounts per currency, from currencies.json."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson

from connector.sandbox.stripe.errors import StripeError
from connector.sandbox.stripe.spec import DATA


@cache
def _table() -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads((DATA / "currencies.json").read_bytes())
    return loaded


@dataclass(frozen=True, slots=True)
class Currencies:
    """Two decimals unless listed. Amounts are integers of the API's minor unit."""

    def code(self, raw: str, *, param: str) -> str:
        """The lower-case code; StripeError for what is not three letters."""
        code = raw.lower()
        if len(code) != 3 or not code.isascii() or not code.isalpha():
            raise StripeError(f"Invalid currency: {raw.lower()}", param=param)
        return code

    def step(self, currency: str) -> int:
        """What a charged amount must be a multiple of, in minor units."""
        table = _table()
        if currency in table["three_decimal"]:
            return 10
        special = table["special"].get(currency)
        return 100 if special is not None and special["logical_exponent"] == 0 else 1

    def smallest(self, currency: str) -> int:
        found = _table()["min_charge_unverified"].get(currency, 1)
        return int(found)

    def largest(self) -> int:
        return int(_table()["max_charge"]["amount"])

    def check_charge(self, amount: int, currency: str, *, param: str = "amount") -> None:
        """Raises StripeError where this amount cannot be charged."""
        if amount < self.smallest(currency):
            raise StripeError(
                "The amount must be greater than or equal to the minimum charge amount allowed for your account and "
                "the currency set (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).",
                code="parameter_invalid_integer" if amount < 1 else "amount_too_small",
                param=param,
            )
        if amount > self.largest():
            raise StripeError(
                f"Amount must be no more than {self.largest()} in the smallest unit of {currency}.",
                code="amount_too_large",
                param=param,
            )
        self.check_step(amount, currency, param=param)

    def check_step(self, amount: int, currency: str, *, param: str) -> None:
        step = self.step(currency)
        if amount % step:
            raise StripeError(
                f"Invalid amount {amount}: amounts in {currency} must be divisible by {step}.",
                code="invalid_charge_amount",
                param=param,
            )
