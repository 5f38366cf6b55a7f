"""What this process did, told to Prometheus at once and to the store now and then, for `connector status`."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from connector.app import Listeners
from connector.core.errors import StoreError
from connector.core.pace import Tally, span_of
from connector.core.service import Refusals
from connector.runtime.telemetry import log_exchange

if TYPE_CHECKING:
    from datetime import datetime

    from connector.flows.report import PassReport
    from connector.ports import Clock
    from connector.ports.service import PaceMemory
    from connector.remote import Exchange
    from connector.runtime.metrics import Metrics

#: the answer to a webhook that was taken in
STORED: Final = "stored"
_AN_HOUR: Final = timedelta(hours=1)


class Counting:
    """Thread-safe. What was counted since the last `flush` is lost with the process: it is for people, not for work."""

    def __init__(self, metrics: Metrics, *, pace: PaceMemory, clock: Clock) -> None:
        self.metrics = metrics
        self._pace = pace
        self._clock = clock
        self._turn = threading.Lock()
        self._tallies: dict[datetime, Tally] = {}
        #: of the last hour, in spans of a few minutes: whoever floods us must not fill our memory
        self._refused: dict[datetime, Counter[str]] = {}
        self._newest: tuple[str, datetime] | None = None

    def drained(self, report: PassReport, *, took_s: float) -> None:
        self.metrics.count_drain(report, took_s=took_s)
        with self._turn:
            self._tallies.setdefault(span_of(self._clock.now()), Tally()).merge(report.waited)

    def webhook(self, answer: str) -> None:
        """How one was answered, as in `Receiver.counted`."""
        self.metrics.count_webhook(answer)
        if answer == STORED:
            return
        now = self._clock.now()
        with self._turn:
            self._refused.setdefault(span_of(now), Counter())[answer] += 1
            self._newest = (answer, now)
            for past in [began_at for began_at in self._refused if now - began_at > _AN_HOUR]:
                del self._refused[past]

    def refused(self) -> Refusals:
        """Within the last hour, by this process."""
        now = self._clock.now()
        with self._turn:
            if self._newest is None or now - self._newest[1] > _AN_HOUR:
                return Refusals()
            lately = (counts for began_at, counts in self._refused.items() if now - began_at <= _AN_HOUR)
            counts = sum(lately, Counter[str]())
            return Refusals(counts=dict(counts), newest=self._newest[0], newest_at=self._newest[1])

    def heard(self, exchange: Exchange) -> None:
        self.metrics.count_exchange(exchange)
        log_exchange(exchange)

    def listeners(self) -> Listeners:
        """What the app is to tell us."""
        return Listeners(heard=self.heard, waited=self.metrics.count_held_up)

    def flush(self) -> None:
        """Hands what was counted to the store. Raises StoreError, and then keeps it."""
        with self._turn:
            tallies, self._tallies = self._tallies, {}
        while tallies:
            began_at = min(tallies)
            try:
                self._pace.add(tallies[began_at], began_at=began_at)
            except StoreError:
                with self._turn:
                    for moment, tally in tallies.items():
                        self._tallies.setdefault(moment, Tally()).merge(tally)
                raise
            del tallies[began_at]
