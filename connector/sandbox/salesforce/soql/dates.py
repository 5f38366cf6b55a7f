"""Date literals (TODAY, LAST_N_DAYS:30) as half-open ranges of days. Pure.

Days are counted in UTC: the simulated users' time zone. A week starts on Sunday (the en_US locale).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: first day, day after the last
Days = tuple[date, date]


def days_of(name: str, number: int, today: date) -> Days:
    """The days a literal stands for; `number` is the n of the `_N_` literals."""
    return _RANGES[name](today, number)


def _month(day: date, months: int) -> date:
    """The first day of the month `months` away."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _days(first: int, last: int) -> Callable[[date, int], Days]:
    return lambda today, _n: (today + timedelta(first), today + timedelta(last + 1))


def _weeks(offset: int) -> Callable[[date, int], Days]:
    def days(today: date, _n: int) -> Days:
        start = today - timedelta((today.weekday() + 1) % 7) + timedelta(7 * offset)
        return start, start + timedelta(7)

    return days


def _months(offset: int) -> Callable[[date, int], Days]:
    return lambda today, _n: (_month(today, offset), _month(today, offset + 1))


def _years(offset: int) -> Callable[[date, int], Days]:
    return lambda today, _n: (date(today.year + offset, 1, 1), date(today.year + offset + 1, 1, 1))


_RANGES: dict[str, Callable[[date, int], Days]] = {
    "YESTERDAY": _days(-1, -1),
    "TODAY": _days(0, 0),
    "TOMORROW": _days(1, 1),
    "LAST_WEEK": _weeks(-1),
    "THIS_WEEK": _weeks(0),
    "NEXT_WEEK": _weeks(1),
    "LAST_MONTH": _months(-1),
    "THIS_MONTH": _months(0),
    "NEXT_MONTH": _months(1),
    "LAST_90_DAYS": _days(-90, 0),
    "NEXT_90_DAYS": _days(1, 90),
    "LAST_YEAR": _years(-1),
    "THIS_YEAR": _years(0),
    "NEXT_YEAR": _years(1),
    "LAST_N_DAYS": lambda today, n: (today - timedelta(n), today + timedelta(1)),
    "NEXT_N_DAYS": lambda today, n: (today + timedelta(1), today + timedelta(n + 1)),
    "N_DAYS_AGO": lambda today, n: (today - timedelta(n), today - timedelta(n - 1)),
    "LAST_N_MONTHS": lambda today, n: (_month(today, -n), _month(today, 0)),
    "NEXT_N_MONTHS": lambda today, n: (_month(today, 1), _month(today, n + 1)),
    "N_MONTHS_AGO": lambda today, n: (_month(today, -n), _month(today, 1 - n)),
    "LAST_N_YEARS": lambda today, n: (date(today.year - n, 1, 1), date(today.year, 1, 1)),
    "NEXT_N_YEARS": lambda today, n: (date(today.year + 1, 1, 1), date(today.year + n + 1, 1, 1)),
}
