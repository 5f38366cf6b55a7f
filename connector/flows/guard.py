"""The gate of a pass: asked after reading and before the first write, and again before each batch of writes.

What the signals name is planned beforehand only when so many records are named that a limit could be
passed (flows/foresee.py): a small pass costs a few look-ups in our own database. Totals are kept while the pass works, and
it stops before it exceeds a limit that its plan could not foresee. What trips is stored and stays until a
person releases it (core/brake.py decides, `connector resume` releases).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from connector.core.brake import (
    OF_ONE_LINK,
    Before,
    BrakeName,
    Trip,
    TrippedBrake,
    Weight,
    covered,
    decide_counts,
    decide_listing,
    decide_scaled,
    is_released,
    weigh,
    weigh_entry,
)
from connector.core.chain import AuditEntry
from connector.core.errors import Braked
from connector.core.model import Side
from connector.core.view import Park
from connector.flows.foresee import foresee, waiting_signals
from connector.flows.parents import ParentBook
from connector.flows.plan import entry_of, plan_of, plan_signals
from connector.flows.tally import COVERED, HourTally, PassTally, counts_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from connector.core.mapping import KindMapping
    from connector.core.model import Key
    from connector.core.plan import Plan, PlanEntry
    from connector.core.view import Act
    from connector.flows.subject import Subject
    from connector.flows.tally import Tally
    from connector.flows.workspace import Workspace

#: the digest of the mapping pack that a person approved, or that the first contact was made with
APPROVED_MAPPING: Final = "mapping_approved"
#: when the first pass came to its end
FIRST_SYNC_DONE: Final = "first_sync_done"
#: signals planned at most, only to show what a pass would have written
_SHOWN_SIGNALS: Final = 2000
#: entries kept with a brake; what a release covers is kept whole
_KEPT_ENTRIES: Final = 200
_HOUR: Final = timedelta(hours=1)


class Guard:
    """One pass's, unless it is given another `tally`. `approved` are keys of entries that a person approved one by
    one, by a plan.
    """

    def __init__(self, workspace: Workspace, *, approved: Collection[str] = (), tally: Tally | None = None) -> None:
        self._workspace = workspace
        self._limits = workspace.limits
        self._covered = frozenset(approved)
        self._tally = tally or PassTally(HourTally(workspace.store.brakes, now=workspace.clock.now))
        links = workspace.store.count_links()
        self._before = Before(
            links=sum(number for states in links.values() for state, number in states.items() if state != "closed"),
            is_first_sync=workspace.store.load_note(FIRST_SYNC_DONE) is None,
        )
        self._linked = {
            kind: sum(number for state, number in states.items() if state in ("open", "parked"))
            for kind, states in links.items()
        }

    def admit(self, listed: Mapping[Side, Mapping[str, int]], *, kinds: Sequence[str], narrowed: bool) -> None:
        """Before the first write. `listed`: sides that were listed as a whole, records per kind. A pass that is
        `narrowed` to some records is judged by its totals only. Raises Braked.
        """
        self._welcome_back()
        self._refuse_open()
        released = self._released()
        trips = [*self._mapping_trips(released), *self._listing_trips(listed, released)]
        if trips:
            shown = list(islice(waiting_signals(self._workspace, kinds), _SHOWN_SIGNALS))
            self._pull(trips, plan_signals(self._workspace, shown).plan)
        if not narrowed:
            self._foresee(kinds, released)

    def admit_listing(self, listed: Mapping[Side, Mapping[str, int]]) -> None:
        """For who only reads, before anything is concluded from what was listed. Raises Braked."""
        trips = self._listing_trips(listed, self._released())
        if trips:
            self._pull(trips, plan_of(self._workspace, []))

    def admit_writes(self, acts: Sequence[tuple[Subject, Act]]) -> dict[Key, Park]:
        """Before a batch is written: the links that must not be written now, and why. Raises Braked."""
        self._refuse_open()
        held = self._too_often([subject for subject, _ in acts])
        weighed = [
            (subject, act, f"{subject.mapping.kind} {subject.link.born.id}", _weigh(subject.mapping, act))
            for subject, act in acts
            if subject.link.born not in held
        ]
        known = self._tally.known({key for _, _, key, weight in weighed if weight is not Weight.STEP})
        adding: dict[str, set[str]] = {}
        counted = []
        for subject, act, key, weight in weighed:
            as_what = known.get(key, frozenset())
            is_born_now = weight is Weight.CHANGE and Weight.CREATE in as_what
            if weight is Weight.STEP or key in self._covered or COVERED in as_what or is_born_now:
                continue
            counted.append((subject, act))
            if weight not in as_what:
                adding.setdefault(weight.value, set()).add(key)
        if adding:
            counts = counts_of(self._tally.add(adding))
            trips = decide_counts(counts, before=self._before, limits=self._limits)
            if trips:
                self._tally.take_back(adding)
                book, currencies = ParentBook(self._workspace), self._workspace.policy.currencies
                entries = [entry_of(subject, act, book, currencies) for subject, act in counted]
                self._pull(trips, plan_of(self._workspace, entries))
        return held

    def finish(self) -> None:
        """The pass came to its end with everything: the first one ends the first sync."""
        if self._before.is_first_sync:
            self._workspace.store.save_note(FIRST_SYNC_DONE, self._workspace.clock.now().isoformat())

    def _welcome_back(self) -> None:
        """A mapping that was put back is the one that a person approved: its brake has nothing more to say."""
        store = self._workspace.store
        if store.load_note(APPROVED_MAPPING) == self._workspace.pack.digest:
            now = self._workspace.clock.now()
            store.brakes.release(
                BrakeName.MAPPING_CHANGED, "", by="connector", reason="the approved mapping is back", at=now
            )

    def _refuse_open(self) -> None:
        stopping = [brake for brake in self._workspace.store.brakes.load_open() if brake.name not in OF_ONE_LINK]
        if stopping:
            raise Braked(stopping)

    def _released(self) -> list[TrippedBrake]:
        """What people released and what still holds."""
        since = self._workspace.clock.now() - timedelta(hours=self._limits.release_hours)
        return list(self._workspace.store.brakes.load_released(since))

    def _mapping_trips(self, released: Sequence[TrippedBrake]) -> list[Trip]:
        """The digest of the first contact is the approved one, until a person approves another."""
        store, digest = self._workspace.store, self._workspace.pack.digest
        approved = store.load_note(APPROVED_MAPPING)
        if approved == digest:
            return []
        trip = Trip(
            name=BrakeName.MAPPING_CHANGED,
            observed=f"the mapping is {digest[:12]} now, approved was {str(approved)[:12]}",
            allowed="a mapping that a person approved: `connector plan --out FILE`, then `connector apply FILE`",
            facts={"pack_digest": digest},
        )
        if approved is None or is_released(trip, released):
            _approve(self._workspace, cause="first contact" if approved is None else "brake released", reason="")
            return []
        return [trip]

    def _listing_trips(self, listed: Mapping[Side, Mapping[str, int]], released: Sequence[TrippedBrake]) -> list[Trip]:
        trips = [
            trip
            for side, numbers in listed.items()
            for trip in decide_listing(side, numbers, self._linked, limits=self._limits)
        ]
        return [trip for trip in trips if not is_released(trip, released)]

    def _foresee(self, kinds: Sequence[str], released: Sequence[TrippedBrake]) -> None:
        """Plans what is signalled when it is so much that a limit could be passed, or was and is released now."""
        has_release = any(brake.plan.get("covers") for brake in released)
        foreseen = foresee(self._workspace, kinds=kinds, before=self._before, whatever_it_is=has_release)
        if foreseen is None:
            return
        let_through = covered(foreseen.plan.entries, released)
        self._covered |= let_through
        if let_through:
            # whoever else writes asks the tally
            self._tally.add({COVERED: let_through})
        counts: Counter[Weight] = Counter()
        for entry in foreseen.plan.entries:
            if entry.key not in self._covered:
                counts[weigh_entry(self._workspace.pack.kinds[entry.kind], entry)] += 1
        trips = decide_counts(counts, before=self._before, limits=self._limits)
        scaled = decide_scaled(foreseen.moves, before=self._before, limits=self._limits)
        trips += [trip for trip in scaled if not is_released(trip, released)]
        if trips:
            self._pull(trips, foreseen.plan)

    def _too_often(self, subjects: Sequence[Subject]) -> dict[Key, Park]:
        """Links that were written again and again within an hour. A link's revision is never below the number of
        its operations: young links cost nothing.
        """
        most = self._limits.writes_per_hour
        old = [subject.link.born for subject in subjects if subject.link.revision >= most]
        if not old:
            return {}
        store, now = self._workspace.store, self._workspace.clock.now()
        repeats = store.brakes.count_repeats(old, since=now - _HOUR)
        open_ones = {brake.subject for brake in store.brakes.load_open() if brake.name in OF_ONE_LINK}
        released = {brake.subject: brake.released_at for brake in self._released() if brake.name in OF_ONE_LINK}
        held: dict[Key, Park] = {}
        for born in old:
            number = repeats.get(born, 0)
            is_new = number >= most and str(born) not in open_ones
            if is_new and released.get(str(born)) is not None:
                number = store.brakes.count_repeats([born], since=released[str(born)] or now).get(born, 0)
                is_new = number >= most
            if is_new:
                store.brakes.trip([_tripped_link(born, number, most, now)])
            if is_new or str(born) in open_ones:
                held[born] = _park(born, most)
        return held

    def _pull(self, trips: Iterable[Trip], plan: Plan) -> None:
        now = self._workspace.clock.now()
        self._workspace.store.brakes.trip(
            [
                TrippedBrake(
                    name=trip.name,
                    subject=trip.subject,
                    tripped_at=now,
                    observed=trip.observed,
                    allowed=trip.allowed,
                    plan=_kept(plan, trip.facts, self._covers(trip, plan.entries)),
                )
                for trip in trips
            ]
        )
        self._refuse_open()
        raise AssertionError("a brake was pulled and is not open")

    def _covers(self, trip: Trip, entries: Iterable[PlanEntry]) -> dict[str, str]:
        """Key -> digest of the entries that a release of this brake lets through."""
        weight = _COVERED_WEIGHT.get(trip.name)
        kinds = self._workspace.pack.kinds
        return {entry.key: entry.digest for entry in entries if weigh_entry(kinds[entry.kind], entry) is weight}


_COVERED_WEIGHT: Final = {
    BrakeName.MASS_VOID: Weight.END,
    BrakeName.MASS_CHANGE: Weight.CHANGE,
    BrakeName.MASS_CREATE: Weight.CREATE,
}


def check_listing(workspace: Workspace, side: Side, listed: Mapping[str, int]) -> None:
    """For who lists kinds of a side as a whole and writes nothing. Raises Braked."""
    Guard(workspace).admit_listing({side: listed})


def approve_mapping(workspace: Workspace, *, by: str, reason: str) -> None:
    """A person approved what this mapping does, by a plan."""
    _approve(workspace, cause=f"person {by}", reason=reason)
    workspace.store.brakes.release(BrakeName.MAPPING_CHANGED, "", by=by, reason=reason, at=workspace.clock.now())


def _approve(workspace: Workspace, *, cause: str, reason: str) -> None:
    digest = workspace.pack.digest
    if workspace.store.load_note(APPROVED_MAPPING) != digest:
        detail = {"pack_digest": digest, "reason": reason or None}
        workspace.store.audit.append([AuditEntry(event="mapping approved", cause=cause, detail=detail)])
    workspace.store.save_note(APPROVED_MAPPING, digest)


def _weigh(mapping: KindMapping, act: Act) -> Weight:
    fields = act.body["fields"] if act.target is Side.SALESFORCE else ()
    return weigh(mapping, action=act.action, target=act.target, destructive=act.destructive, fields=fields)


def _kept(plan: Plan, facts: Mapping[str, Any], covers: Mapping[str, str]) -> dict[str, Any]:
    """The plan as it is stored: its first entries, how many there are, and what a release is bound to."""
    actions = Counter(f"{entry.action} {entry.kind}" for entry in plan.entries)
    return {
        **replace(plan, entries=plan.entries[-_KEPT_ENTRIES:]).as_dict(),
        "counts": dict(actions),
        "facts": dict(facts),
        "covers": dict(covers),
    }


def _tripped_link(born: Key, number: int, most: int, at: Any) -> TrippedBrake:
    return TrippedBrake(
        name=BrakeName.WRITTEN_TOO_OFTEN,
        subject=str(born),
        tripped_at=at,
        observed=f"{born} was written {number} times in the same way within an hour",
        allowed=f"{most} times an hour",
        plan={},
    )


def _park(born: Key, most: int) -> Park:
    return Park(
        code=f"{born.kind}.written_too_often",
        reason=f"written {most} times in the same way within an hour: something changes it back each time; "
        f'find what, then `connector resume "{BrakeName.WRITTEN_TOO_OFTEN} {born}" --reason ...`',
    )
