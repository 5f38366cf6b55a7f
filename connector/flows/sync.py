"""One full pass both ways: recover, read what changed, work it off, parents before children.

A pass ends when no signal it has not seen is left; what it could not do keeps its signal for the
next pass. Each signal is looked at once per pass, so nothing loops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.errors import Interrupted
from connector.core.model import Signal
from connector.flows.drain import drain
from connector.flows.due import signal_due
from connector.flows.poll import poll
from connector.flows.recover import recover
from connector.flows.report import PassReport
from connector.flows.subject import shard_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connector.core.model import Key
    from connector.flows.workspace import Workspace

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
) -> PassReport:
    """Brings both systems into step. With `kinds` only these are worked on, with `only` just these keys
    (nothing is polled then). Raises Interrupted, carrying where, when told to stop.
    """
    report = PassReport()
    recover(workspace, report)
    _heed_stop(workspace, report, "recovering")
    if only:
        raise_signals(workspace, only)
    else:
        poll(workspace, since=since)
        _heed_stop(workspace, report, "reading")
        signal_due(workspace)
    chosen = [kind for kind in workspace.kinds() if not kinds or kind in kinds]
    seen = dict.fromkeys(chosen, 0)
    for _ in range(TURNS_MAX):
        worked = [_work_off(workspace, kind, seen, only, report) for kind in chosen]
        if not any(worked):
            return report
    raise AssertionError(f"signals keep coming after {TURNS_MAX} turns")


def raise_signals(workspace: Workspace, keys: Sequence[Key], cause: str = "person") -> None:
    """Somebody asked to look at these keys."""
    signals = [Signal(key=key, cause=cause) for key in keys]
    workspace.store.record_signals(signals, [], shard_of=lambda signal: shard_of(signal.key.id, workspace.shards))


def _work_off(workspace: Workspace, kind: str, seen: dict[str, int], only: Sequence[Key], report: PassReport) -> bool:
    worked = False
    wanted = {key.id for key in only}
    woken: set[Key] = set()
    while True:
        signals = workspace.store.load_signals(
            shards=None, kinds=[kind], limit=workspace.batch_size, after_seq=seen[kind]
        )
        ours = {stored.signal.key for stored in signals if stored.signal.cause in OWN_CAUSES}
        if not signals or not woken.isdisjoint(ours):
            # what our own work woke a second time waits for the next turn, and turns are counted
            return worked
        woken |= ours
        seen[kind] = max(stored.seq for stored in signals)
        mine = [stored for stored in signals if not only or stored.signal.key.id in wanted]
        if mine:
            worked = True
            report.looked_at += len(mine)
            drain(workspace, mine, report)
            workspace.progress(kind, report.looked_at, 0)
        _heed_stop(workspace, report, kind)


def _heed_stop(workspace: Workspace, report: PassReport, where: str) -> None:
    if workspace.stop():
        report.stopped_at = f"{where}, {report.looked_at} records looked at, {report.writes} writes done"
        raise Interrupted(report.stopped_at)
