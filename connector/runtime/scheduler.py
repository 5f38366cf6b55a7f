"""WHEN: APScheduler computes the moments, the database lets one clock have each.

A memory store in every clock: a shared job store was measured to run jobs twice (performance.md 5). Two
clocks compute the same moments, because intervals are counted from a fixed one, and claim them. A job
that is still at work when its next moment comes is left at it: one catches up for both.

A clock does what it claimed itself, or hands it on together with the claim: then whoever takes it performs it, and a
clock that dies has either claimed nothing or handed it on. What the database failed, or one of the systems in a way that
may pass, is tried again within its grace.
"""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from connector.core.errors import Interrupted, RemoteError, StoreError, Superseded
from connector.core.schedule import delay_s, pause_of
from connector.runtime.moments import (
    is_worth_another_try,
    missed_moment,
    next_moment,
    trigger_of,
    wait_before_another_try_s,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.core.schedule import ScheduledJob
    from connector.core.service import Pause
    from connector.ports import Clock
    from connector.ports.service import ScheduleMemory

    #: job, moment and open transaction -> False when nobody needs it: the moment before is not begun yet
    HandOn = Callable[[ScheduledJob, datetime, Any], bool]

_STILL_WAITS: Final = "the moment before still waits for a worker"
#: how long a person waits at most for a clock to take what was asked for
_LOOK_FOR_ASKED_EVERY_S: Final = 3.0
#: how a moment stands that did not come to its end
_OPEN: Final = frozenset({None, "stopped"})
#: waits before a moment that the database failed is tried again
_AGAIN_S: Final = 60.0


class Scheduler:
    """One clock. `do` is called on a thread of its own for each moment this clock got, and may raise: the tick
    is marked failed with the message, `failed` is told, and the next one comes all the same. With `hand_on` a moment
    is not done here but handed on within the transaction that claims it.
    """

    def __init__(
        self,
        jobs: Sequence[ScheduledJob],
        *,
        memory: ScheduleMemory,
        clock: Clock,
        holder: str,
        do: Callable[[ScheduledJob], None],
        failed: Callable[[ScheduledJob, Exception], None],
        hand_on: HandOn | None = None,
    ) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._memory = memory
        self._clock = clock
        self._holder = holder
        self._do = do
        self._failed = failed
        self._hand_on = hand_on
        self.again_s = _AGAIN_S
        self._stopping = threading.Event()
        self._scheduler: Any = None
        self._unfinished: Sequence[tuple[str, datetime]] = ()
        self._asked = threading.Thread(target=self._take_asked, name="asked", daemon=True)
        #: a job that a person asked for waits while its own moment is at work, and the other way round
        self._turns = {name: threading.Lock() for name in self._jobs}

    def start(self) -> None:
        executor = _MomentExecutor(len(self._jobs), self.keep)
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": executor}, daemon=True)
        missed = self._missed_moments()
        with contextlib.suppress(StoreError):
            # whoever works waits for the database, and starts a clock again
            self._unfinished = self.find_unfinished()
        for job in self._jobs.values():
            self._scheduler.add_job(
                _never_called,
                trigger_of(job),
                id=job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
                **({"next_run_time": missed[job.name]} if job.name in missed else {}),
            )
        self._scheduler.start()
        self._asked.start()

    def stop(self) -> None:
        """No further moment begins; waits for those that did."""
        self._stopping.set()
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._asked.join()

    def next_moments(self) -> Mapping[str, datetime]:
        now = self._clock.now()
        return {job.name: next_moment(job, now) for job in self._jobs.values()}

    def keep(self, name: str, due_at: datetime, *, is_ours: bool = False) -> None:
        """One moment of one job, again and again while the database or a system fails it and another try is worth it;
        `is_ours` says that this clock has claimed it before.
        """
        job = self._jobs[name]
        while not self._stopping.is_set():
            try:
                self.moment_came(name, due_at, is_ours=is_ours)
            except (StoreError, RemoteError) as error:
                self._failed(job, error)
                if isinstance(error, Superseded):
                    return
                if not self.is_worth_another_try(name, due_at, error):
                    self.give_up(name, due_at, error)
                    return
                # of a claim whose answer was lost nobody knows, and who is alone has it
                is_ours = self._hand_on is None
                self._stopping.wait(wait_before_another_try_s(error, self.again_s))
            else:
                return

    def moment_came(self, name: str, due_at: datetime, *, is_ours: bool = False) -> None:
        """What happens at one moment of one job. Raises StoreError: then nobody has claimed it, or its end is not
        stored. Raises RemoteError where a system failed it and another try is worth it: then it has no end yet.
        """
        job = self._jobs[name]
        late_s = (self._clock.now() - due_at).total_seconds()
        if not is_ours:
            self._stopping.wait(max(0.0, delay_s(job, due_at) - max(0.0, late_s)))
        if self._stopping.is_set():
            return
        late_s = (self._clock.now() - due_at).total_seconds() - job.jitter_s
        if late_s > job.grace_s and not is_ours:
            reason = f"{round(late_s)} s late, more than grace_s: {job.grace_s}"
            if self._claim(name, due_at):
                self._memory.finish(name, due_at, outcome="missed", reason=reason)
        elif self._hand_on is not None and self._pause_of(job) is None:
            self._claim_and_hand_on(job, due_at, self._hand_on)
        elif self._claim(name, due_at) or (is_ours and self._is_open(name, due_at)):
            with contextlib.suppress(Interrupted):
                self.perform(name, due_at)

    def is_worth_another_try(self, name: str, due_at: datetime, error: Exception) -> bool:
        return is_worth_another_try(self._jobs[name], due_at, error, now=self._clock.now())

    def give_up(self, name: str, due_at: datetime, error: Exception) -> None:
        """The moment has failed, where the database takes at least that."""
        with contextlib.suppress(StoreError):
            self._memory.finish(name, due_at, outcome="failed", reason=str(error))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._jobs)

    def perform(self, name: str, due_at: datetime, *, do: Callable[[ScheduledJob], None] | None = None) -> None:
        """Does what is due, by `do` where it is given, and stores how it ended. Raises Interrupted when it was told to
        stop, Superseded when somebody else has taken it over, StoreError when the database failed it, and RemoteError
        when a system did and another try is worth it: then it has not ended.
        """
        job = self._jobs[name]
        pause = self._pause_of(job)
        if pause is not None:
            reason = f"paused by {pause.person}: {pause.reason}"
            self._memory.finish(name, due_at, outcome="paused", reason=reason)
            return
        try:
            with self._turns[name]:
                (do or self._do)(job)
        except Interrupted as error:
            self._memory.finish(name, due_at, outcome="stopped", reason=str(error))
            raise
        except StoreError:
            raise
        except Exception as error:  # told and stored: the clock must not stop for one job
            if self.is_worth_another_try(name, due_at, error):
                raise
            self._memory.finish(name, due_at, outcome="failed", reason=str(error))
            self._failed(job, error)
        else:
            self._memory.finish(name, due_at, outcome="done")

    def look_for_asked(self) -> None:
        """Does, or hands on, what people asked for. Raises StoreError."""
        needless: set[str] = set()

        def and_then(name: str, due_at: datetime, tx: Any) -> None:
            if self._hand_on is not None and name in self._jobs and not self._hand_on(self._jobs[name], due_at, tx):
                needless.add(name)

        for name, due_at in self._memory.take_asked(holder=self._holder, and_then=and_then):
            if name not in self._jobs:
                self._memory.finish(name, due_at, outcome="skipped", reason="no such job in this schedule")
            elif name in needless:
                self._memory.finish(name, due_at, outcome="skipped", reason=_STILL_WAITS)
            elif self._hand_on is None:
                self.keep(name, due_at, is_ours=True)

    def _missed_moments(self) -> Mapping[str, datetime]:
        """While no clock was there, or the one that was there died before it had claimed them."""
        try:
            last = self._memory.load_last()
        except StoreError:
            # nobody could claim them either: whoever works waits for the database, and starts a clock again
            return {}
        now = self._clock.now()
        found = {
            name: missed_moment(job, now, last=last[name]["due_at"]) for name, job in self._jobs.items() if name in last
        }
        return {name: moment for name, moment in found.items() if moment is not None}

    def find_unfinished(self) -> Sequence[tuple[str, datetime]]:
        """What the process before this one had begun and not ended, as far as its grace reaches: asked before this one
        begins anything. Raises StoreError.

        Only for a clock that is alone, which does what it claims itself: what is handed on stays in the queue.
        """
        if self._hand_on is not None:
            return ()
        now = self._clock.now()
        return [
            (name, tick["due_at"])
            for name, tick in self._memory.load_last().items()
            if name in self._jobs
            and tick["outcome"] in _OPEN
            and now - tick["due_at"] <= timedelta(seconds=self._jobs[name].grace_s)
            # what a person asked for and nobody has taken is no loss
            and (self._memory.load(name, tick["due_at"]) or {"is_taken": False})["is_taken"]
        ]

    def _take_asked(self) -> None:
        for name, due_at in self._unfinished:
            self.keep(name, due_at, is_ours=True)
        while not self._stopping.wait(_LOOK_FOR_ASKED_EVERY_S):
            # the next look comes soon, and whoever asked is told that nobody took it
            with contextlib.suppress(StoreError):
                self.look_for_asked()

    def _claim_and_hand_on(self, job: ScheduledJob, due_at: datetime, hand_on: HandOn) -> None:
        taken = True

        def and_then(tx: Any) -> None:
            nonlocal taken
            taken = hand_on(job, due_at, tx)

        if self._claim(job.name, due_at, and_then) and not taken:
            self._memory.finish(job.name, due_at, outcome="skipped", reason=_STILL_WAITS)

    def _claim(self, name: str, due_at: datetime, and_then: Callable[[Any], None] | None = None) -> bool:
        return self._memory.claim(name, due_at, holder=self._holder, and_then=and_then)

    def _is_open(self, name: str, due_at: datetime) -> bool:
        """Claimed, and without an end that was stored."""
        tick = self._memory.load(name, due_at)
        return tick is not None and tick["outcome"] in _OPEN

    def _pause_of(self, job: ScheduledJob) -> Pause | None:
        return pause_of(job, self._memory.load_pauses())


class _MomentExecutor(BaseExecutor):  # type: ignore[misc]  # the library has no types
    """Hands on which moment it is, which APScheduler's own executors keep to themselves."""

    def __init__(self, threads: int, moment_came: Callable[[str, datetime], None]) -> None:
        super().__init__()
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="clock")
        self._moment_came = moment_came

    def _do_submit_job(self, job: Any, run_times: Sequence[datetime]) -> None:
        future = self._pool.submit(self._moment_came, job.id, run_times[-1].astimezone(UTC))
        future.add_done_callback(lambda done: self._ended(job, done.exception()))

    def _ended(self, job: Any, error: BaseException | None) -> None:
        if error is None:
            self._run_job_success(job.id, [])
        else:
            self._run_job_error(job.id, error, error.__traceback__)

    def shutdown(self, wait: bool = True) -> None:
        self._pool.shutdown(wait=wait)


def _never_called() -> None:
    """APScheduler wants a function; the executor above knows what to do by the job's name."""
