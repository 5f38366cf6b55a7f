"""One full pass both ways: read what changed, ask the guard, recover, work it off, parents before children.

A pass ends when no signal it has not seen is left; what it could not do keeps its signal for the
next pass. Each signal is looked at once per pass, so nothing loops.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from connector.core.errors import Hidden, Interrupted
from connector.core.model import CAUSE_PERSON, Side
from connector.flows.adopt import require_adopted
from connector.flows.drain import drain
from connector.flows.due import signal_due
from connector.flows.guard import Guard
from connector.flows.hidden import let_run_again, stop_hidden
from connector.flows.marks import look_for_marks
from connector.flows.parked import signal_released
from connector.flows.poll import poll
from connector.flows.quota import heeded, may_work, require_open
from connector.flows.recover import recover
from connector.flows.report import PassReport
from connector.flows.signalling import raise_signals
from connector.flows.waits import report_waits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from connector.core.model import Key
    from connector.flows.workspace import Workspace

T = TypeVar("T")

#: a signal raised by work on another kind brings one more turn; more than a few is a bug of ours
TURNS_MAX = 20
#: causes of signals that our own work raises
OWN_CAUSES = frozenset({"settle", "parent"})


def run_pass(
    workspace: Workspace,
    *,
    kinds: Sequence[str] = (),
    since: datetime | None = None,
    only: Sequence[Key] = (),
    approved: Collection[str] = (),
) -> PassReport:
    """Brings both systems into step. With `kinds` only these are worked on, with `only` just these keys
    (nothing is polled then). `approved` are keys of a plan that a person approved. Raises Interrupted, carrying
    where, when told to stop; Unadopted when a first pass might make what exists already; Braked when a person has
    to look first; QuotaSpent, naming when it may go on, when a system's calls of the day are used up.
    """
    with heeded(workspace.store, workspace.clock, workspace.retries):
        require_open(workspace)
        guard, report = Guard(workspace, approved=approved), PassReport()
        listed = _read(workspace, report, since=since, only=only)
        seen(workspace, lambda: guard.admit(listed, kinds=kinds, narrowed=bool(only)))
        # behind the guard: a lost store is recovered before anybody asks what it has never seen
        seen(workspace, lambda: require_adopted(workspace))
        gated = replace(workspace, gate=guard.admit_writes)
        # a service may be working beside us: what it sent and waits for is no leftover
        recover(gated, report, urgent=only, under_way=lambda _operations: workspace.store.load_under_way())
        _heed_stop(gated, report, "recovering")
        work_off(gated, report, kinds=[kind for kind in workspace.kinds() if not kinds or kind in kinds], only=only)
        if not kinds and not only and not report.short_of_calls:
            guard.finish()
        return report


def work_off(
    workspace: Workspace,
    report: PassReport,
    *,
    kinds: Sequence[str],
    only: Sequence[Key] = (),
    shards: Sequence[int] | None = None,
    leave_newer: bool = False,
) -> None:
    """Works off what is signalled of these kinds, in these shards or in all, until no signal is left that was not
    looked at. With `leave_newer` what others signal of a kind after its turn has come is left for the next time: they may
    never cease. Raises Interrupted and QuotaSpent like `run_pass`.
    """
    turn = _Turn(
        shards=shards,
        seen=dict.fromkeys(kinds, 0),
        wanted=frozenset(key.id for key in only),
        taken=set() if leave_newer else None,
    )
    for _ in range(TURNS_MAX):
        worked = [_work_off(workspace, kind, turn, report) for kind in kinds]
        if not any(worked):
            if not only:
                report_waits(workspace)
            return
    raise AssertionError(f"signals keep coming after {TURNS_MAX} turns")


@dataclass(slots=True, kw_only=True)
class _Turn:
    """What is worked off, and how far that has come."""

    shards: Sequence[int] | None
    #: kind -> the highest signal looked at
    seen: dict[str, int]
    #: ids of the records that are looked at; empty: all
    wanted: frozenset[str]
    #: kinds of which everything that waited was taken, and only what our own work signals still is; None: all is taken
    taken: set[str] | None


def _read(
    workspace: Workspace, report: PassReport, *, since: datetime | None, only: Sequence[Key]
) -> dict[Side, dict[str, int]]:
    """Raises the signals to work off; the sides that were listed as a whole, records per kind."""
    if only or since is not None:
        seen(workspace, lambda: look_for_marks(workspace))
    if only:
        raise_signals(workspace, only, cause=CAUSE_PERSON)
        return {}
    listed = read_changes(workspace, since=since)
    _heed_stop(workspace, report, "reading")
    return listed


def read_changes(
    workspace: Workspace,
    *,
    since: datetime | None = None,
    sides: Sequence[Side] = tuple(Side),
    kinds: Sequence[str] = (),
) -> dict[Side, dict[str, int]]:
    """Stores as signals what changed, and what time alone changes; the sides that were listed as a whole, records per
    kind. `sides` and `kinds` narrow what is asked.
    """
    let_run_again(workspace)
    polled = seen(workspace, lambda: poll(workspace, since=since, sides=sides, kinds=kinds))
    if workspace.stop():
        return {}
    signal_due(workspace)
    signal_released(workspace)
    return {
        side: {kind: len(found.listed.get(kind, ())) for kind in workspace.kinds()}
        for side, found in polled.items()
        if found.listed is not None
    }


def seen(workspace: Workspace, read: Callable[[], T]) -> T:
    """Reads once more without the kinds whose fields are hidden from us now."""
    while True:
        try:
            return read()
        except Hidden as error:
            stop_hidden(workspace, error)


def _work_off(workspace: Workspace, kind: str, turn: _Turn, report: PassReport) -> bool:
    worked = False
    woken: set[Key] = set()
    while kind not in workspace.stopped_kinds:
        if not may_work(workspace, kind):
            report.short_of_calls.add(kind)
            return worked
        signals = workspace.store.load_signals(
            shards=turn.shards, kinds=[kind], limit=workspace.batch_size, after_seq=turn.seen[kind]
        )
        if turn.taken is not None and kind in turn.taken:
            signals = [stored for stored in signals if stored.signal.cause in OWN_CAUSES]
        elif turn.taken is not None and len(signals) < workspace.batch_size:
            turn.taken.add(kind)
        ours = {stored.signal.key for stored in signals if stored.signal.cause in OWN_CAUSES}
        if not signals or not woken.isdisjoint(ours):
            # what our own work woke a second time waits for the next turn, and turns are counted
            return worked
        woken |= ours
        turn.seen[kind] = max(stored.seq for stored in signals)
        mine = [stored for stored in signals if not turn.wanted or stored.signal.key.id in turn.wanted]
        if mine:
            worked = True
            try:
                drain(workspace, mine, report)
            except Hidden as error:
                stop_hidden(workspace, error)
                return worked
            workspace.progress(kind, report.looked_at, 0)
        _heed_stop(workspace, report, kind)
    return worked


def _heed_stop(workspace: Workspace, report: PassReport, where: str) -> None:
    if workspace.stop():
        report.stopped_at = f"{where}, {report.looked_at} records looked at, {report.writes} writes done"
        raise Interrupted(report.stopped_at)
