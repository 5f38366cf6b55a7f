"""Reads what changed since the cursors and stores it as signals. Nothing is decided here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from connector.core.model import Side
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

    def shard(signal: Signal) -> int:
        return shard_of(signal.key.id, workspace.shards)

    pages = workspace.system(side).changes(cursors, kinds=workspace.kinds(), since=since)
    for page in _gathered(pages):
        # reading again from a given moment must not move a cursor past what was not read yet
        cursors_moved = page.cursors if since is None else ()
        raised += workspace.store.record_signals(page.signals, cursors_moved, shard_of=shard)
        workspace.progress(f"reading {side.value}", raised, 0)
        if workspace.stop():
            break
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
