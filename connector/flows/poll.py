"""Reads what changed since the cursors and stores it as signals. Nothing is decided here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from connector.core.model import CAUSE_GAP, Finding, Severity, Side
from connector.flows.subject import shard_of
from connector.ports import ChangePage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from connector.core.model import Cursor, Signal
    from connector.flows.workspace import Workspace

#: signals stored in one transaction at least, when more are to come
GATHER = 1000


def poll(workspace: Workspace, *, since: datetime | None = None) -> int:
    """Stores the signals of both systems; the number that were new. Each page and its cursor move in one
    transaction, so a death in between reads the page again.
    """
    if not workspace.store.load_cursors(Side.STRIPE):
        # first contact, or a lost store: what carries our mark at Stripe is linked before anything is born
        return sum(_poll_side(workspace, side, since) for side in (Side.STRIPE, Side.SALESFORCE))
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="poll") as pool:
        counts = list(pool.map(lambda side: _poll_side(workspace, side, since), (Side.SALESFORCE, Side.STRIPE)))
    return sum(counts)


def _poll_side(workspace: Workspace, side: Side, since: datetime | None) -> int:
    cursors = workspace.store.load_cursors(side)
    raised = 0
    gap = _gap(workspace)
    told = side is Side.STRIPE and any(finding.code == gap.code for finding in workspace.store.load_findings())

    def shard(signal: Signal) -> int:
        return shard_of(signal.key.id, workspace.shards)

    pages = workspace.system(side).changes(cursors, kinds=workspace.kinds(), since=since)
    for page in _gathered(pages):
        # reading again from a given moment must not move a cursor past what was not read yet
        cursors_moved = page.cursors if since is None else ()
        if any(signal.cause == CAUSE_GAP for signal in page.signals):
            # told before the signals are stored: after a death in between the page is read, and told, again
            workspace.store.report([gap])
            told = False
        raised += workspace.store.record_signals(page.signals, cursors_moved, shard_of=shard)
        workspace.progress(f"reading {side.value}", raised, 0)
        if workspace.stop():
            return raised
    if told:
        # told once: from here on events are read again
        workspace.store.report([], cleared=[(gap.code, gap.subject)])
    return raised


def _gathered(pages: Iterable[ChangePage]) -> Iterator[ChangePage]:
    """Small pages put together, so that a burst of events is one transaction and not a hundred."""
    signals: list[Signal] = []
    cursors: list[Cursor] = []
    for page in pages:
        signals += page.signals
        cursors += page.cursors
        if len(signals) >= GATHER:
            yield ChangePage(signals=tuple(signals), cursors=tuple(cursors))
            signals, cursors = [], []
    if signals or cursors:
        yield ChangePage(signals=tuple(signals), cursors=tuple(cursors))


def _gap(workspace: Workspace) -> Finding:
    """Stripe keeps events 30 days (platform.md C3)."""
    return Finding(
        code="stripe.events_gap",
        subject=workspace.identity.account_id,
        severity=Severity.WARNING,
        observed=f"the events of {workspace.identity.account_id} were not read for a month; Stripe has forgotten some",
        wanted="a pass at least every 29 days",
        why="what exists was looked at again instead, but what was deleted at Stripe meanwhile left no trace",
        remedy="run `connector sync` more often, and look for customers, products and drafts deleted at Stripe",
    )
