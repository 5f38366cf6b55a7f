"""What time alone changes, and no event tells: quotes that expire, hosted links that run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.model import Link, LinkState, Side
from connector.flows.signalling import raise_signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.flows.workspace import Workspace

_PAGE = 1000


def signal_due(workspace: Workspace) -> int:
    """Signals the links whose moment has come; the number of them."""
    keys = [
        link.mate
        for kind in ("quote", "invoice")
        if kind in workspace.kinds()
        for link in _open_links(workspace, kind)
        if link.mate is not None and link.mate.side is Side.STRIPE and _is_due(workspace, link)
    ]
    return raise_signals(workspace, keys, cause="due")


def _is_due(workspace: Workspace, link: Link) -> bool:
    if link.progress.get("status") != "open":
        return False
    now = workspace.clock.now().timestamp()
    expires_at = link.progress.get("expires_at")
    if link.kind == "quote":
        return expires_at is not None and now >= int(expires_at)
    seen_at = link.progress.get("link_seen_at")
    days = int(workspace.pack.kinds["invoice"].options.get("link_refresh_days", 20))
    return seen_at is not None and now - int(seen_at) > days * 86_400


def _open_links(workspace: Workspace, kind: str) -> Iterator[Link]:
    after = ""
    while True:
        links = workspace.store.load_links_in(kind=kind, states=[LinkState.OPEN], limit=_PAGE, after_born_id=after)
        yield from links
        if len(links) < _PAGE:
            return
        after = links[-1].born.id
