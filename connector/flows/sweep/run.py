"""Everything on both sides compared, kind by kind: what polls and webhooks may have missed comes to light.

`look` lists and compares, and signals what is odd, so that the next pass looks at it; `certify` reads
the odd ones again and stores what remains. Between the two a pass may put things right.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.core.certificate import Certificate
from connector.core.digest import Comparison, compare, name_of
from connector.core.model import Key, LinkState, Side
from connector.flows.ending import kind_of
from connector.flows.guard import check_listing
from connector.flows.signalling import raise_signals
from connector.flows.sweep.again import look_again
from connector.flows.sweep.reading import Reading, read_side
from connector.flows.sync import run_pass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from connector.core.compare import Difference
    from connector.core.mapping import KindMapping
    from connector.core.model import Link
    from connector.flows.report import PassReport
    from connector.flows.workspace import Workspace

CAUSE_SWEEP = "sweep"
#: differences of one kind that are kept by id; all are counted
DIFFERENCES_KEPT = 500
_LINKS_PAGE = 1000


@dataclass(slots=True, kw_only=True)
class KindFound:
    """What the first look found of one kind."""

    mapping: KindMapping
    readings: dict[Side, Reading]
    comparison: Comparison
    #: birthplaces of pairs to be looked at again
    pairs: list[Key] = field(default_factory=list)
    #: pairs of which one record is gone, and that are over
    closed: int = 0

    @property
    def explained(self) -> Counter[str]:
        total = Counter({"closed": self.closed} if self.closed else {})
        for reading in self.readings.values():
            total += reading.explained
        return total


@dataclass(slots=True, kw_only=True)
class Found:
    """What the first look found."""

    started_at: datetime
    period: str | None
    kinds: dict[str, KindFound] = field(default_factory=dict)
    #: keys that were signalled
    signalled: int = 0


def look(workspace: Workspace, *, kinds: Sequence[str] = (), period: str | None = None) -> Found:
    """Lists both sides and signals what is odd. Raises Interrupted when told to stop."""
    found = Found(started_at=workspace.clock.now(), period=period)
    for kind in workspace.kinds():
        if not kinds or kind in kinds:
            found.kinds[kind] = _look_at(workspace, workspace.pack.kinds[kind], period)
            if period is None:
                for side, reading in found.kinds[kind].readings.items():
                    check_listing(workspace, side, {kind: reading.listed})
            found.signalled += _signal(workspace, found.kinds[kind])
    return found


def sweep_and_settle(workspace: Workspace, report: PassReport, *, kinds: Sequence[str] = ()) -> tuple[int, Certificate]:
    """Compares everything, makes up for what was missed in one more pass, and certifies what remains. What that
    pass did is added to `report`.
    """
    found = look(workspace, kinds=kinds)
    if found.signalled:
        report.add(run_pass(workspace, kinds=kinds))
    return certify(workspace, found)


def certify(workspace: Workspace, found: Found) -> tuple[int, Certificate]:
    """Reads again what was odd, and stores what is left of it; the certificate and its number."""
    kinds: dict[str, Any] = {}
    listed: list[Difference] = []
    unexplained = 0
    for kind, one in found.kinds.items():
        loose = one.readings[Side.SALESFORCE].loose | one.readings[Side.STRIPE].loose
        explained = one.explained
        differing: Counter[str] = Counter()
        kept = 0
        for each in look_again(workspace, one.mapping, one.pairs, loose):
            if each.explained is None:
                differing[each.sort.value] += 1
            else:
                explained[each.explained] += 1
            if kept < DIFFERENCES_KEPT:
                listed.append(each)
                kept += 1
        unexplained += differing.total()
        kinds[kind] = _summary(one, explained, differing, found.period)
    certificate = Certificate(
        started_at=found.started_at,
        as_of=found.started_at,
        is_complete=not unexplained and not workspace.stopped_kinds,
        detail={
            "period": found.period,
            "kinds": kinds,
            "unexplained": unexplained,
            "differences": [each.as_dict() for each in listed],
            "stopped_kinds": dict(workspace.stopped_kinds),
        },
    )
    return workspace.store.certificates.save(certificate), certificate


def _summary(one: KindFound, explained: Counter[str], differing: Counter[str], period: str | None) -> dict[str, Any]:
    is_born_here = one.mapping.born is Side.SALESFORCE
    periods = {}
    for name, both in sorted(one.comparison.periods.items()):
        if period is not None and name != period:
            continue
        tallies = (both.born, both.mate) if is_born_here else (both.mate, both.born)
        periods[name] = {
            side.value: {"count": tally.count, "digest": tally.digest}
            for side, tally in zip((Side.SALESFORCE, Side.STRIPE), tallies, strict=True)
        }
    return {
        "listed": {side.value: reading.listed for side, reading in one.readings.items()},
        "periods": periods,
        "explained": dict(sorted(explained.items())),
        "differing": dict(sorted(differing.items())),
        "looked_at_again": len(one.pairs) + sum(len(reading.loose) for reading in one.readings.values()),
    }


def _look_at(workspace: Workspace, mapping: KindMapping, period: str | None) -> KindFound:
    with workspace.workers.pool(size=len(Side), name="sweep") as pool:
        reading = list(pool.map(lambda side: read_side(workspace, mapping, side, period=period), Side))
    readings = dict(zip(Side, reading, strict=True))
    comparison = compare(readings[mapping.born].ledger, readings[mapping.born.other].ledger)
    one = KindFound(mapping=mapping, readings=readings, comparison=comparison)
    odd = readings[Side.SALESFORCE].pairs | readings[Side.STRIPE].pairs | _told_of(workspace, mapping)
    for link in _links(workspace, mapping.kind):
        if link.mate_id is not None:
            _sort(one, link, is_odd=link.born in odd, period=period)
    return one


def _told_of(workspace: Workspace, mapping: KindMapping) -> set[Key]:
    """Pairs that something is told of: what ended it may have moved nothing that is listed."""
    findings = workspace.store.load_findings()
    return {
        Key(side=mapping.born, kind=mapping.kind, id=finding.subject)
        for finding in findings
        if kind_of(finding.code) == mapping.kind
    }


def _sort(one: KindFound, link: Link, *, is_odd: bool, period: str | None) -> None:
    name, comparison = name_of(link.born.id), one.comparison
    if period is not None and comparison.period_of(name) not in (None, period):
        return
    if link.state is LinkState.CLOSED and not comparison.is_on_both(name):
        one.closed += 1
    elif is_odd or name not in comparison.agreed or link.state in (LinkState.PARKED, LinkState.WAITING):
        one.pairs.append(link.born)


def _signal(workspace: Workspace, one: KindFound) -> int:
    """So that the next pass looks at them; the number of keys."""
    keys: set[Key] = set()
    for start in range(0, len(one.pairs), _LINKS_PAGE):
        links = workspace.store.load_links(one.pairs[start : start + _LINKS_PAGE])
        for link in links.values():
            keys |= _keys_of(link)
    for reading in one.readings.values():
        keys |= set(reading.loose) | reading.unseen
    raise_signals(workspace, sorted(keys), cause=CAUSE_SWEEP)
    return len(keys)


def _keys_of(link: Link) -> set[Key]:
    """What to signal so that a lifecycle looks at both records."""
    return {link.born} if link.mate is None else {link.born, link.mate}


def _links(workspace: Workspace, kind: str) -> Iterator[Link]:
    after = ""
    while page := workspace.store.load_links_in(kind=kind, limit=_LINKS_PAGE, after_born_id=after):
        yield from page
        after = page[-1].born.id
