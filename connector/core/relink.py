"""Which copy belongs to which record, by the marks both carry, when the memory of it is lost. Pure.

Our mark at Stripe is written with the copy's birth and outranks a marker in Salesforce, which people can type.
What both sides agree on now is the shadow again; what differs was never agreed, so that the rule of the
first sight decides it: its owner wins, and amounts wait for a person (core/diff.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from connector.core.model import Link, LinkState, Neutral

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What is kept of a record on the other side of its birthplace while everything is listed."""

    id: str
    #: the birthplace id our mark names; None without a mark of ours
    names: str | None
    values: Mapping[str, Neutral] = field(default_factory=dict)
    #: what a link remembers of it: status, currency
    progress: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return self.progress.get("status") in ("void", "canceled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The copy of one record, and what else carries its mark."""

    copy: Copy | None
    #: ended copies with the same mark: earlier mates
    earlier: tuple[str, ...] = ()
    #: living copies with the same mark, which nobody may take for the mate
    doubles: tuple[str, ...] = ()


def choose(marked: Sequence[Copy], named: Copy | None, *, marker: str | None) -> Choice:
    """`marked` carry the record's mark, newest first; `named` is what its marker names, if that exists.

    Of several, the one the marker names; else the oldest that lives, which was made first.
    """
    mine = next((copy for copy in marked if copy.id == marker), None)
    if mine is None and named is not None and named.names is None:
        mine = named
    living = [copy for copy in marked if not copy.is_over]
    if mine is None and marked:
        mine = living[-1] if living else marked[0]
    others = [copy for copy in marked if copy is not mine]
    return Choice(
        copy=mine,
        earlier=tuple(copy.id for copy in reversed(others) if copy.is_over),
        doubles=tuple(copy.id for copy in others if not copy.is_over),
    )


def relinked(link: Link, choice: Choice, values: Mapping[str, Neutral] | None) -> Link:
    """The link with this mate. `values` are the Salesforce record's; None when it could not be read."""
    copy = choice.copy
    assert copy is not None
    same = link.mate_id == copy.id
    before = () if same or link.mate_id is None else (link.mate_id,)
    earlier = dict.fromkeys((*link.earlier_mates, *before, *choice.earlier))
    earlier.pop(copy.id, None)
    if same and link.state is LinkState.CLOSED:
        return replace(link, earlier_mates=tuple(earlier))
    return replace(
        link,
        mate_id=copy.id,
        earlier_mates=tuple(earlier),
        shadow=_agreed(link, values, copy.values),
        state=LinkState.OPEN,
        reason=None,
        reason_code=None,
        waiting_on=None,
        condition=None,
        parked_at=None,
        backoff=None,
        versions={},
        progress={**link.progress, **copy.progress},
    )


def _agreed(
    link: Link, salesforce: Mapping[str, Neutral] | None, stripe: Mapping[str, Neutral]
) -> dict[str, tuple[Neutral, Neutral]]:
    """What is equal now, and what differs exactly as it was once settled: the other side normalises."""
    if salesforce is None:
        return {}
    pairs = {name: (value, stripe[name]) for name, value in salesforce.items() if name in stripe}
    return {name: pair for name, pair in pairs.items() if pair[0] == pair[1] or link.shadow.get(name) == pair}


def differing(salesforce: Mapping[str, Neutral], stripe: Mapping[str, Neutral], names: Iterable[str]) -> list[str]:
    """The compared fields that both sides hold and read differently."""
    return [name for name in names if name in salesforce and name in stripe and salesforce[name] != stripe[name]]
