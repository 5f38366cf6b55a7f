"""Events that arrive together are stored together: one commit, many answers.

Nobody is answered before the commit that holds his event. A commit costs milliseconds on any disk, and a
burst of webhooks costs as many of them as there are bursts, not events.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.model import Signal
    from connector.core.service import ReceivedEvent
    from connector.web.intake import Intake

#: events in one commit at most
BATCH: Final = 200
#: bytes of events that may wait to be stored, however few they are
BYTES_MAX: Final = 64_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    event: ReceivedEvent
    signals: Sequence[Signal]
    stored: Future[None]


class Full(StoreError):
    """More is waiting than may wait: come again later."""


class Committer:
    """Stores events from any thread. `capacity` bounds what waits for its commit, `is_full` says when so much waits
    behind it that nothing more is taken in; `wake` is called after each commit that gave something to look at.
    """

    def __init__(
        self,
        intake: Intake,
        *,
        capacity: int,
        is_full: Callable[[], bool],
        wake: Callable[[], None],
    ) -> None:
        self._intake = intake
        self._is_full = is_full
        self._wake = wake
        self._bytes = 0
        self._bytes_turn = threading.Lock()
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(maxsize=capacity)
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stores what waits, then ends."""
        self._queue.put(None)
        self._thread.join()

    def submit(self, event: ReceivedEvent, signals: Sequence[Signal]) -> Future[None]:
        """Done once the event is stored for good; fails with StoreError. Raises Full."""
        waiting = _Waiting(event=event, signals=signals, stored=Future())
        # from here on a sender that lost its patience cannot take it back: it is stored, and answered to nobody
        waiting.stored.set_running_or_notify_cancel()
        self._count(len(event.body))
        try:
            self._queue.put_nowait(waiting)
        except queue.Full:
            self._count(-len(event.body))
            raise Full(f"{self._queue.maxsize} events wait to be stored") from None
        return waiting.stored

    def _count(self, more: int) -> None:
        """Of bytes that wait. Raises Full, and counts nothing, when they would be too many."""
        with self._bytes_turn:
            if more > 0 and self._bytes + more > BYTES_MAX:
                raise Full(f"{self._bytes} bytes of events wait to be stored")
            self._bytes += more

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, ended = self._gather(first)
            self._store(batch)
            if ended:
                return

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        batch = [first]
        while len(batch) < BATCH:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return batch, True
            batch.append(item)
        return batch, False

    def _store(self, batch: Sequence[_Waiting]) -> None:
        error = self._try(batch)
        if error is not None and len(batch) > 1 and not isinstance(error, StoreError):
            # not the store's fault but that of one of them, which its neighbours do not share
            for each in batch:
                self._store([each])
            return
        self._count(-sum(len(each.event.body) for each in batch))
        for each in batch:
            if error is None:
                each.stored.set_result(None)
            else:
                each.stored.set_exception(error)
        if error is None and any(each.signals for each in batch):
            self._wake()

    def _try(self, batch: Sequence[_Waiting]) -> BaseException | None:
        """Why none of them is stored; None once all are."""
        try:
            if self._is_full():
                return Full("so many records wait to be looked at that no more are taken in")
            self._intake.receive([(each.event, each.signals) for each in batch])
        except BaseException as error:  # noqa: BLE001 -- carried to each sender, who is answered with it
            return error
        return None
