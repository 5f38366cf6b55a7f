"""How long signals waited until they were worked off, counted by size: what a p95 over an hour is made of.

Counts add up, whichever process made them; a percentile is told as the bound it stayed within, because no more
than that is known.
"""

from __future__ import annotations

import bisect
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: seconds; what waited longer than the last counts there
BOUNDS_S: Final = (1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600, 900, 1800, 3600, 10_800, 43_200, 86_400, 604_800)
#: counted together
SPAN: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Signals of one kind that were worked off in one span."""

    kind: str
    began_at: datetime
    #: they had waited at most so many seconds -> their number
    counts: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Over several spans."""

    number: int = 0
    #: by when 95 of 100 had been worked off, in seconds; None when there were none
    p95_s: int | None = None


class Tally:
    """Counts while they are made. Not safe for threads by itself."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        #: kind -> bound -> number
        self.counts: dict[str, Counter[int]] = {}

    def add(self, kind: str, waited: timedelta) -> None:
        self.counts.setdefault(kind, Counter())[bound_s(waited)] += 1

    def merge(self, other: Tally) -> None:
        for kind, counts in other.counts.items():
            self.counts.setdefault(kind, Counter()).update(counts)


def bound_s(waited: timedelta) -> int:
    place = bisect.bisect_left(BOUNDS_S, waited.total_seconds())
    return BOUNDS_S[min(place, len(BOUNDS_S) - 1)]


def span_of(moment: datetime) -> datetime:
    """When the span began that this moment is in."""
    size_s = int(SPAN.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // size_s * size_s, UTC)


def done(paces: Iterable[Pace]) -> Done:
    """All of them together."""
    counts: Counter[int] = Counter()
    for pace in paces:
        counts.update(pace.counts)
    number, so_far = counts.total(), 0
    for bound in sorted(counts):
        so_far += counts[bound]
        if so_far * 100 >= number * 95:
            return Done(number=number, p95_s=bound)
    return Done()
