"""What `adopt` finds and what a person decided about it, as a document: read, edited, and applied.

An entry names two records that are, or may be, the same. Its digest stands for the values it was judged
by: a pair that looks different by now was not the pair somebody decided on.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from connector.core.body import encode_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.pair import Candidate, Pair

SCHEMA_VERSION: Final = 1


class Found(StrEnum):
    MATCH = "match"
    SUGGESTION = "suggestion"
    AMBIGUOUS = "ambiguous"


class Choice(StrEnum):
    """What becomes of a pair."""

    LINK = "link"
    #: the Salesforce record is kept from being made a second time until somebody decides
    UNDECIDED = "undecided"
    #: they are different: each gets a mate of its own, if it is to have one
    SEPARATE = "separate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    kind: str
    #: ids
    salesforce: str
    stripe: str
    #: what people call them
    salesforce_label: str
    stripe_label: str
    found: Found
    choice: Choice
    reasons: tuple[str, ...]
    doubts: tuple[str, ...]
    score: int
    amount_minor: int | None
    currency: str | None
    digest: str

    @property
    def pair(self) -> tuple[str, str, str]:
        return self.kind, self.salesforce, self.stripe

    @property
    def name(self) -> str:
        return f"{self.kind} {self.salesforce}={self.stripe}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """A record nothing on the other side could be meant by."""

    kind: str
    side: str
    id: str
    label: str
    amount_minor: int | None
    currency: str | None
    #: `unmatched`, or why it cannot be looked at
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    org_id: str
    account_id: str
    pack_digest: str
    created_at: str
    entries: tuple[Entry, ...]
    alone: tuple[Alone, ...]
    #: kind -> pairs that are linked already
    linked: Mapping[str, int] = field(default_factory=dict)
    #: kind -> `side: reason` -> records that are never matched: drafts, void ones
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def counts(self) -> dict[str, dict[str, int]]:
        """Kind -> what was found -> pairs; records for `salesforce` and `stripe`, which stand alone."""
        kinds: dict[str, Counter[str]] = {kind: Counter({"linked": number}) for kind, number in self.linked.items()}
        for entry in self.entries:
            kinds.setdefault(entry.kind, Counter())[entry.found.value] += 1
        for each in self.alone:
            kinds.setdefault(each.kind, Counter())[each.side] += 1
        names = ("linked", *(found.value for found in Found), "salesforce", "stripe")
        return {kind: {name: count[name] for name in names} for kind, count in kinds.items()}

    def money(self) -> dict[str, dict[str, int]]:
        """`kind found` or `kind side` -> currency -> minor units; each record once."""
        seen: set[tuple[str, str, str]] = set()
        sums: dict[str, Counter[str]] = {}
        for entry in self.entries:
            name = f"{entry.kind} {entry.found.value}"
            if entry.amount_minor is not None and entry.currency and (name, entry.kind, entry.salesforce) not in seen:
                seen.add((name, entry.kind, entry.salesforce))
                sums.setdefault(name, Counter())[entry.currency] += entry.amount_minor
        for each in self.alone:
            if each.amount_minor is not None and each.currency:
                sums.setdefault(f"{each.kind} {each.side}", Counter())[each.currency] += each.amount_minor
        return {name: dict(sorted(of.items())) for name, of in sorted(sums.items())}

    def undecided(self) -> tuple[Entry, ...]:
        """What keeps records waiting: nobody decided, and the Salesforce record is not linked by another entry."""
        linked = {(entry.kind, record) for entry in self.chosen() for record in (entry.salesforce, entry.stripe)}
        return tuple(
            entry
            for entry in self.entries
            if entry.choice is Choice.UNDECIDED
            and linked.isdisjoint(((entry.kind, entry.salesforce), (entry.kind, entry.stripe)))
        )

    def chosen(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.choice is Choice.LINK)

    def as_dict(self) -> dict[str, Any]:
        """Stable, JSON-able; `from_dict` reads it back."""
        return {"schema_version": SCHEMA_VERSION, "adoption": json.loads(json.dumps(asdict(self), default=str))}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Adoption:
        """Raises ValueError, with a message for people, when this is not an adoption of this version."""
        if data.get("schema_version") != SCHEMA_VERSION or not isinstance(data.get("adoption"), dict):
            raise ValueError(f"no adoption of version {SCHEMA_VERSION}, which is what this program reads")
        content = data["adoption"]
        try:
            return Adoption(
                org_id=str(content["org_id"]),
                account_id=str(content["account_id"]),
                pack_digest=str(content["pack_digest"]),
                created_at=str(content["created_at"]),
                entries=tuple(_read_entry(number, each) for number, each in enumerate(content["entries"])),
                alone=tuple(Alone(**each) for each in content["alone"]),
                linked=dict(content["linked"]),
                left_out=dict(content["left_out"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not an adoption: {error}") from error


def _read_entry(number: int, content: Mapping[str, Any]) -> Entry:
    try:
        entry = Entry(**{**content, "reasons": tuple(content["reasons"]), "doubts": tuple(content["doubts"])})
    except (KeyError, TypeError) as error:
        raise ValueError(f"entry {number}: {error}") from error
    for name in ("kind", "salesforce", "stripe", "digest"):
        if not isinstance(content[name], str):
            raise ValueError(f"entry {number}: {name} is {content[name]!r}, not a text")  # noqa: TRY004 - a ValueError by contract
    try:
        return _typed(entry)
    except ValueError as error:
        known = ", ".join(choice.value for choice in Choice)
        raise ValueError(f"entry {number} ({entry.name}): {error}; `choice` is one of {known}") from error


def _typed(entry: Entry) -> Entry:
    values = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    return Entry(**{**values, "found": Found(entry.found), "choice": Choice(entry.choice)})


def entry_of(kind: str, pair: Pair, found: Found, accepted: Mapping[tuple[str, str, str], Choice]) -> Entry:
    one, other = pair.salesforce, pair.stripe
    default = Choice.LINK if found is Found.MATCH else Choice.UNDECIDED
    return Entry(
        kind=kind,
        salesforce=one.id,
        stripe=other.id,
        salesforce_label=one.label,
        stripe_label=other.label,
        found=found,
        choice=accepted.get((kind, one.id, other.id), default),
        reasons=pair.reasons,
        doubts=pair.doubts,
        score=pair.score,
        amount_minor=one.amount_minor,
        currency=one.currency,
        digest=digest_of(kind, one, other),
    )


def alone_of(kind: str, each: Candidate, reason: str = "unmatched") -> Alone:
    return Alone(
        kind=kind,
        side=each.side.value,
        id=each.id,
        label=each.label,
        amount_minor=each.amount_minor,
        currency=each.currency,
        reason=reason,
    )


def digest_of(kind: str, *candidates: Candidate) -> str:
    """What a decision is bound to: every value the pair was judged by. Whose they are is judged anew each time."""
    seen = [
        {
            "id": each.id,
            "values": dict(each.values),
            "amount": each.amount_minor,
            "currency": each.currency,
            "mark": each.mark,
        }
        for each in candidates
    ]
    return hashlib.sha256(encode_body({"kind": kind, "records": seen})).hexdigest()


def faults(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """(entry's name, what is wrong): a record linked twice is not a decision."""
    holders: dict[tuple[str, str], Entry] = {}
    seen: set[tuple[str, str, str]] = set()
    found = []
    for entry in entries:
        if entry.pair in seen:
            found.append((entry.name, "it stands there twice"))
        seen.add(entry.pair)
        if entry.choice is not Choice.LINK:
            continue
        for record in (entry.salesforce, entry.stripe):
            other = holders.setdefault((entry.kind, record), entry)
            if other is not entry:
                found.append((entry.name, f"{record} is linked by {other.name} as well"))
    return found
