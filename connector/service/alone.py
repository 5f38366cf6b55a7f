"""One process is the whole service: its clock does what is due, a thread of its own drains each shard (embedded)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from connector.core.errors import Braked
from connector.runtime.dispatch.embedded import ShardWorkers
from connector.runtime.scheduler import Scheduler
from connector.service.connecting import work_when_connected
from connector.service.jobs import jobs_of

if TYPE_CHECKING:
    from connector.app import App
    from connector.runtime.metrics import Metrics
    from connector.service.process import Process
    from connector.store import SqlStore


class Alone:
    """`store` is the one whose writes need the service's lease."""

    def __init__(self, process: Process, store: SqlStore) -> None:
        self._process = process
        self._store = store
        self._thread = threading.Thread(target=self._run, name="work", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        dispatcher = self._process.running.dispatcher
        return self._thread.is_alive() and (dispatcher is None or dispatcher.is_alive())

    def collect(self, metrics: Metrics) -> None:
        """It has no queue."""

    def stop(self, within_s: float) -> bool:
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        work_when_connected(self._process, self._store, self._work)

    def _work(self, app: App) -> None:
        log = structlog.get_logger("connector")
        process, running = self._process, self._process.running
        process.faces.knows(app.identity)
        work = jobs_of(process, app.workspace, wake=process.faces.wake)
        workers = ShardWorkers(
            shards_of(process.settings.shards, self._store),
            drain=work.drain,
            busy=self._store.load_busy_shards,
            # told already, by the line of the drain itself
            failed=lambda _shard, _error: None,
            lost=lambda: running.lose("another process took this database over"),
            clock=process.clock,
        )
        try:
            work.begin()
        except Braked as error:
            # nothing is written while it is on; webhooks are taken in, and a person can release it
            log.warning("braked", error=str(error))
        scheduler = Scheduler(
            process.jobs,
            memory=self._store.schedule,
            clock=process.clock,
            holder=process.holder,
            do=work.do,
            failed=lambda job, error: log.error("job", job=job.name, outcome="failed", error=str(error)),
        )
        process.faces.woken_by(workers.wake)
        workers.start()
        # asked whether they live from now on
        running.dispatcher = workers
        scheduler.start()
        running.stopping.wait()
        scheduler.stop()
        workers.stop()


def shards_of(number: int, store: SqlStore) -> list[int]:
    """Those there are, and those of before there were fewer: what is in them comes home when it is looked at."""
    return sorted({*range(number), *store.load_used_shards()})
