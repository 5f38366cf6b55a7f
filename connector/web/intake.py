"""Where webhooks are stored: a batch is one transaction, one unit of work, one line of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.runtime.telemetry import unit_of_work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.model import Signal
    from connector.core.service import ReceivedEvent
    from connector.ports import Clock, Store


class Intake:
    """Events with the records they name, stored under a trace id of their own."""

    def __init__(
        self, store: Store, *, shard_of: Callable[[Signal], int], clock: Clock, new_trace_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._shard_of = shard_of
        self._clock = clock
        self._new_trace_id = new_trace_id

    def receive(self, events: Sequence[tuple[ReceivedEvent, Sequence[Signal]]]) -> None:
        """Returns once they are stored for good. Raises StoreError."""
        trace_id = self._new_trace_id()
        with unit_of_work("webhooks", clock=self._clock, trace_id=trace_id, events=len(events)) as facts:
            facts["records"] = sum(len(signals) for _, signals in events)
            facts["new"] = self._store.traced(trace_id).events.receive(events, shard_of=self._shard_of)
