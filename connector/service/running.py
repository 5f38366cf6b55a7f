"""What is there to be asked of a running process, as it comes into being."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from connector.core.errors import ConnectorError, Superseded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from connector.ports.dispatch import Dispatcher
    from connector.runtime.metrics import Metrics

#: no try to reach both systems has failed yet
STARTING: Final = "starting"


class Broken(ConnectorError):
    """A thread ended that should not have: the process ends too, and is started again."""


class Part(Protocol):
    """What a process does besides being asked."""

    def start(self) -> None: ...

    def is_alive(self) -> bool:
        """False once a thread is gone that should be there."""
        ...

    def collect(self, metrics: Metrics) -> None:
        """Brings its gauges up to date. Raises StoreError."""
        ...

    def stop(self, within_s: float) -> bool:
        """`Running.stopping` is set already. False when something is still under way after so long."""
        ...


@dataclass(slots=True, kw_only=True)
class Running:
    stopping: threading.Event = field(default_factory=threading.Event)
    #: why the service must end, when nobody asked it to
    failure: ConnectorError | None = None
    #: why it does no work on records yet, and since when it has not been possible
    not_connected: str | None = STARTING
    not_connected_since: datetime | None = None
    #: who has the shards drained, once it does
    dispatcher: Dispatcher | None = None
    #: something was still under way when nobody waited any longer: its threads must not keep the process
    is_abandoned: bool = False

    def cut_off(self, why: str, *, now: datetime) -> None:
        """Both systems could not be reached, which is tried again."""
        self.not_connected, self.not_connected_since = why, self.not_connected_since or now

    def connected(self) -> None:
        self.not_connected = self.not_connected_since = None

    def fail(self, error: ConnectorError) -> None:
        """The first failure is the one that is told."""
        self.failure = self.failure or error
        self.stopping.set()

    def lose(self, why: str) -> None:
        self.fail(Superseded(why))

    def missing(self) -> dict[str, str]:
        """For readiness: what is ours and not as it must be."""
        return {} if self.failure is None else {"service": str(self.failure)}

    def troubles(self) -> Mapping[int, str]:
        return {} if self.dispatcher is None else self.dispatcher.troubles()
