"""Waits that will not end by themselves, found at the end of a pass and told to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.model import LinkState
from connector.core.waits import CYCLE, STUCK, Stuck, cycles, findings_of, stuck
from connector.flows.parked import load_waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.model import Key, Link
    from connector.flows.workspace import Workspace


def report_waits(workspace: Workspace) -> None:
    """Makes and clears the findings about circles and waits in vain."""
    store = workspace.store
    told = {(finding.code, finding.subject) for finding in store.load_findings() if finding.code in (CYCLE, STUCK)}
    if not told and not store.load_links_in(states=[LinkState.WAITING], limit=1):
        return
    made = findings_of(*waits_in_vain(workspace))
    over = told - {(finding.code, finding.subject) for finding in made}
    if made or over:
        store.report(made, cleared=sorted(over))


def waits_in_vain(workspace: Workspace) -> tuple[list[tuple[Key, ...]], list[Stuck]]:
    """The circles, and what is waited for in vain."""
    waiting, parents = load_waits(workspace)
    return cycles(waiting, parents), stuck(waiting, parents, workspace.stopped_kinds)


def load_waits(workspace: Workspace) -> tuple[list[Link], dict[Key, Link]]:
    """All links that wait, and the links they wait for, by the key they wait for."""
    waiting = list(load_waiting(workspace.store, workspace.pack.kinds))
    parents: dict[Key, Link] = {}
    asked: set[Key] = set()
    missing: Sequence[Key] = sorted({link.waiting_on for link in waiting if link.waiting_on is not None})
    while missing:
        parents |= workspace.store.load_links(missing)
        asked |= set(missing)
        further = {link.waiting_on for link in parents.values() if link.state is LinkState.WAITING and link.waiting_on}
        missing = sorted(further - asked)
    return waiting, parents
