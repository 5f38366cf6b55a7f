"""Reads what changed since the cursors and stores it as signals. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.model import CAUSE_GAP, Finding, Severity, Side
from connector.flows.marks import compare_marks
from connector.flows.subject import shard_of
from connector.ports import ChangePage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from connector.core.model import Signal
    from connector.flows.workspace import Workspace

#: signals stored in one transaction at least, when more are to come
GATHER = 1000


@dataclass(slots=True, kw_only=True)
class Polled:
    """What a poll read, beside what it stored."""

    #: signals that were new
    raised: int = 0
    #: per kind, the records of a side that was listed as a whole; None for one that told what changed
    listed: dict[str, set[str]] | None = None


def poll(
    workspace: Workspace,
    *,
    since: datetime | None = None,
    sides: Sequence[Side] = tuple(Side),
    kinds: Sequence[str] = (),
) -> dict[Side, Polled]:
    """Stores the signals of these systems, of these kinds (none named: all). Each page and its cursor move in one transaction, so a death in
    between reads the page again; marks that the store does not know trip a brake before that.
    """
    if not workspace.store.load_cursors(Side.STRIPE):
        # first contact, or a lost store: what carries our mark at Stripe is linked before anything is born
        return {side: _poll_side(workspace, side, since, kinds=()) for side in (Side.STRIPE, Side.SALESFORCE)}
    with workspace.workers.pool(size=2, name="poll") as pool:
        polled = pool.map(lambda side: _poll_side(workspace, side, since, kinds=kinds), sides)
        return dict(zip(sides, polled, strict=True))


def _poll_side(workspace: Workspace, side: Side, since: datetime | None, *, kinds: Sequence[str]) -> Polled:
    cursors = workspace.store.load_cursors(side)
    polled = Polled()
    gap = _gap(workspace)
    told = side is Side.STRIPE and any(finding.code == gap.code for finding in workspace.store.load_findings())

    def shard(signal: Signal) -> int:
        return shard_of(signal.key.id, workspace.shards)

    asked = [kind for kind in workspace.kinds() if not kinds or kind in kinds]
    pages = workspace.system(side).changes(cursors, kinds=asked, since=since)
    for page in _gathered(pages):
        # reading again from a given moment must not move a cursor past what was not read yet
        cursors_moved = page.cursors if since is None else ()
        if any(signal.cause == CAUSE_GAP for signal in page.signals):
            # told before the signals are stored: after a death in between the page is read, and told, again
            workspace.store.report([gap])
            told = False
        compare_marks(workspace, page.marks)
        polled.raised += workspace.store.record_signals(page.signals, cursors_moved, shard_of=shard)
        if page.is_full:
            polled.listed = polled.listed or {}
            for signal in page.signals:
                polled.listed.setdefault(signal.key.kind, set()).add(signal.key.id)
        workspace.progress(f"reading {side.value}", polled.raised, 0)
        if workspace.stop():
            return polled
    if told:
        # told once: from here on events are read again
        workspace.store.report([], cleared=[(gap.code, gap.subject)])
    return polled


def _gathered(pages: Iterable[ChangePage]) -> Iterator[ChangePage]:
    """Small pages put together, so that a burst of events is one transaction and not a hundred."""
    gathered: list[ChangePage] = []
    for page in pages:
        gathered.append(page)
        if sum(len(each.signals) for each in gathered) >= GATHER:
            yield _joined(gathered)
            gathered = []
    if any(page.signals or page.cursors or page.marks for page in gathered):
        yield _joined(gathered)


def _joined(pages: Sequence[ChangePage]) -> ChangePage:
    return ChangePage(
        signals=tuple(signal for page in pages for signal in page.signals),
        cursors=tuple(cursor for page in pages for cursor in page.cursors),
        marks=tuple(mark for page in pages for mark in page.marks),
        is_full=any(page.is_full for page in pages),
    )


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
