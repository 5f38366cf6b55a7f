"""What a service that runs for ever asks of its store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from connector.core.model import Signal
    from connector.core.pace import Pace, Tally
    from connector.core.service import Lease, Pause, ProcessSeen, ReceivedEvent


class EventInbox(Protocol):
    """Stripe's events as they came in. Every method is one transaction."""

    def receive(
        self,
        events: Sequence[tuple[ReceivedEvent, Sequence[Signal]]],
        *,
        shard_of: Callable[[Signal], int],
    ) -> int:
        """Stores each event that is new together with its signals, and counts the deliveries of the others;
        the number of new ones.
        """
        ...

    def load_recent(
        self, limit: int = 50, *, type_prefix: str = "", before: str | None = None
    ) -> Sequence[ReceivedEvent]:
        """Newest first; with `before`, those received before that event."""
        ...

    def load(self, event_id: str) -> ReceivedEvent | None: ...

    def purge(self, before: datetime) -> int:
        """Forgets events received before; the number of them."""
        ...

    def backlog(self) -> tuple[int, datetime | None]:
        """Signals waiting, and since when the oldest does."""
        ...


class Leases(Protocol):
    """Who may do what only one process may do. Every method is one transaction."""

    def acquire(self, name: str, *, holder: str, lease_s: float) -> Lease:
        """The lease as it is now: ours, with a higher epoch, if its holder is `holder`, else somebody's."""
        ...

    def renew(self, held: Lease, *, lease_s: float) -> Lease | None:
        """None when somebody took it over."""
        ...

    def release(self, held: Lease) -> None: ...

    def load(self) -> Sequence[Lease]:
        """All, run out ones too."""
        ...


#: job, moment, open transaction
AndThen: TypeAlias = "Callable[[str, datetime, Any], None]"


class ScheduleMemory(Protocol):
    """Ticks and pauses. Every method is one transaction."""

    def claim(self, job: str, due_at: datetime, *, holder: str, and_then: Callable[[Any], None] | None = None) -> bool:
        """Whether this moment of this job is ours: of any number of clocks, one is told so. What that one does
        `and_then`, with the open transaction, is stored together with its claim or not at all.
        """
        ...

    def finish(self, job: str, due_at: datetime, *, outcome: str, reason: str = "") -> None: ...

    def ask_for(self, job: str, *, by: str) -> datetime:
        """A moment of this job that a person wants now, for whichever clock takes it; when that is."""
        ...

    def take_asked(self, *, holder: str, and_then: AndThen | None = None) -> Sequence[tuple[str, datetime]]:
        """The moments people asked for that nobody has taken yet: ours from now on, as with `claim`."""
        ...

    def withdraw(self, job: str, due_at: datetime) -> bool:
        """Takes back what was asked for; False when somebody has taken it."""
        ...

    def load(self, job: str, due_at: datetime) -> Mapping[str, Any] | None:
        """`is_taken`, `finished_at`, `outcome`, `reason` of one moment."""
        ...

    def load_last(self) -> Mapping[str, Mapping[str, Any]]:
        """The newest tick of each job; `well_at` is when the job ended well last, or was due first if it never did."""
        ...

    def purge(self, before: datetime) -> int: ...

    def pause(self, given: Pause) -> None: ...

    def unpause(self, subject: str, *, by: str) -> bool:
        """Whether it was paused."""
        ...

    def load_pauses(self) -> Sequence[Pause]:
        """Those that hold now."""
        ...


class PaceMemory(Protocol):
    """How quickly signals are worked off. Every method is one transaction."""

    def add(self, tally: Tally, *, began_at: datetime) -> None:
        """Adds these to what any process counted in the span that began then."""
        ...

    def load(self, since: datetime) -> Sequence[Pace]:
        """Of every span that began at or after this moment, the oldest first."""
        ...

    def purge(self, before: datetime) -> int: ...


class Processes(Protocol):
    """Who is the service, told by each process of itself. Every method is one transaction."""

    def tell(self, process: ProcessSeen) -> None:
        """In place of what it told before; `lives` says whether it goes on."""
        ...

    def load(self) -> Sequence[ProcessSeen]:
        """In order of their roles; of those that are gone, who was there within the last hour."""
        ...

    def purge(self) -> int:
        """Forgets who is gone for an hour; the number of them."""
        ...
