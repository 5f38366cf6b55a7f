"""One verification: which evidence the checks want, gathered on both sides at once, then judged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connector.core.model import Side
from connector.core.verify.checks import Verdict
from connector.core.verify.evidence import Seen, Unreadable
from connector.core.verify.org import Packages
from connector.flows.verify.judge import Given, judge_all
from connector.ports import PackagePin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from connector.core.verify.checks import AcceptedRisk, Check, Profile, Result
    from connector.core.verify.evidence import Evidence, Situation
    from connector.flows.verify.conditions import Condition
    from connector.ports import Clock, Inspector, VerifyMemory

#: how good a verdict is, for "new since the last run"
_RANK = {Verdict.PASS: 0, Verdict.NOT_APPLICABLE: 0, Verdict.WARN: 1, Verdict.MANUAL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is to be verified, and against which rules."""

    checks: tuple[Check, ...]
    conditions: Mapping[str, Condition]
    profile: Profile
    situation: Situation
    #: by check id
    accepted: Mapping[str, AcceptedRisk]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What one run found."""

    profile: Profile
    started_at: datetime
    results: tuple[Result, ...]
    #: requests sent, by side
    calls: Mapping[str, int]
    seconds: float
    #: why earlier runs, pins and attestations are not known; empty when they are
    without_memory: str = ""


def verify(
    errand: Errand,
    *,
    inspectors: Mapping[Side | None, Inspector | Unreadable],
    memory: VerifyMemory | Unreadable,
    clock: Clock,
) -> Verification:
    """Runs these checks. A side that cannot be looked at at all stands as Unreadable: its checks are UNKNOWN."""
    started_at, started_s = clock.now(), clock.monotonic_s()
    profile = errand.profile
    chosen = [check for check in errand.checks if not check.profiles or profile.id in check.profiles]
    evidence = _gather(chosen, inspectors)
    attested = () if isinstance(memory, Unreadable) else memory.load_attestations()
    given = Given(
        attestations={each.check_id: each for each in attested},
        accepted=errand.accepted,
        versions=_versions(evidence),
    )
    results = judge_all(
        chosen,
        conditions=errand.conditions,
        evidence=evidence,
        profile=profile,
        situation=errand.situation,
        given=given,
        now=started_at,
    )
    if not isinstance(memory, Unreadable):
        results = _compared(results, memory, profile)
    return Verification(
        profile=profile,
        started_at=started_at,
        results=tuple(results),
        calls={
            side.value: inspector.calls
            for side, inspector in inspectors.items()
            if side is not None and not isinstance(inspector, Unreadable)
        },
        seconds=clock.monotonic_s() - started_s,
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


def pins_of(evidence: Mapping[str, Evidence], at: datetime) -> list[PackagePin]:
    """The installed packages as they are now, to be remembered."""
    return [
        PackagePin(
            namespace=row.namespace,
            package_id=row.package_id,
            version_id=row.version_id,
            version=row.version,
            pinned_at=at,
        )
        for row in _packages(evidence).rows
        if row.namespace is not None
    ]


def _packages(evidence: Mapping[str, Evidence]) -> Packages:
    found = evidence.get("packages")
    if isinstance(found, Seen) and isinstance(found.value, Packages):
        return found.value
    return Packages(rows=())


def _compared(results: Sequence[Result], memory: VerifyMemory, profile: Profile) -> list[Result]:
    """Each result with how long it has been so, and whether it became worse since the last run."""
    since = memory.unchanged_since({result.check.id: result.verdict.value for result in results}, profile=profile.id)
    runs = memory.load_verifications(limit=1)
    before = runs[0].verdicts if runs else {}
    return [
        replace(
            result,
            since=since.get(result.check.id),
            is_new=result.check.id in before and _rank(result.verdict) > _rank(Verdict(before[result.check.id])),
        )
        for result in results
    ]


def _rank(verdict: Verdict) -> int:
    return _RANK.get(verdict, 3)
