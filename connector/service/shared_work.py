"""What a process does with what it took from the queue: one shard drained, one moment of the schedule kept.

Each under a lease of its own name, fenced: who was presumed dead and wakes up writes nothing. Nothing is raised to the
engine: what did not come to its end is put into the queue again, now or later.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from connector.core.brake import OF_ONE_LINK
from connector.core.errors import Braked, Interrupted, RemoteError, StoreError, Superseded
from connector.ports.dispatch import QueuedJob
from connector.runtime.moments import wait_before_another_try_s
from connector.service.lease import Held, holding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from connector.ports import Clock
    from connector.runtime.scheduler import Scheduler
    from connector.service.jobs import Jobs
    from connector.store import SqlStore

DRAIN: Final = "drain"
TICK: Final = "tick"
#: a shard with more to do than this goes back into the queue, for whoever is free
_DRAIN_FOR_S: Final = 5.0
#: waits after failures of a shard in a row
_WAITS_S: Final = (5, 15, 60, 120, 300)


def drain_of(shard: int, *, at: datetime | None = None) -> QueuedJob:
    return QueuedJob(task=DRAIN, lock=f"shard:{shard}", arguments={"shard": shard}, at=at)


def tick_of(job: str, due_at: datetime, *, at: datetime | None = None) -> QueuedJob:
    return QueuedJob(task=TICK, lock=f"tick:{job}", arguments={"job": job, "due_at": due_at.isoformat()}, at=at)


@dataclass(slots=True)
class _Trouble:
    """Of one shard, as this process met with it."""

    failures: int
    until_s: float
    why: str


@dataclass(slots=True, kw_only=True)
class SharedWork:
    """Safe to call from any number of threads. `scheduler` performs moments, and need not be started."""

    jobs: Jobs
    scheduler: Scheduler
    store: SqlStore
    clock: Clock
    holder: str
    lease_s: float
    #: told to end
    stopping: threading.Event
    #: something new may be there
    wake: Callable[[], None]
    #: waits before a moment that the database failed is tried again
    again_s: float = 60.0
    _troubles: dict[int, _Trouble] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def troubles(self) -> Mapping[int, str]:
        return {shard: trouble.why for shard, trouble in self._troubles.copy().items()}

    def drain(self, *, shard: int) -> None:
        log = structlog.get_logger("connector")
        trouble = self._troubles.get(shard)
        left_s = 0.0 if trouble is None else trouble.until_s - self.clock.monotonic_s()
        if left_s > 0:
            self._again(drain_of(shard, at=self._in(left_s)))
            return
        again: QueuedJob | None
        try:
            with self._holding(f"shard:{shard}") as held:
                if held is None:
                    # whoever has it lives, though the engine gave it up
                    again = drain_of(shard, at=self._in(self.lease_s / 3))
                else:
                    again = drain_of(shard) if self._drain(shard, held) else None
        except Interrupted:
            again = drain_of(shard)
        except Superseded as error:
            log.warning("drain", shard=shard, outcome="taken over", error=str(error))
            again = drain_of(shard, at=self._in(self.lease_s))
        except Exception as error:  # noqa: BLE001 -- told and waited out: the other shards go on
            again = drain_of(shard, at=self._in(self._failed(shard, error)))
        else:
            self._troubles.pop(shard, None)
        if again is not None:
            self._again(again)

    def tick(self, *, job: str, due_at: str) -> None:
        log = structlog.get_logger("connector")
        due = datetime.fromisoformat(due_at)
        if job not in self.scheduler.names:
            log.warning("job", job=job, outcome="unknown", reason="the clock has another schedule than this worker")
            return
        try:
            with self._holding(f"tick:{job}") as held:
                if held is None:
                    self._again(tick_of(job, due, at=self._in(self.lease_s / 3)))
                else:
                    self.scheduler.perform(job, due, do=self._under(held).do)
        except Interrupted:
            self._again(tick_of(job, due))
        except Superseded as error:
            log.warning("job", job=job, outcome="taken over", error=str(error))
        except (StoreError, RemoteError) as error:
            log.warning("job", job=job, outcome="failed", error=str(error))
            self._keep_later(job, due, error)

    def look_first(self) -> None:
        """Once in each process before it writes: is the store a restored one, did somebody swap a system? By one
        process at a time, so that the second finds most of it read. Raises what stops it; Braked while a brake is on.
        """
        with self._turn:
            while not self.jobs.may_write and not self.stopping.is_set():
                stopping = [brake for brake in self.store.brakes.load_open() if brake.name not in OF_ONE_LINK]
                if stopping:
                    raise Braked(stopping)
                with self._holding("look") as held:
                    if held is not None:
                        self.jobs.look()
                        return
                self.stopping.wait(min(1.0, self.lease_s / 10))

    def _drain(self, shard: int, held: Held) -> bool:
        """Whether there may be more to do."""
        self.look_first()
        work = self._under(held)
        until_s = self.clock.monotonic_s() + _DRAIN_FOR_S
        while work.drain(shard):
            # what was written may be what another shard waited for
            self.wake()
            if self.clock.monotonic_s() >= until_s:
                return True
        return False

    def _under(self, held: Held) -> Jobs:
        return self.jobs.under(self.store.fenced(held.lease), stop=lambda: self.stopping.is_set() or held.lost.is_set())

    def _holding(self, name: str) -> AbstractContextManager[Held | None]:
        return holding(
            self.store.leases,
            name,
            holder=self.holder,
            lease_s=self.lease_s,
            monotonic_s=self.clock.monotonic_s,
        )

    def _failed(self, shard: int, error: Exception) -> float:
        """For how long it is left alone."""
        failures = self._troubles[shard].failures + 1 if shard in self._troubles else 1
        wait_s = float(_WAITS_S[min(failures, len(_WAITS_S)) - 1])
        self._troubles[shard] = _Trouble(failures, self.clock.monotonic_s() + wait_s, str(error))
        log = structlog.get_logger("connector")
        # a drain that began has a line of its own; this one says what comes of it, or that none could begin
        log.warning("drain put off", shard=shard, reason=str(error), again_in_s=wait_s)
        return wait_s

    def _keep_later(self, job: str, due: datetime, error: StoreError | RemoteError) -> None:
        """Has a moment that the database or a system failed tried again, if that is worth it. Until it stands in the
        queue again it is at work here, so that it is put back should this process die meanwhile.
        """
        wait_s = wait_before_another_try_s(error, self.again_s)
        while self.scheduler.is_worth_another_try(job, due, error):
            try:
                if self.store.queue.put(tick_of(job, due, at=self._in(wait_s))):
                    return
            except StoreError:
                if self.stopping.wait(self.again_s / 10):
                    return
            else:
                # a later one waits already and does the same
                break
        self.scheduler.give_up(job, due, error)

    def _in(self, seconds: float) -> datetime:
        return self.clock.now() + timedelta(seconds=seconds)

    def _again(self, job: QueuedJob) -> None:
        try:
            self.store.queue.put(job)
        except StoreError as error:
            # a shard is found by the next look; what is due comes again at its next moment
            structlog.get_logger("connector").warning("not put back", job=job.lock, error=str(error))
