"""What an org holds, counted by few queries: currencies, invoices, quotes, Accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Currencies:
    """The money an org's invoices are in."""

    multi_currency: bool
    #: upper-case ISO code of an org with a single currency; None where it cannot be read
    single: str | None = None
    #: upper-case ISO code -> posted invoices that are not mirrored yet; empty without multi-currency
    used: Mapping[str, int]
