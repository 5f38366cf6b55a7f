"""A pass in pieces, as a service works: reading on its own, each shard on its own, and one guard for all.

`sync.run_pass` is the same work in one piece. The guard's totals are the last hour's and stand in the store, so that
many small passes, of many processes and over restarts, are judged like one large one.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from connector.core.errors import LeaseLost, Superseded
from connector.core.model import Side
from connector.flows.adopt import require_adopted
from connector.flows.guard import Guard
from connector.flows.quota import heeded, remember, require_open
from connector.flows.recover import recover
from connector.flows.report import PassReport
from connector.flows.sync import read_changes, seen, work_off
from connector.flows.tally import WINDOW, HourTally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.core.model import Key, Operation
    from connector.core.view import Act, Park
    from connector.flows.subject import Subject
    from connector.flows.workspace import Workspace

#: so often in a row a pair may have been moved on by another shard; more is a bug of ours
_CONTENDED_MAX: Final = 5
#: a call, its repetitions included, has ended by then, one way or the other
_SENT_IS_DEAD_AFTER: Final = timedelta(minutes=10)


class Window:
    """The guard of the present hour, shared by all shards of a process; what it counts, by all processes."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._turn = threading.Lock()
        self._tally = HourTally(workspace.store.brakes, now=workspace.clock.now)
        self._guard = Guard(workspace, tally=self._tally)
        self._began_s = workspace.clock.monotonic_s()
        self._is_past_first = False
        #: nothing is worked off before the systems were looked at once without an objection
        self.is_open = False
        #: trace ids of the drains of this process that have not ended, well or badly
        self._at_work: set[str] = set()

    @property
    def at_work(self) -> frozenset[str]:
        return frozenset(self._at_work)

    @contextmanager
    def working(self, trace_id: str) -> Iterator[None]:
        """What this unit of work sends may be under way until it is left, and is not afterwards."""
        self._at_work.add(trace_id)
        try:
            yield
        finally:
            self._at_work.discard(trace_id)

    def admit(self, listed: Mapping[Side, Mapping[str, int]]) -> None:
        """After reading, before anybody is woken. Raises Braked."""
        with self._turn:
            self._begin_anew()
            self._guard.admit(listed, kinds=(), narrowed=False)

    def admit_writes(self, acts: Sequence[tuple[Subject, Act]]) -> dict[Key, Park]:
        """Before a batch is written, by whichever shard. Raises Braked."""
        with self._turn:
            self._begin_anew()
            return self._guard.admit_writes(acts)

    def come_to_rest(self) -> None:
        """All that was read has been worked off: the first sync has come to its end, and from now on the limits are
        those of every day.
        """
        with self._turn:
            if not self._is_past_first:
                self._guard.finish()
                self._guard = Guard(self._workspace, tally=self._tally)
                self._is_past_first = True

    def _begin_anew(self) -> None:
        """What there was before counts from a moment of the last hour: a process may only write, and never read."""
        if self._workspace.clock.monotonic_s() - self._began_s >= WINDOW.total_seconds():
            self._guard = Guard(self._workspace, tally=self._tally)
            self._began_s = self._workspace.clock.monotonic_s()


def begin(workspace: Workspace, window: Window) -> PassReport:
    """Before any shard works, by who works alone: looks at the systems, so that a restored store is known for one before
    its first write, and ends what a process that is gone left unfinished. Raises Braked while a brake is on. Who shares
    the work only reads: each shard's drain ends what is in doubt there.
    """
    report = PassReport()
    read(workspace, window)
    with heeded(workspace.store, workspace.clock, workspace.retries):
        recover(replace(workspace, gate=window.admit_writes), report)
    return report


def read(
    workspace: Workspace, window: Window, *, sides: Sequence[Side] = tuple(Side), kinds: Sequence[str] = ()
) -> int:
    """Asks what changed and stores it as signals; the number of signals that wait. Raises Braked."""
    with heeded(workspace.store, workspace.clock, workspace.retries):
        require_open(workspace)
        if window.is_open and not any(workspace.store.count_signals().values()):
            window.come_to_rest()
        listed = read_changes(workspace, sides=sides, kinds=kinds)
        seen(workspace, lambda: window.admit(listed))
        seen(workspace, lambda: require_adopted(workspace))
    remember(workspace)
    window.is_open = True
    return sum(workspace.store.count_signals().values())


def drain_shard(
    workspace: Workspace, window: Window, shard: int, *, paused: Sequence[str] = (), trace_id: str = ""
) -> PassReport:
    """Ends what is in doubt in this shard, then works off what is signalled. One worker at a time per shard;
    `trace_id` is what the workspace's store writes down with each intent.
    """
    report = PassReport()
    if not window.is_open:
        return report
    gated = replace(workspace, gate=window.admit_writes)
    dead_before = workspace.clock.now() - _SENT_IS_DEAD_AFTER

    def under_way(operations: Sequence[Operation]) -> set[int | None]:
        """Another shard may be writing a parent of its own that is ours."""
        lasting = workspace.store.load_under_way(window.at_work)
        return {
            each.id
            for each in operations
            if each.id in lasting and (each.first_sent_at is None or each.first_sent_at > dead_before)
        }

    with window.working(trace_id), heeded(workspace.store, workspace.clock, workspace.retries):
        require_open(workspace)
        recover(gated, report, under_way=under_way, among=lambda _operation, link: link.shard == shard)
        kinds = [kind for kind in workspace.kinds() if kind not in paused]
        _work_off_beside_others(gated, report, kinds, shard)
    return report


def _work_off_beside_others(workspace: Workspace, report: PassReport, kinds: Sequence[str], shard: int) -> None:
    """Two shards may need the same parent at the same moment. The one that comes second stores no intent, its signals
    are all still there, and it looks again: that is no failure, unless it never ends.
    """
    for looks_left in reversed(range(_CONTENDED_MAX)):
        try:
            work_off(workspace, report, kinds=kinds, shards=(shard,), leave_newer=True)
        except Superseded:
            # the whole shard is another worker's now
            raise
        except LeaseLost:
            if not looks_left:
                raise
        else:
            return
