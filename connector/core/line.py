"""One line of a Salesforce document, decoded: what a customer is billed or offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    id: str
    amount_minor: int
    tax_minor: int
    tax_percent: Decimal | None
    quantity: Decimal | None
    description: str
    product_id: str | None
    product_active: bool
    starts: date | None
    ends: date | None


def plain_number(value: Decimal) -> str:
    """Without an exponent and without zeros that say nothing: 2.50 -> `2.5`."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
