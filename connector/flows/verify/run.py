"""One verification: which evidence the checks want, gathered on both sides at once, then judged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connector.core.model import Side
from connector.core.verify.checks import Verdict
from connector.core.verify.evidence import Seen, Unreadable
from connector.core.verify.memory import PackagePin
from connector.core.verify.org import Packages
from connector.flows.verify.judge import Given, judge_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from connector.core.verify.checks import AcceptedRisk, Check, Profile, Result
    from connector.core.verify.evidence import Evidence, Situation
    from connector.core.verify.sides import SideCard
    from connector.flows.verify.choose import Choice
    from connector.flows.verify.conditions import Condition
    from connector.ports import Clock
    from connector.ports.verifying import Inspector, VerifyMemory

#: how good a verdict is, for "new since the last run"
_RANK = {Verdict.PASS: 0, Verdict.NOT_APPLICABLE: 0, Verdict.WARN: 1, Verdict.MANUAL: 2, Verdict.UNKNOWN: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is to be verified, and against which rules."""

    choice: Choice
    conditions: Mapping[str, Condition]
    profile: Profile
    situation: Situation
    #: by check id
    accepted: Mapping[str, AcceptedRisk]
    #: packages as they are now become the ones later runs compare with
    accept_packages: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What one run found."""

    run_id: str
    profile: Profile
    started_at: datetime
    results: tuple[Result, ...]
    #: who answered, or why nobody did
    sides: Mapping[Side, SideCard | Unreadable]
    #: namespace -> version
    packages: Mapping[str, str]
    #: the installed packages; None where they could not be read
    pins: tuple[PackagePin, ...] | None
    #: requests sent, by side
    calls: Mapping[str, int]
    seconds: float
    #: when the run was that this one is compared with
    compared_with: datetime | None = None
    #: why earlier runs, pins and attestations are not known; empty when they are
    without_memory: str = ""


def verify(
    errand: Errand,
    *,
    inspectors: Mapping[Side | None, Inspector | Unreadable],
    sides: Mapping[Side, SideCard | Unreadable],
    memory: VerifyMemory | Unreadable,
    clock: Clock,
    started_s: float,
) -> Verification:
    """Runs these checks and stores nothing. A side that cannot be looked at at all stands as Unreadable: its
    checks are UNKNOWN. `started_s` is when the work began, by the monotonic clock.
    """
    started_at = clock.now()
    profile, checks = errand.profile, errand.choice.checks
    evidence = _gather(checks, inspectors)
    pins = pins_of(evidence, started_at)
    attested = () if isinstance(memory, Unreadable) else memory.load_attestations()
    results = judge_all(
        checks,
        conditions=errand.conditions,
        evidence=evidence,
        profile=profile,
        situation=replace(errand.situation, pins=_pinned(errand, memory, pins)),
        given=Given(
            attestations={each.check_id: each for each in attested},
            accepted=errand.accepted,
            versions=_versions(evidence),
            shown=errand.choice.shown,
        ),
        now=started_at,
    )
    shown = [result for result in results if result.check.id in errand.choice.shown]
    compared_with = None
    if not isinstance(memory, Unreadable):
        shown, compared_with = _compared(shown, memory, profile, started_at)
    return Verification(
        run_id=f"{started_at:%Y%m%dT%H%M%S%f}Z",
        profile=profile,
        started_at=started_at,
        results=tuple(shown),
        sides=sides,
        packages=_versions(evidence),
        pins=pins,
        calls={
            side.value: inspector.calls
            for side, inspector in inspectors.items()
            if side is not None and not isinstance(inspector, Unreadable)
        },
        seconds=clock.monotonic_s() - started_s,
        compared_with=compared_with,
        without_memory=memory.reason if isinstance(memory, Unreadable) else "",
    )


def side_of(name: str) -> Side | None:
    """Whose evidence this is: `stripe_...` is Stripe's, `own_...` this machine's, everything else Salesforce's."""
    if name.startswith("own_"):
        return None
    return Side.STRIPE if name.startswith("stripe_") else Side.SALESFORCE


def _gather(checks: Sequence[Check], inspectors: Mapping[Side | None, Inspector | Unreadable]) -> dict[str, Evidence]:
    names = dict.fromkeys(name for check in checks for name in check.evidence)
    wanted: dict[Side | None, list[str]] = {}
    for name in names:
        wanted.setdefault(side_of(name), []).append(name)
    found: dict[str, Evidence] = {}
    with ThreadPoolExecutor(max_workers=3, thread_name_prefix="verify") as pool:
        futures = []
        for side, mine in wanted.items():
            inspector = inspectors[side]
            if isinstance(inspector, Unreadable):
                found |= dict.fromkeys(mine, inspector)
            else:
                futures.append(pool.submit(inspector.inspect, mine))
        for future in futures:
            found |= future.result()
    return found


def _versions(evidence: Mapping[str, Evidence]) -> dict[str, str]:
    return {row.namespace: row.version_text for row in _packages(evidence).rows if row.namespace is not None}


def pins_of(evidence: Mapping[str, Evidence], at: datetime) -> tuple[PackagePin, ...] | None:
    """The installed packages as they are now, to be remembered; None where they could not be read."""
    if not isinstance(evidence.get("packages"), Seen):
        return None
    return tuple(
        PackagePin(
            namespace=row.namespace,
            package_id=row.package_id,
            version_id=row.version_id,
            version=row.version,
            pinned_at=at,
        )
        for row in _packages(evidence).rows
        if row.namespace is not None
    )


def _packages(evidence: Mapping[str, Evidence]) -> Packages:
    found = evidence.get("packages")
    if isinstance(found, Seen) and isinstance(found.value, Packages):
        return found.value
    return Packages(rows=())


def _pinned(
    errand: Errand, memory: VerifyMemory | Unreadable, now: tuple[PackagePin, ...] | None
) -> tuple[PackagePin, ...] | None:
    """What the packages are compared with; None where nothing is remembered."""
    if isinstance(memory, Unreadable):
        return None
    return now if errand.accept_packages and now is not None else tuple(memory.load_pins())


def _compared(
    results: Sequence[Result], memory: VerifyMemory, profile: Profile, now: datetime
) -> tuple[list[Result], datetime | None]:
    """Each result with how long it has been so, and whether it became worse since the last run."""
    runs = memory.load_verifications(1, profile=profile.id)
    if not runs:
        return list(results), None
    since = memory.unchanged_since({result.check.id: result.verdict.value for result in results}, profile=profile.id)
    before = runs[0].verdicts
    compared = [
        replace(
            result,
            since=since.get(result.check.id, now if result.check.id in before else None),
            is_new=result.check.id in before and _rank(result.verdict) > _rank(Verdict(before[result.check.id])),
        )
        for result in results
    ]
    return compared, runs[0].at


def _rank(verdict: Verdict) -> int:
    return _RANK.get(verdict, 3)
