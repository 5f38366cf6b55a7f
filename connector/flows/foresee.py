"""What working off the waiting signals would write, looked at only where it could be more than a brake allows.

Planning reads every record that is named, and the pass reads it again. So it is asked first, of our own
store, how many of the signals could lead to a write that counts at all: a customer paying every invoice
names each of them, and nobody has to look at one beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.mapping import Nature
from connector.core.model import LinkState
from connector.flows.plan import plan_signals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.core.brake import Before
    from connector.core.mapping import KindMapping
    from connector.flows.plan import Foresight
    from connector.flows.workspace import Workspace
    from connector.ports import StoredSignal


def foresee(
    workspace: Workspace, *, kinds: Sequence[str], before: Before, whatever_it_is: bool = False
) -> Foresight | None:
    """None where no limit could be passed; `whatever_it_is`: all that is signalled is planned in any case."""
    limits = workspace.limits
    if whatever_it_is:
        return plan_signals(workspace, list(waiting_signals(workspace, kinds)), kinds=kinds)
    most = limits.voids.of(before.links)
    if sum(workspace.store.count_signals().values()) <= most:
        return None
    births_most = limits.first_creates if before.is_first_sync else limits.creates.of(before.links)
    count = _count(workspace, kinds)
    if count.unborn > births_most:
        return plan_signals(workspace, list(waiting_signals(workspace, kinds)), kinds=kinds)
    return plan_signals(workspace, count.linked, kinds=kinds) if len(count.linked) > most else None


def waiting_signals(workspace: Workspace, kinds: Sequence[str]) -> Iterator[StoredSignal]:
    """Those of these kinds, or of all, in the order in which the kinds are worked off."""
    for kind in (kind for kind in workspace.kinds() if not kinds or kind in kinds):
        for page in _pages(workspace, kind):
            yield from page


@dataclass(slots=True, kw_only=True)
class _Count:
    #: signals of who may have to be made: without a link, or without a mate
    unborn: int = 0
    #: those that could lead to a write that counts, of linked records
    linked: list[StoredSignal] = field(default_factory=list)


def _count(workspace: Workspace, kinds: Sequence[str]) -> _Count:
    count = _Count()
    for kind in (kind for kind in workspace.kinds() if not kinds or kind in kinds):
        mapping = workspace.pack.kinds[kind]
        for page in _pages(workspace, kind):
            links = workspace.store.load_links([stored.signal.key for stored in page])
            for stored in page:
                link = links.get(stored.signal.key)
                count.unborn += link is None or link.mate_id is None or link.state is LinkState.CLOSED
                if link is not None and _may_count(mapping, stored):
                    count.linked.append(stored)
    return count


def _pages(workspace: Workspace, kind: str) -> Iterator[Sequence[StoredSignal]]:
    after = 0
    while page := workspace.store.load_signals(shards=None, kinds=[kind], limit=workspace.batch_size, after_seq=after):
        after = max(stored.seq for stored in page)
        yield page


def _may_count(mapping: KindMapping, stored: StoredSignal) -> bool:
    """Not the news of a document from the side that only brings its status home."""
    return mapping.nature is Nature.CATALOGUE or stored.signal.key.side is mapping.born
