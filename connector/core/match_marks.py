"""Pairs by our own marks: what names its mate needs no comparison."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.pair import Pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.pair import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    matches: tuple[Pair, ...]
    contradicting: tuple[Pair, ...]
    #: they name a mate that is not there
    dangling: tuple[Candidate, ...]
    #: ids of both sides that a mark speaks of
    taken: frozenset[str]


def by_marks(salesforce: Sequence[Candidate], stripe: Sequence[Candidate]) -> Marked:
    """Pairs by what we wrote ourselves. A mark that names nobody, or two marks that differ, leave no certainty."""
    here, there = {each.id: each for each in salesforce}, {each.id: each for each in stripe}
    edges = {(each.id, each.mark) for each in salesforce if each.mark in there}
    edges |= {(each.mark, each.id) for each in stripe if each.mark in here}
    lost = [each for each in salesforce if each.mark is not None and each.mark not in there]
    lost += [each for each in stripe if each.mark is not None and each.mark not in here]
    count = Counter(record_id for edge in edges for record_id in edge)
    unsure = {each.id for each in lost}
    matches, contradicting = [], []
    for one_id, other_id in sorted(edges):
        one, other = here[one_id], there[other_id]
        if max(count[one_id], count[other_id]) == 1 and unsure.isdisjoint((one_id, other_id)):
            both = one.mark is not None and other.mark is not None
            words = "each names the other" if both else "one names the other"
            matches.append(Pair(salesforce=one, stripe=other, reasons=(f"our mark: {words}",)))
        else:
            doubts = ("the marks contradict each other",)
            contradicting.append(Pair(salesforce=one, stripe=other, reasons=("our mark",), doubts=doubts, score=99))
    return Marked(
        matches=tuple(matches),
        contradicting=tuple(contradicting),
        # who is told of as a candidate is not told of again
        dangling=tuple(each for each in lost if each.id not in count),
        taken=frozenset(count) | {name for each in lost for name in (each.id, each.mark) if name is not None},
    )
