"""What a moment of the schedule does, and what a shard does when it is woken. The flows do the work."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from connector.core.errors import Interrupted
from connector.core.schedule import Work, paused_kinds
from connector.flows.quota import sides_to_ask
from connector.flows.service import Window, begin, drain_shard, read
from connector.flows.sweep.run import certify, look
from connector.runtime.telemetry import IDLE, recorded_unit, unit_of_work
from connector.service.verifying import verify_once

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, MutableMapping
    from typing import Any

    from connector.core.schedule import ScheduledJob
    from connector.flows.workspace import Workspace
    from connector.ports import Store
    from connector.service.counting import Counting
    from connector.service.process import Process

#: how long a sweep waits for what it signalled to be looked at, before it says what remains
_SWEEP_PATIENCE_S: Final = 900
#: looks in a row at signals of which nothing comes: another shard is at what they wait for, or it is in doubt
_FRUITLESS_MAX: Final = 3
_TICKS_KEPT: Final = timedelta(days=7)
_PACE_KEPT: Final = timedelta(days=7)


class Jobs:
    """One process's work on one pair of systems. `wake` is called when there is something new to look at;
    `require_room` raises while so much waits that nothing more is read. Each unit of work has a trace id of its own,
    by which what it logs and what it stores are found.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        keep_events: timedelta,
        counting: Counting,
        verify: Callable[[], object],
        wake: Callable[[], None],
        require_room: Callable[[], None],
        stopping: threading.Event,
    ) -> None:
        self._workspace = workspace
        self._keep_events = keep_events
        self._counting = counting
        self._verify = verify
        self._wake = wake
        self._require_room = require_room
        self._stopping = stopping
        self._window = Window(workspace)
        #: shard -> drains in a row that changed nothing
        self._fruitless: Counter[int] = Counter()

    def begin(self) -> None:
        """Once, before anything is written. Raises what stops it; Braked is no reason not to serve."""
        trace_id = self._workspace.new_trace_id()
        with unit_of_work("begin", clock=self._workspace.clock, trace_id=trace_id) as facts:
            facts.update(begin(self._workspace.traced(trace_id), self._window).facts())

    def look(self) -> None:
        """Instead of `begin`, by who shares the work: each shard's drain ends what is in doubt there. Raises what
        stops it.
        """
        trace_id = self._workspace.new_trace_id()
        with unit_of_work("look", clock=self._workspace.clock, trace_id=trace_id) as facts:
            facts["signals"] = read(self._workspace.traced(trace_id), self._window)

    @property
    def may_write(self) -> bool:
        """Whether the systems were looked at once without an objection."""
        return self._window.is_open

    def under(self, store: Store, *, stop: Callable[[], bool]) -> Jobs:
        """The same work with what is written going through this store, until `stop` says so."""
        same = copy.copy(self)
        same._workspace = replace(self._workspace, store=store, stop=stop)  # noqa: SLF001 -- a copy of our own
        return same

    def do(self, job: ScheduledJob) -> None:
        """One moment of this job; raises what stopped it."""
        trace_id = self._workspace.new_trace_id()
        workspace = self._workspace.traced(trace_id)
        if job.work is Work.POLL:
            # too many to be kept as runs; each that ended is a tick
            with unit_of_work(job.name, clock=workspace.clock, trace_id=trace_id, work=job.work.value) as facts:
                if self._window.is_open:
                    # before it is, nothing is worked off, and only reading opens it
                    self._require_room()
                sides = sides_to_ask(workspace, job)
                if not sides:
                    # the day's calls run short, and this moment is one of those left out
                    facts["left_out"] = True
                    return
                facts["signals"] = read(workspace, self._window, sides=sides, kinds=job.kinds)
                self._wake()
            return
        with recorded_unit(
            job.name, store=workspace.store, clock=workspace.clock, trace_id=trace_id, work=job.work.value
        ) as facts:
            if job.work is Work.SWEEP:
                self._sweep(workspace, facts)
            elif job.work is Work.VERIFY:
                self._verify()
            else:
                self._purge(facts)

    def drain(self, shard: int) -> bool:
        """Works one shard off; whether it is worth looking again at once. What waits for somebody else is looked at a
        few times in a row, and then as often as anything.
        """
        trace_id = self._workspace.new_trace_id()
        workspace = self._workspace.traced(trace_id)
        with unit_of_work("drain", clock=workspace.clock, trace_id=trace_id, shard=shard) as facts:
            paused = paused_kinds(tuple(workspace.kinds()), workspace.store.schedule.load_pauses())
            started_s = workspace.clock.monotonic_s()
            report = drain_shard(workspace, self._window, shard, paused=tuple(paused), trace_id=trace_id)
            if not report.looked_at and not report.recovered:
                facts[IDLE] = True
                self._fruitless[shard] = 0
                return False
            self._counting.drained(report, took_s=workspace.clock.monotonic_s() - started_s)
            facts.update(report.facts())
        self._fruitless[shard] = 0 if report.writes or report.recovered else self._fruitless[shard] + 1
        return self._fruitless[shard] < _FRUITLESS_MAX

    def _sweep(self, workspace: Workspace, facts: MutableMapping[str, Any]) -> None:
        found = look(workspace)
        facts["signalled"] = found.signalled
        if found.signalled:
            self._wake()
            until_s = workspace.clock.monotonic_s() + _SWEEP_PATIENCE_S
            while any(workspace.store.count_signals().values()) and workspace.clock.monotonic_s() < until_s:
                if self._stopping.wait(1) or workspace.stop():
                    raise Interrupted("the sweep waited for what it had found to be looked at")
        number, certificate = certify(workspace, found)
        facts.update(certificate=number, complete=certificate.is_complete)

    def _purge(self, facts: MutableMapping[str, Any]) -> None:
        store, now = self._workspace.store, self._workspace.clock.now()
        facts["events"] = store.events.purge(now - self._keep_events)
        facts["ticks"] = store.schedule.purge(now - _TICKS_KEPT)
        facts["paces"] = store.pace.purge(now - _PACE_KEPT)


def jobs_of(process: Process, workspace: Workspace, *, wake: Callable[[], None]) -> Jobs:
    """The work of a process, now that both systems are reached."""
    settings = process.settings
    return Jobs(
        workspace,
        keep_events=timedelta(days=settings.run.keep_events_days),
        counting=process.counting,
        verify=lambda: verify_once(settings, process.clock),
        wake=wake,
        require_room=process.faces.backlog.require_room,
        stopping=process.running.stopping,
    )
