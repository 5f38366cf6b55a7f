"""Which record of one system is which record of the other, when both held them before they were joined.

Order: our marks, then the exact reference with amount and currency, then suggestions. Only the first two
are certain, and only when nothing else could be meant: two candidates either way are a person's matter.
Pure and symmetric: neither side nor the order of the records decides anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.match_marks import by_marks
from connector.core.match_values import Search

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.core.mapping import AdoptRule
    from connector.core.pair import Candidate, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    #: certain, one to one
    matches: tuple[Pair, ...] = ()
    #: neither record has another candidate
    suggestions: tuple[Pair, ...] = ()
    #: one of the two has another candidate
    ambiguous: tuple[Pair, ...] = ()
    #: nothing on the other side could be meant
    unmatched: tuple[Candidate, ...] = ()
    #: they name a mate that is not there
    dangling: tuple[Candidate, ...] = ()


def match(
    rule: AdoptRule, salesforce: Sequence[Candidate], stripe: Sequence[Candidate], *, parents: Mapping[str, str]
) -> Matching:
    """Every record is in one place only: matched, a candidate, dangling or unmatched.

    `parents` are the pairs known so far of the records they belong to, Salesforce id -> Stripe id.
    """
    search = Search(rule=rule, parents=parents, inverse={there: here for here, there in parents.items()})
    marked = by_marks(salesforce, stripe)
    taken = marked.taken
    here = [each for each in salesforce if each.id not in taken]
    there = [each for each in stripe if each.id not in taken]
    certain, doubtful = search.by_reference(here, there)
    placed = {record_id for pair in (*certain, *doubtful) for record_id in pair.ids}
    doubtful += search.by_likeness(
        [each for each in here if each.id not in placed], [each for each in there if each.id not in placed]
    )
    suggestions, ambiguous = _part((*marked.contradicting, *doubtful))
    matches = (*marked.matches, *certain)
    placed = {*taken} | {record_id for pair in (*matches, *doubtful) for record_id in pair.ids}
    return Matching(
        matches=_sorted(matches),
        suggestions=_sorted(suggestions),
        ambiguous=_sorted(ambiguous),
        unmatched=tuple(sorted((each for each in (*here, *there) if each.id not in placed), key=_place)),
        dangling=tuple(sorted(marked.dangling, key=_place)),
    )


def _part(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """(with one candidate each way, with more)."""
    count = Counter(record_id for pair in pairs for record_id in pair.ids)
    alone = [pair for pair in pairs if all(count[record_id] == 1 for record_id in pair.ids)]
    return alone, [pair for pair in pairs if any(count[record_id] > 1 for record_id in pair.ids)]


def _sorted(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    return tuple(sorted(pairs, key=lambda pair: (-pair.score, *pair.ids)))


def _place(each: Candidate) -> tuple[str, str]:
    return each.side.value, each.id
