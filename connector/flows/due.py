"""Signals for what time alone changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.due import TIMED, newest_due_epoch
from connector.flows.signalling import raise_signals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.model import Key
    from connector.flows.workspace import Workspace


def signal_due(workspace: Workspace) -> int:
    """Signals the links whose moment has come; the number of them."""
    keys = [key for kind in TIMED if kind in workspace.kinds() for key in _load_due(workspace, kind)]
    return raise_signals(workspace, keys, cause="due")


def _load_due(workspace: Workspace, kind: str) -> Sequence[Key]:
    newest = newest_due_epoch(kind, options=workspace.pack.kinds[kind].options, now=workspace.clock.now())
    return workspace.store.load_due(kind=kind, newest_epoch=newest)
