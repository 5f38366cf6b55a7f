"""What a person does about parked records: look again now, or leave them out of it.

Looking again reads both systems and decides anew; a stored payload is never sent again. Discarding
closes the pair and remembers what the record says, so that it stays out until it changes at its
birthplace; what exists at the other side is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.conditions import group_of
from connector.core.discarded import content_digest, discarded
from connector.core.errors import Problem, UsageError
from connector.core.model import Key, LinkState
from connector.flows.parked import load_parked, load_waiting
from connector.flows.plan import make_plan
from connector.flows.sync import run_pass
from connector.ports import Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.core.model import Link
    from connector.core.plan import Plan
    from connector.flows.report import PassReport
    from connector.flows.workspace import Workspace

#: records read at once, to see what they say
_READ: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Who decided, and why; goes into the audit trail word by word."""

    by: str
    reason: str


def choose(workspace: Workspace, keys: Iterable[Key], groups: Iterable[str]) -> list[Link]:
    """The parked links of these keys and groups (their ids). Raises UsageError for a key that is not parked,
    and for a group that does not exist: what a person meant is not there any more.
    """
    chosen: dict[Key, Link] = {}
    problems = []
    wanted = list(keys)
    found = workspace.store.load_links(wanted)
    known = {link.born: link for link in found.values()}
    for key in wanted:
        link = found.get(key)
        if link is not None and link.state is LinkState.PARKED:
            chosen[link.born] = link
        elif not any(item.state is LinkState.PARKED for item in known.values()):
            state = "not mirrored" if link is None else link.state.value
            problems.append(_not_parked(str(key), f"it is {state}, not parked"))
    parked = list(load_parked(workspace.store, workspace.pack.kinds)) if groups else []
    for group in groups:
        members = [link for link in parked if group_of(link).id == group]
        if not members:
            problems.append(_not_parked(f"group {group}", "nothing is parked for it"))
        chosen |= {link.born: link for link in members}
    if problems:
        raise UsageError(problems)
    return list(chosen.values())


def _not_parked(where: str, observed: str) -> Problem:
    return Problem(where=where, observed=observed, remedy="`connector parked list` shows what is parked")


def preview(workspace: Workspace, links: Sequence[Link]) -> Plan:
    """What looking again would write, as both systems are now."""
    return make_plan(workspace, only=[link.born for link in links])


def retry(workspace: Workspace, links: Sequence[Link], said: Said) -> PassReport:
    """Looks at these now and writes what is left to do for them."""
    event = f"parked retry by {said.by}: {said.reason}"
    workspace.store.settle([Settlement(link=link, event=event, cause=f"person {said.by}") for link in links])
    return run_pass(workspace, only=[link.born for link in links])


def discard(workspace: Workspace, links: Sequence[Link], said: Said) -> list[Link]:
    """Closes these pairs; those that are closed now. One that somebody works on meanwhile raises LeaseLost."""
    reason = f"discarded by {said.by}: {said.reason}"
    closed: list[Link] = []
    for kind in dict.fromkeys(link.kind for link in links):
        of_kind = [link for link in links if link.kind == kind]
        for start in range(0, len(of_kind), _READ):
            chunk = of_kind[start : start + _READ]
            mapping = workspace.pack.kinds[kind]
            records = workspace.system(mapping.born).fetch(kind, [link.born.id for link in chunk])
            ended = [discarded(link, content_digest(mapping, records.get(link.born.id)), reason) for link in chunk]
            cause = f"person {said.by}"
            workspace.store.settle([Settlement(link=link, event=f"parked {reason}", cause=cause) for link in ended])
            closed += ended
    return closed


def waiting_for(workspace: Workspace, links: Sequence[Link]) -> list[Link]:
    """The links that wait for one of these."""
    keys = {key for link in links for key in (link.born, link.mate) if key is not None}
    return [link for link in load_waiting(workspace.store, workspace.pack.kinds) if link.waiting_on in keys]
