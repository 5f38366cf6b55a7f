"""Stretches of time whose events are read at the same time. Pure; `polls.py` reads them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Events created from `first` to `last`, epoch seconds, both included; newest first, behind `after`."""

    first: int
    last: int
    #: the last event read of it
    after: str | None = None

    def rest(self, oldest: Mapping[str, Any], *, divide: bool) -> list[Span]:
        """What is left after a full page that ended with the event `oldest`, in two halves if asked for.

        Within one second nothing is divided: there only the order of the list tells events apart.
        """
        behind = replace(self, after=oldest["id"])
        middle = (self.first + oldest["created"]) // 2
        if not divide or middle >= oldest["created"]:
            return [behind]
        return [replace(behind, first=middle + 1), Span(first=self.first, last=middle)]


def spans_between(earliest: int, likely_start: int, end: int, parts: int) -> list[Span]:
    """Whole seconds from `earliest` to `end`, both included, newest first; every second is in exactly one span.

    What lies before `likely_start` is one span, the rest is divided evenly.
    """
    start = max(earliest, min(likely_start, end))
    width = -(-(end - start + 1) // parts)
    spans = [Span(first=first, last=min(end, first + width - 1)) for first in range(start, end + 1, width)]
    if start > earliest:
        spans.insert(0, Span(first=earliest, last=start - 1))
    return spans[::-1]
