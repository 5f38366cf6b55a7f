"""Pairs by what records say: the exact reference, which can be certain, and likeness, which never is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.pair import Pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.core.mapping import AdoptRule
    from connector.core.model import Neutral
    from connector.core.pair import Candidate

#: a value that more records of one side share says nothing about any of them
SHARED_MAX: Final = 10
#: candidates shown for one record
RIVALS_MAX: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    rule: AdoptRule
    parents: Mapping[str, str]
    inverse: Mapping[str, str]

    def by_reference(self, here: Sequence[Candidate], there: Sequence[Candidate]) -> tuple[list[Pair], list[Pair]]:
        """(certain, doubtful): the same reference letter for letter, and nobody else has it."""
        certain: list[Pair] = []
        doubtful: list[Pair] = []
        known = [(self._reference(each), each) for each in here], [(self._reference(each), each) for each in there]
        ones, others = _grouped(known[0]), _grouped(known[1])
        for reference, mine in ones.items():
            theirs = others.get(reference, [])
            shared: tuple[str, ...] = ()
            if max(len(mine), len(theirs)) > 1:
                shared = (f"{len(mine)} in Salesforce and {len(theirs)} at Stripe carry the same reference",)
            for one, other in _few_of_each(mine, theirs):
                if self._same_currency(one, other):
                    doubts = (*shared, *self._doubts(one, other))
                    (doubtful if doubts else certain).append(self._pair(one, other, doubts))
        return certain, doubtful

    def by_likeness(self, here: Sequence[Candidate], there: Sequence[Candidate]) -> list[Pair]:
        """What shares something rare, the best few of each record."""
        ones, others = (
            _blocks(self._traits(each, self._home(each)) for each in here),
            _blocks(self._traits(each, each.parent) for each in there),
        )
        found: dict[tuple[str, str], Pair] = {}
        for trait, mine in ones.items():
            theirs = others.get(trait, ())
            if max(len(mine), len(theirs)) > SHARED_MAX:
                continue
            for one in mine:
                for other in theirs:
                    if (one.id, other.id) in found or not self._may_be(one, other):
                        continue
                    doubts = ("alike, not the same reference", *self._doubts(one, other))
                    found[one.id, other.id] = self._pair(one, other, doubts)
        return _best(found.values())

    def _pair(self, one: Candidate, other: Candidate, doubts: tuple[str, ...]) -> Pair:
        agree = self._agreeing(one, other)
        comparable = self._comparable(one, other)
        score = 100 if not doubts else min(99, 100 * len(agree) // max(1, comparable))
        return Pair(salesforce=one, stripe=other, reasons=agree, doubts=doubts, score=score)

    def _reference(self, each: Candidate) -> tuple[str, ...] | None:
        """All parts of the reference, as they stand; None when one is missing."""
        parts = [each.values.get(name) for name in self.rule.reference]
        return None if not parts or any(part is None for part in parts) else tuple(str(part) for part in parts)

    def _same_currency(self, one: Candidate, other: Candidate) -> bool:
        """Money is never compared across currencies; what has no amount has no currency to compare."""
        return self.rule.amount is None or (one.currency is not None and one.currency == other.currency)

    def _doubts(self, one: Candidate, other: Candidate) -> tuple[str, ...]:
        doubts = []
        if self.rule.amount is not None and one.amount_minor is None:
            doubts.append("it has no amount in Salesforce")
        elif self.rule.amount is not None and one.amount_minor != other.amount_minor:
            doubts.append(
                f"{self.rule.amount} is {one.amount_minor} in Salesforce and {other.amount_minor} at Stripe "
                f"(minor units of {one.currency})"
            )
        if one.parent is not None and other.parent is not None and not self._same_parent(one, other):
            other_home = self.parents.get(one.parent)
            known = other_home is not None or other.parent in self.inverse
            doubts.append("they belong to different customers" if known else "their customers are not matched")
        return tuple(doubts)

    def _same_parent(self, one: Candidate, other: Candidate) -> bool:
        return one.parent is not None and self.parents.get(one.parent) == other.parent

    def _home(self, one: Candidate) -> str | None:
        """Its parent, as Stripe knows it."""
        return None if one.parent is None else self.parents.get(one.parent)

    def _traits(self, each: Candidate, home: str | None) -> tuple[Candidate, list[tuple[str, ...]]]:
        """What it may be found by. An amount says little: it counts together with whose it is."""
        names = dict.fromkeys((*self.rule.reference, *self.rule.hints))
        traits: list[tuple[str, ...]] = []
        for name in names:
            word = folded(each.values.get(name))
            if word is not None and (self.rule.amount is None or name in self.rule.reference):
                traits.append((name, word))
        if home is not None and each.amount_minor is not None:
            traits.append(("amount", home, str(each.amount_minor), str(each.currency)))
        return each, traits

    def _may_be(self, one: Candidate, other: Candidate) -> bool:
        if not self._same_currency(one, other):
            return False
        contradicts = any(doubt.startswith("they belong to different") for doubt in self._doubts(one, other))
        return not contradicts

    def _agreeing(self, one: Candidate, other: Candidate) -> tuple[str, ...]:
        reasons = []
        for name in dict.fromkeys((*self.rule.reference, *self.rule.hints)):
            here, there = one.values.get(name), other.values.get(name)
            if here is not None and here == there:
                reasons.append(f"same {name}")
            elif here is not None and folded(here) == folded(there):
                reasons.append(f"same {name} but for its spelling")
        if self.rule.amount is not None and one.amount_minor is not None and one.amount_minor == other.amount_minor:
            reasons.append(f"same {self.rule.amount} and currency")
        if self._same_parent(one, other):
            reasons.append("same customer")
        return tuple(reasons)

    def _comparable(self, one: Candidate, other: Candidate) -> int:
        names = dict.fromkeys((*self.rule.reference, *self.rule.hints))
        both = [name for name in names if one.values.get(name) is not None and other.values.get(name) is not None]
        parents = one.parent is not None and other.parent is not None
        return len(both) + (self.rule.amount is not None) + parents


def folded(value: Neutral) -> str | None:
    """A value as people recognise it: without case and spacing; None for nothing."""
    if value is None:
        return None
    word = " ".join(str(value).casefold().split())
    return word or None


def _grouped(known: Iterable[tuple[tuple[str, ...] | None, Candidate]]) -> dict[tuple[str, ...], list[Candidate]]:
    groups: dict[tuple[str, ...], list[Candidate]] = {}
    for reference, each in sorted(known, key=lambda pair: pair[1].id):
        if reference is not None:
            groups.setdefault(reference, []).append(each)
    return groups


def _few_of_each(mine: Sequence[Candidate], theirs: Sequence[Candidate]) -> list[tuple[Candidate, Candidate]]:
    """Every record with the first few of the other side: nobody is left out, and there are never all pairs."""
    first = [(one, other) for one in mine for other in theirs[:RIVALS_MAX]]
    return first + [(one, other) for one in mine[:RIVALS_MAX] for other in theirs[RIVALS_MAX:]]


def _blocks(
    traits: Iterable[tuple[Candidate, Sequence[tuple[str, ...]]]],
) -> dict[tuple[str, ...], list[Candidate]]:
    blocks: dict[tuple[str, ...], list[Candidate]] = {}
    for each, found in traits:
        for trait in found:
            blocks.setdefault(trait, []).append(each)
    return blocks


def _best(pairs: Iterable[Pair]) -> list[Pair]:
    """The best few of each record; one that is among the best of its mate only stays as well."""
    count: dict[str, int] = defaultdict(int)
    kept = []
    for pair in sorted(pairs, key=lambda pair: (-pair.score, *pair.ids)):
        if any(count[record_id] < RIVALS_MAX for record_id in pair.ids):
            kept.append(pair)
            for record_id in pair.ids:
                count[record_id] += 1
    return kept
