"""From evidence to results: asks every check's condition, and says so where none could be asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connector.core.verify.checks import Judgement, Result, Verdict
from connector.core.verify.evidence import Facts, NotReadable, ProbeBroke
from connector.core.verify.private import private

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from connector.core.verify.checks import AcceptedRisk, Attestation, Check, Profile
    from connector.core.verify.evidence import Evidence, Situation
    from connector.flows.verify.conditions import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What people said before this run, and what they asked of it."""

    #: check id -> its newest attestation
    attestations: Mapping[str, Attestation]
    #: check id -> accepted risk
    accepted: Mapping[str, AcceptedRisk]
    #: namespace -> version installed now
    versions: Mapping[str, str]
    #: ids of the checks that stand in the report; None: all
    shown: Collection[str] | None = None


def judge_all(
    checks: Sequence[Check],
    *,
    conditions: Mapping[str, Condition],
    evidence: Mapping[str, Evidence],
    profile: Profile,
    situation: Situation,
    given: Given,
    now: datetime,
) -> list[Result]:
    """One result per check, in their order; a check stands behind what it needs."""
    results: dict[str, Result] = {}
    for check in checks:
        facts = Facts(check=check, profile=profile, situation=situation, now=now, evidence=evidence)
        judgement = _skipped(check, profile) or _held_up(check, results, profile, given)
        judgement = judgement or _judge(facts, conditions[check.condition])
        results[check.id] = _result(check, judgement, given, now)
    return list(results.values())


def _skipped(check: Check, profile: Profile) -> Judgement | None:
    """What means nothing in this sort of org: `skips` of the profile, check id -> why."""
    reason = profile.options.get("skips", {}).get(check.id)
    return None if reason is None else Judgement(verdict=Verdict.NOT_APPLICABLE, observed=str(reason))


def _held_up(check: Check, results: Mapping[str, Result], profile: Profile, given: Given) -> Judgement | None:
    """A check that means nothing without another one is not looked at when that one does not hold."""
    for name in check.needs:
        before = results.get(name)
        if before is None or before.verdict in (Verdict.PASS, Verdict.WARN) or name in profile.options.get("skips", {}):
            continue
        if before.accepted is not None:
            # Living with one failure is not knowing about what hangs on it.
            observed = f"cannot be told: needs {name}, which was accepted as it is"
            return Judgement(verdict=Verdict.UNKNOWN, observed=observed, fix=f"Mend {name} instead of accepting it.")
        if before.verdict is Verdict.FAIL and given.shown is not None and name not in given.shown:
            # The failure stands nowhere in this report, and "not applicable" would let it end as ready.
            observed = f"cannot be told: needs {name}, which failed and is left out of this run"
            return Judgement(verdict=Verdict.UNKNOWN, observed=observed, fix=f"Run connector verify --only {name}.")
        if before.verdict in (Verdict.FAIL, Verdict.NOT_APPLICABLE):
            return Judgement(verdict=Verdict.NOT_APPLICABLE, observed=f"not looked at: needs {name}")
        observed = f"cannot be told before {name}, which is {before.verdict}"
        return Judgement(verdict=Verdict.UNKNOWN, observed=observed, fix=f"Settle {name} first.")
    return None


def _judge(facts: Facts, condition: Condition) -> Judgement:
    try:
        return condition(facts)
    except NotReadable as error:
        return _unknown(error)
    except ProbeBroke as error:
        return Judgement(verdict=Verdict.CRASHED, observed=f"{error.broken.source}: {error.broken.error}")
    except Exception as error:  # noqa: BLE001 - a broken check costs its neighbours nothing, and is no pass
        return Judgement(verdict=Verdict.CRASHED, observed=f"the check broke: {type(error).__name__}")


def _unknown(error: NotReadable) -> Judgement:
    unreadable = error.unreadable
    fix = unreadable.fix
    if fix is None and unreadable.permission is not None:
        fix = f"give the user that runs verify the permission {unreadable.permission}, then run it again"
    return Judgement(
        verdict=Verdict.UNKNOWN, observed=f"cannot be read: {unreadable.reason}", fix=fix, evidence=(unreadable.source,)
    )


def _result(check: Check, judgement: Judgement, given: Given, now: datetime) -> Result:
    judgement, attestation = _attested(check, judgement, given, now)
    risk = given.accepted.get(check.id)
    if judgement.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.CRASHED):
        # Nobody accepts a bug of ours, and nothing else here needs to be accepted.
        risk = None
    in_force = risk is not None and risk.expires >= now.date()
    return Result(
        check=check,
        verdict=judgement.verdict,
        severity=judgement.severity or check.severity,
        observed=judgement.observed,
        expected=judgement.expected or check.expected,
        why=judgement.why or check.why,
        fix=judgement.fix or check.fix,
        evidence=judgement.evidence,
        degraded=judgement.degraded,
        attestation=attestation,
        accepted=risk if in_force else None,
        lapsed=None if in_force else risk,
    )


def _attested(check: Check, judgement: Judgement, given: Given, now: datetime) -> tuple[Judgement, Attestation | None]:
    """A manual check that a named person looked at is a pass, for as long as that holds."""
    attestation = given.attestations.get(check.id)
    if judgement.verdict is not Verdict.MANUAL or check.attest is None or attestation is None:
        return judgement, None
    void = _why_void(check, attestation, given, now)
    if void is not None:
        return replace(judgement, observed=f"{judgement.observed}; {void}"), None
    observed = f"attested by {private(attestation.by)} on {attestation.at:%Y-%m-%d}, until {attestation.expires}"
    return replace(judgement, verdict=Verdict.PASS, observed=observed), attestation


def _why_void(check: Check, attestation: Attestation, given: Given, now: datetime) -> str | None:
    if attestation.expires < now.date():
        return f"the attestation of {private(attestation.by)} ended on {attestation.expires}"
    for namespace in check.attest_packages:
        then, today = attestation.packages.get(namespace), given.versions.get(namespace)
        if then != today:
            by = private(attestation.by)
            return f"the attestation of {by} was for {namespace} {then or 'unknown'}, now it is {today or 'unknown'}"
    return None
