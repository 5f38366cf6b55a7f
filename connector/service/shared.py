"""Any number of processes are one service: what is due and what is to be drained stands in a queue in the database.

A clock hands on what is due, a worker takes it; whoever notices something to look at has it drained. The web needs
neither of the two systems, nor does the clock.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import structlog

from connector.app import timeouts_of
from connector.core.errors import Braked, StoreError
from connector.runtime.dispatch.engine import Engine, Lane
from connector.runtime.dispatch.waking import Waker
from connector.runtime.scheduler import Scheduler
from connector.service.connecting import work_when_connected
from connector.service.jobs import jobs_of
from connector.service.shared_work import DRAIN, TICK, SharedWork, drain_of, tick_of
from connector.store.postgresql import connect_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from connector.app import App
    from connector.core.schedule import ScheduledJob
    from connector.runtime.metrics import Metrics
    from connector.service.process import Process
    from connector.store import SqlStore

#: a clock has every shard drained in which something is: what was held back may be due, a wake-up may be lost
LOOK_EVERY_S: Final = 5.0
#: for a lock of the engine's own tables, which are held for moments only
_BUSY_TIMEOUT_S: Final = 30.0


class Shared:
    """What a process of this role does. Also the dispatcher, as far as this process is one."""

    def __init__(self, process: Process, store: SqlStore) -> None:
        self._process = process
        self._store = store
        role = process.role
        self._waker = Waker(
            busy=store.load_busy_shards,
            put=lambda shard: store.queue.put(drain_of(shard)),
            failed=self._not_woken,
            look_every_s=LOOK_EVERY_S if role.ticks else None,
        )
        self._scheduler = Scheduler(
            process.jobs,
            memory=store.schedule,
            clock=process.clock,
            holder=process.holder,
            do=self._not_here,
            failed=self._job_failed,
            hand_on=self._hand_on,
        )
        self._engine: Engine | None = None
        self._work: SharedWork | None = None
        self._working = threading.Thread(target=self._run, name="work", daemon=True) if role.works else None

    def start(self) -> None:
        self._waker.start()
        self._process.faces.woken_by(self._waker.wake)
        if self._process.role.ticks:
            self._scheduler.start()
        if self._working is not None:
            self._working.start()
        elif self._process.role.ticks:
            # takes nothing, and puts back what the dead have taken
            self._engine = self._started_engine([])

    def wake(self) -> None:
        self._waker.wake()

    def is_alive(self) -> bool:
        parts = (self._waker, self._engine, self._working)
        return all(part is None or part.is_alive() for part in parts)

    def collect(self, metrics: Metrics) -> None:
        gauge = metrics.gauges["queue_jobs"]
        gauge.clear()
        for queue, states in self._store.queue.depth().items():
            for state, number in states.items():
                gauge.labels(queue=queue, state=state).set(number)

    def stop(self, within_s: float) -> bool:
        ending = threading.Thread(target=self._end, name="ending", daemon=True)
        ending.start()
        ending.join(within_s)
        return not ending.is_alive()

    def troubles(self) -> Mapping[int, str]:
        return {} if self._work is None else self._work.troubles()

    def _end(self) -> None:
        if self._process.role.ticks:
            self._scheduler.stop()
        if self._working is not None:
            self._working.join()
        elif self._engine is not None:
            self._engine.stop()
        self._waker.stop()

    def _run(self) -> None:
        work_when_connected(self._process, self._store, self._work_on)

    def _work_on(self, app: App) -> None:
        process, running = self._process, self._process.running
        process.faces.knows(app.identity)
        self._work = work = SharedWork(
            jobs=jobs_of(process, app.workspace, wake=self._waker.wake),
            scheduler=self._scheduler,
            store=self._store,
            clock=process.clock,
            holder=process.holder,
            lease_s=process.settings.run.lease_s,
            stopping=running.stopping,
            wake=self._waker.wake,
        )
        try:
            work.look_first()
        except Braked as error:
            # nothing is written while it is on; a person can release it
            structlog.get_logger("connector").warning("braked", error=str(error))
        engine = self._started_engine(
            [
                Lane(task=DRAIN, do=work.drain, at_once=process.settings.run.drains_at_once),
                Lane(task=TICK, do=work.tick, at_once=max(1, len(process.jobs)), fetch_every_s=5.0),
            ]
        )
        # asked whether it lives from now on
        self._engine, running.dispatcher = engine, self
        self._waker.wake()
        running.stopping.wait()
        engine.stop()

    def _started_engine(self, lanes: list[Lane]) -> Engine:
        settings = self._process.settings
        engine = Engine(
            settings.database_url,
            lanes,
            connect_arguments=connect_arguments(busy_timeout_s=_BUSY_TIMEOUT_S, timeouts=timeouts_of(settings)),
            lease_s=settings.run.lease_s,
            is_held=self._is_held,
            told=structlog.get_logger("connector").warning,
        )
        engine.start()
        return engine

    def _is_held(self, name: str) -> bool:
        return any(lease.name == name and lease.lasts for lease in self._store.leases.load())

    def _hand_on(self, job: ScheduledJob, due_at: datetime, tx: Any) -> bool:
        return self._store.queue.put(tick_of(job.name, due_at), tx=tx)

    def _job_failed(self, job: ScheduledJob, error: Exception) -> None:
        structlog.get_logger("connector").error("job", job=job.name, outcome="failed", error=str(error))

    def _not_here(self, job: ScheduledJob) -> None:
        raise AssertionError(f"{job.name} is handed on, never done by the clock")

    def _not_woken(self, error: StoreError) -> None:
        structlog.get_logger("connector").warning("not woken", error=str(error))
