"""Where work on records is done: by threads of this process, or by whichever process takes it from a queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Dispatcher(Protocol):
    """Has every shard that holds something to look at drained, each by one at a time."""

    def start(self) -> None: ...

    def wake(self) -> None:
        """Something new is there. From any thread; returns at once."""
        ...

    def is_alive(self) -> bool:
        """False once a thread is gone that should be there: a bug, and a reason to be started again."""
        ...

    def troubles(self) -> Mapping[int, str]:
        """Shard -> why nothing is done there by this process at present."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedJob:
    """One piece of work that any process may take."""

    #: what is to be done, and the queue it stands in
    task: str
    #: two with the same lock are never done at the same time, and of two only one waits
    lock: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    #: not before; None: at once
    at: datetime | None = None


class JobQueue(Protocol):
    """The queue of the distributed engine. Every method is one transaction, unless one is handed in."""

    def open(self) -> None:
        """Makes or upgrades the queue's tables. Raises ConfigError where there can be none, SchemaTooNew for a newer
        engine's.
        """
        ...

    def put(self, job: QueuedJob, *, tx: Any = None) -> bool:
        """False when one with this lock waits already: that one is taken later than now, and does this as well."""
        ...

    def depth(self) -> Mapping[str, Mapping[str, int]]:
        """Task -> `todo` and `doing` -> how many."""
        ...
