"""Who waits for whom, followed to its end: circles, and waits that nothing we do can end.

Pure. A wait that merely takes time (its parent is open, or being made) is none of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.model import Finding, Key, Link, LinkState, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CYCLE: Final = "waiting.cycle"
STUCK: Final = "waiting.stuck"
#: keys named in a finding; the rest is counted
_NAMED_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """A record that others wait for, and that will not come about by itself."""

    root: Key
    why: str
    #: what waits, directly or behind others, each with its chain down to the root
    chains: tuple[tuple[Key, ...], ...]


def chain_of(link: Link, parents: Mapping[Key, Link]) -> tuple[tuple[Key, ...], Link | None]:
    """The keys from this link to what it waits for in the end, and the link there (None: it has none).

    `parents` holds links by each key somebody waits for. A circle ends with the key it began with.
    """
    keys = [link.born]
    here: Link | None = link
    while here is not None and here.state is LinkState.WAITING and here.waiting_on is not None:
        following = parents.get(here.waiting_on)
        key = here.waiting_on if following is None else following.born
        if key in keys:
            return (*keys[keys.index(key) :], key), following
        keys.append(key)
        here = following
    return tuple(keys), here


def cycles(waiting: Sequence[Link], parents: Mapping[Key, Link]) -> list[tuple[Key, ...]]:
    """Each circle once, beginning with its smallest key."""
    found: dict[frozenset[Key], tuple[Key, ...]] = {}
    for link in waiting:
        keys, _ = chain_of(link, parents)
        if len(keys) > 1 and keys[0] == keys[-1]:
            members = keys[:-1]
            start = members.index(min(members))
            found[frozenset(members)] = (*members[start:], *members[:start])
    return sorted(found.values())


def stuck(waiting: Sequence[Link], parents: Mapping[Key, Link], stopped: Mapping[str, str]) -> list[Stuck]:
    """What is waited for in vain, by the record at the end of the chain; `stopped` are kinds that must not run."""
    chains: dict[Key, list[tuple[Key, ...]]] = {}
    reasons: dict[Key, str] = {}
    for link in waiting:
        keys, end = chain_of(link, parents)
        if keys[0] == keys[-1]:
            continue
        why = _why(keys[-1], end, stopped)
        if why is not None:
            reasons[keys[-1]] = why
            chains.setdefault(keys[-1], []).append(keys)
    return [Stuck(root=root, why=reasons[root], chains=tuple(chains[root])) for root in sorted(chains)]


def _why(key: Key, link: Link | None, stopped: Mapping[str, str]) -> str | None:
    if key.kind in stopped:
        return f"{key.kind} must not run: {stopped[key.kind]}"
    if link is None:
        return "it is not mirrored"
    if link.state is LinkState.PARKED:
        return f"it is parked: {link.reason}"
    if link.state is LinkState.CLOSED:
        return f"it is closed: {link.reason or 'nobody follows it any more'}"
    return None


def findings_of(circles: Sequence[tuple[Key, ...]], waits: Sequence[Stuck]) -> list[Finding]:
    return [*(_cycle(members) for members in circles), *(_stuck(wait) for wait in waits)]


def _cycle(members: Sequence[Key]) -> Finding:
    named = " → ".join(str(key) for key in (*members, members[0]))
    return Finding(
        code=CYCLE,
        subject=members[0].id,
        severity=Severity.ERROR,
        observed=f"these wait for each other: {named}",
        wanted="no record waits for one that waits for it",
        why="none of them will ever be written",
        remedy="take one of the references out, then `connector parked retry` it",
        count=len(members),
    )


def _stuck(wait: Stuck) -> Finding:
    longest = max(wait.chains, key=len)
    named = ", ".join(str(keys[0]) for keys in wait.chains[:_NAMED_MAX])
    more = len(wait.chains) - _NAMED_MAX
    return Finding(
        code=STUCK,
        subject=wait.root.id,
        severity=Severity.WARNING,
        observed=f"{wait.root} is waited for, and {wait.why}; waiting: {named}"
        + (f" and {more} more" if more > 0 else "")
        + (f"; the longest chain: {' → '.join(map(str, longest))}" if len(longest) > 2 else ""),
        wanted="what others need is mirrored",
        why="nothing that waits for it is written until it is",
        remedy=f"`connector show {wait.root.id}` says what stands in its way",
        count=len(wait.chains),
    )
