"""Parked records that may go on: noticed cheaply, a few at a time, never in a hot loop.

One note holds what was seen last: the mapping's digest, what each system lets us read and write, and
when a parked record is due for a look of its own. A pass in which none of that moved costs one read
of that note. What a look finds is decided by the lifecycles from both records as they are then.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Final

from connector.core.conditions import DESCRIBED, due, group_of, next_look
from connector.core.model import CAUSE_LOOK, CAUSE_RELEASED, LinkState, Side
from connector.flows.signalling import raise_signals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.core.conditions import Group
    from connector.core.model import Link
    from connector.flows.workspace import Workspace
    from connector.ports import Store

_NOTE: Final = "parked.seen"
_PAGE: Final = 1000


def load_parked(store: Store, kinds: Iterable[str]) -> Iterator[Link]:
    """Every parked link of these kinds, page by page."""
    return _load(store, kinds, LinkState.PARKED)


def load_waiting(store: Store, kinds: Iterable[str]) -> Iterator[Link]:
    """Every link of these kinds that waits for its parent, page by page."""
    return _load(store, kinds, LinkState.WAITING)


def _load(store: Store, kinds: Iterable[str], state: LinkState) -> Iterator[Link]:
    for kind in kinds:
        after = ""
        while page := store.load_links_in(kind=kind, states=[state], limit=_PAGE, after_born_id=after):
            yield from page
            if len(page) < _PAGE:
                break
            after = page[-1].born.id


def load_group(store: Store, group: Group) -> list[Link]:
    """The links parked for one cause."""
    return [link for link in load_parked(store, [group.kind]) if group_of(link) == group]


def signal_released(workspace: Workspace) -> int:
    """Signals the parked links whose condition may have turned true; the number of them.

    All of them when the mapping changed, those that hang on what a system lets us do when that changed,
    and those whose look is due.
    """
    now = workspace.clock.now()
    seen = json.loads(workspace.store.load_note(_NOTE) or "{}")
    current = {"pack": workspace.pack.digest, **{side.value: workspace.system(side).shape() for side in Side}}
    changed = {name for name, digest in current.items() if seen.get(name) != digest}
    if not changed and now < datetime.fromisoformat(seen["look_at"]):
        return 0
    links = list(load_parked(workspace.store, workspace.pack.kinds))
    looked_at = due(links, now)
    released = [link for link in links if "pack" in changed or (changed and _is_described(link))]
    raised = raise_signals(workspace, (link.born for link in looked_at), cause=CAUSE_LOOK)
    raised += raise_signals(workspace, (link.born for link in released), cause=CAUSE_RELEASED)
    again = next_look(links, looked_at, now)
    workspace.store.save_note(_NOTE, json.dumps({**current, "look_at": again.isoformat()}, sort_keys=True))
    return raised


def _is_described(link: Link) -> bool:
    return link.condition is not None and link.condition.type in DESCRIBED
