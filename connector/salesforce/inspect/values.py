"""How values of answers are read. Pure."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from connector.salesforce.soql import parse_stamp

if TYPE_CHECKING:
    from datetime import datetime


def moment(text: Any) -> datetime | None:
    """`2026-11-21T12:00:00.000+0000` as Salesforce writes it; None for an empty field."""
    return parse_stamp(str(text)) if text else None


def day(text: Any) -> date | None:
    """A date, or the date of a moment."""
    return date.fromisoformat(str(text)[:10]) if text else None


def number(value: Any) -> int | None:
    return None if value is None else int(value)


def related(row: dict[str, Any], *path: str) -> Any:
    """The value behind relationships, any of which may be null."""
    found: Any = row
    for name in path:
        found = (found or {}).get(name)
    return found
