"""Signals that we raise ourselves: 'look at these', stored like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.model import Signal
from connector.flows.subject import shard_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.core.model import Key
    from connector.flows.workspace import Workspace


def raise_signals(workspace: Workspace, keys: Iterable[Key], *, cause: str) -> int:
    """Asks for a look at these keys; how many were new."""
    signals = [Signal(key=key, cause=cause) for key in keys]
    if not signals:
        return 0
    return workspace.store.record_signals(
        signals, [], shard_of=lambda signal: shard_of(signal.key.id, workspace.shards)
    )
