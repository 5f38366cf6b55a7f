"""Stripe's own time: how long ago a key was first used, only the one who keeps it can say.

Our clock may have been put forward or back between a call and its recovery; a key that seems young and is
pruned would make a record twice.
"""

from __future__ import annotations

import threading
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from connector.ports import Clock

#: what was told longer ago is asked for again; keys live a day, and are trusted hours less
FRESH_S: Final = 60


class ServerClock:
    """The time the last reply told. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: tuple[datetime, datetime, float] | None = None

    def note(self, date: str | None) -> None:
        """`date` is the header of a reply; one that is missing or unreadable tells nothing."""
        try:
            told = parsedate_to_datetime(date or "")
        except ValueError:
            return
        told = told if told.tzinfo is not None else told.replace(tzinfo=UTC)
        with self._lock:
            self._told = told, self._clock.now(), self._clock.monotonic_s()

    def read(self) -> datetime | None:
        """None when nothing was told in the last minute, by either of our clocks: one of them may have stood still."""
        with self._lock:
            if self._told is None:
                return None
            told, wall, monotonic_s = self._told
        passed_s = ((self._clock.now() - wall).total_seconds(), self._clock.monotonic_s() - monotonic_s)
        return told if all(0 <= each <= FRESH_S for each in passed_s) else None
