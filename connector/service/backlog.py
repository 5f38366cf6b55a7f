"""How much waits to be looked at, and whether that is too much to take in more (invariants.md I25).

The store is asked at most once a second: every webhook and every poll wants to know.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from connector.core.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.ports.service import EventInbox

_ASK_EVERY_S: Final = 1.0


class TooMuchWaits(ConnectorError):
    """Nothing more is read until what waits was looked at; nothing is lost by it, the cursors stay."""


class Backlog:
    """Safe to share between threads."""

    def __init__(self, inbox: EventInbox, *, most: int, monotonic_s: Callable[[], float]) -> None:
        self._inbox = inbox
        self._most = most
        self._monotonic_s = monotonic_s
        self._turn = threading.Lock()
        self._asked_s: float | None = None
        self._waiting = 0

    def is_full(self) -> bool:
        """Raises StoreError when the store cannot say."""
        return self._count() > self._most

    def require_room(self) -> None:
        """Raises TooMuchWaits."""
        if self.is_full():
            raise TooMuchWaits(
                f"{self._waiting} records wait to be looked at, more than CONNECTOR_RUN__SIGNALS_WAITING_MAX="
                f"{self._most}: nothing is read until they were"
            )

    def _count(self) -> int:
        with self._turn:
            now_s = self._monotonic_s()
            if self._asked_s is None or now_s - self._asked_s >= _ASK_EVERY_S:
                self._waiting, _ = self._inbox.backlog()
                self._asked_s = now_s
            return self._waiting
