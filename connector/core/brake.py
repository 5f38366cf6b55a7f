"""What stops a pass before its first write, when the pass looks wrong. Pure: counts in, brakes out.

A brake never says that something *is* wrong; it says that a person has to look first. What a person
released covers exactly what was shown (by digest, factor or number) and runs out (invariants.md I24).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from connector.core.mapping import Nature
from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from connector.core.mapping import KindMapping
    from connector.core.plan import PlanEntry


class BrakeName(StrEnum):
    #: a full listing is empty or much smaller than what is linked
    LISTING_SHRANK = "listing_shrank"
    #: too many documents would be voided, cancelled or deleted
    MASS_VOID = "mass_void"
    #: too large a share of what was linked before the pass would be changed
    MASS_CHANGE = "mass_change"
    #: too many records would be created
    MASS_CREATE = "mass_create"
    #: the mapping is another one than a person approved
    MAPPING_CHANGED = "mapping_changed"
    #: amounts of many records changed by one and the same factor
    AMOUNTS_SCALED = "amounts_scaled"
    #: one link was written again and again; stops that link only
    WRITTEN_TOO_OFTEN = "written_too_often"
    #: the systems carry marks of ours that this store does not know; only `recover` releases it
    STORE_RESTORED = "store_restored"


#: what stops one link and not the pass
OF_ONE_LINK: Final = frozenset({BrakeName.WRITTEN_TOO_OFTEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrippedBrake:
    """One brake that refused a pass; open until a person releases it."""

    #: a BrakeName's value
    name: str
    #: a kind, a link's key, or empty for the whole pass
    subject: str
    tripped_at: datetime
    observed: str
    allowed: str
    #: what would have been written, as `core.plan.Plan.as_dict`, and under `covers` what a release is bound to
    plan: Mapping[str, Any]
    released_at: datetime | None = None
    released_by: str | None = None
    release_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many records, or such a share of them, whichever is more."""

    at_least: int
    percent: int

    def of(self, number: int) -> int:
        return max(self.at_least, number * self.percent // 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeLimits:
    """config/brakes.yaml; the meaning of each is told there."""

    voids: Limit = field(default_factory=lambda: Limit(at_least=10, percent=2))
    changes: Limit = field(default_factory=lambda: Limit(at_least=25, percent=25))
    creates: Limit = field(default_factory=lambda: Limit(at_least=5000, percent=100))
    #: creates of the first sync, which ends with the first pass that came to its end
    first_creates: int = 100_000
    #: a listing must hold this share of what is linked, once so many are linked
    listing_percent: int = 50
    listing_from: int = 20
    #: writes of the same sort to one record within an hour
    writes_per_hour: int = 20
    #: how long a release holds
    release_hours: int = 24


class Weight(StrEnum):
    CREATE = "create"
    END = "end"
    CHANGE = "change"
    #: goes on with a birth, or brings a document's status home: counted nowhere
    STEP = "step"


#: what follows a create at Stripe until the document is whole
_BIRTH_STEPS: Final = frozenset({"add_lines", "finalize", "attach", "hold"})


def weigh(mapping: KindMapping, *, action: str, target: Side, destructive: bool, fields: Collection[str]) -> Weight:
    """What one write counts as. `fields` are the names it writes.

    Facts are written once, so every write to one belongs to its birth; so does the write that carries the
    marker home. A document's status flows home all day long and changes nothing that anybody authored.
    """
    if destructive:
        return Weight.END
    if action == "create":
        return Weight.CREATE
    if mapping.nature is Nature.FACT or action in _BIRTH_STEPS:
        return Weight.STEP
    if target is Side.SALESFORCE and mapping.salesforce.marker in fields:
        return Weight.STEP
    if mapping.nature is Nature.DOCUMENT and target is mapping.born:
        return Weight.STEP
    return Weight.CHANGE


def weigh_entry(mapping: KindMapping, entry: PlanEntry) -> Weight:
    return weigh(
        mapping,
        action=entry.action,
        target=Side(entry.target),
        destructive=entry.destructive,
        fields={change.field for change in entry.changes},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What there was when the pass began."""

    #: links that are not closed
    links: int
    #: whether no pass has come to its end yet
    is_first_sync: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A brake that has to be pulled, before it has a moment and a plan."""

    name: BrakeName
    subject: str = ""
    observed: str
    allowed: str
    #: what a release of it is bound to, beside the digests of the plan
    facts: Mapping[str, Any] = field(default_factory=dict)


def decide_counts(counts: Mapping[Weight, int], *, before: Before, limits: BrakeLimits) -> list[Trip]:
    """The brakes that these numbers of records pull. What was released is not counted by the caller."""
    trips = []
    voids, most = counts.get(Weight.END, 0), limits.voids.of(before.links)
    if voids > most:
        trips.append(
            _trip(
                BrakeName.MASS_VOID, voids, "would be voided, cancelled or deleted within an hour", most, limits.voids
            )
        )
    changes, most = counts.get(Weight.CHANGE, 0), limits.changes.of(before.links)
    if changes > most:
        observed = f"of {before.links} linked before this pass would be changed"
        trips.append(_trip(BrakeName.MASS_CHANGE, changes, observed, most, limits.changes))
    creates = counts.get(Weight.CREATE, 0)
    if before.is_first_sync and creates > limits.first_creates:
        allowed = f"{limits.first_creates} at the first sync"
        trips.append(Trip(name=BrakeName.MASS_CREATE, observed=f"{creates} records would be created", allowed=allowed))
    most = limits.creates.of(before.links)
    if not before.is_first_sync and creates > most:
        trips.append(_trip(BrakeName.MASS_CREATE, creates, "would be created", most, limits.creates))
    return trips


def _trip(name: BrakeName, number: int, what: str, most: int, limit: Limit) -> Trip:
    allowed = f"{most} (the greater of {limit.at_least} and {limit.percent} % of what is linked)"
    return Trip(name=name, observed=f"{number} records {what}", allowed=allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountMove:
    """An agreed amount that one side does not say any more, in minor units."""

    kind: str
    field: str
    id: str
    old: int
    new: int


def decide_scaled(moves: Iterable[AmountMove], *, before: Before, limits: BrakeLimits) -> list[Trip]:
    """Amounts of one field that moved by one and the same factor: a unit or a currency was mistaken.

    Trips when more records share it than may be voided in a pass, and nine of ten that moved share it.
    Amounts that fell to zero are left out: that is what being paid looks like.
    """
    factors: dict[tuple[str, str], Counter[Fraction]] = {}
    for move in moves:
        if move.old != 0 and move.new not in (0, move.old):
            factors.setdefault((move.kind, move.field), Counter())[Fraction(move.new, move.old)] += 1
    most = limits.voids.of(before.links)
    trips = []
    for (kind, name), counted in sorted(factors.items()):
        factor, number = counted.most_common(1)[0]
        if number > most and number * 10 >= counted.total() * 9:
            trips.append(
                Trip(
                    name=BrakeName.AMOUNTS_SCALED,
                    subject=f"{kind}.{name}",
                    observed=f"{number} amounts became {_times(factor)} what they were",
                    allowed=f"{most} by the same factor",
                    facts={"factor": str(factor), "number": number},
                )
            )
    return trips


def _times(factor: Fraction) -> str:
    return f"{factor.numerator} times" if factor.denominator == 1 else f"{factor} of"


def decide_listing(
    side: Side, listed: Mapping[str, int], linked: Mapping[str, int], *, limits: BrakeLimits
) -> list[Trip]:
    """Listed kinds of which there is much less than is linked: rights, filters or the wrong place."""
    return [
        Trip(
            name=BrakeName.LISTING_SHRANK,
            subject=f"{side.value} {kind}",
            observed=f"the full listing holds {number} {kind} records, {linked[kind]} are linked",
            allowed=f"{limits.listing_percent} % of what is linked",
            facts={"number": number},
        )
        for kind, number in listed.items()
        if linked.get(kind, 0) >= limits.listing_from and number * 100 < linked[kind] * limits.listing_percent
    ]


def covered(entries: Iterable[PlanEntry], released: Sequence[TrippedBrake]) -> frozenset[str]:
    """The keys of those entries that a person has seen and released as they are now.

    What follows a released void in Salesforce is part of it, whatever it writes there.
    """
    shown = [release.plan.get("covers") or {} for release in released]
    voids = [covers for covers, release in zip(shown, released, strict=True) if release.name == BrakeName.MASS_VOID]
    return frozenset(
        entry.key
        for entry in entries
        if any(covers.get(entry.key) == entry.digest for covers in shown)
        or (entry.target == Side.SALESFORCE and not entry.destructive and any(entry.key in covers for covers in voids))
    )


def is_released(trip: Trip, released: Sequence[TrippedBrake]) -> bool:
    """Whether a person released this very finding: the same factor, the same mapping, a listing no smaller."""
    for release in released:
        facts = release.plan.get("facts") or {}
        if release.name != trip.name or release.subject != trip.subject or not facts:
            continue
        same = all(facts.get(name) == value for name, value in trip.facts.items() if name != "number")
        if same and _within(trip, facts):
            return True
    return False


def _within(trip: Trip, facts: Mapping[str, Any]) -> bool:
    if "number" not in trip.facts:
        return True
    number, shown = int(trip.facts["number"]), int(facts["number"])
    return number >= shown if trip.name is BrakeName.LISTING_SHRANK else number <= shown
