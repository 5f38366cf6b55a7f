"""Dates of an org as moments of Stripe, and back.

A date has no zone; the org's people mean it in theirs. Midday keeps every zone on the same day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def midday_epoch(day: date, time_zone: ZoneInfo) -> int:
    """Unix seconds of 12:00 on that day in that zone."""
    return int(datetime.combine(day, time(12), tzinfo=time_zone).timestamp())


def end_of_day_epoch(day: date, time_zone: ZoneInfo) -> int:
    """Unix seconds of the day's last second in that zone."""
    return int(datetime.combine(day, time(23, 59, 59), tzinfo=time_zone).timestamp())


def local_date(epoch: int, time_zone: ZoneInfo) -> date:
    """The day a moment falls on in that zone."""
    return datetime.fromtimestamp(epoch, UTC).astimezone(time_zone).date()
