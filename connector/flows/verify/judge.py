"""From evidence to results: asks every check's condition, and says so where none could be asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.verify.checks import Judgement, Result, Verdict
from connector.core.verify.evidence import Facts, NotReadable, ProbeBroke

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from connector.core.verify.checks import AcceptedRisk, Attestation, Check, Profile
    from connector.core.verify.evidence import Evidence, Situation
    from connector.flows.verify.conditions import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What people said before this run."""

    #: check id -> its newest attestation
    attestations: Mapping[str, Attestation]
    #: check id -> accepted risk
    accepted: Mapping[str, AcceptedRisk]
    #: namespace -> version installed now
    versions: Mapping[str, str]


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
        judgement = _held_up(check, results) or _judge(facts, conditions[check.condition])
        results[check.id] = _result(check, judgement, given, now)
    return list(results.values())


def _held_up(check: Check, results: Mapping[str, Result]) -> Judgement | None:
    """A check that means nothing without another one is not looked at when that one does not hold."""
    for name in check.needs:
        before = results.get(name)
        if before is None or before.verdict in (Verdict.PASS, Verdict.WARN):
            continue
        if before.verdict in (Verdict.FAIL, Verdict.NOT_APPLICABLE):
            return Judgement(verdict=Verdict.NOT_APPLICABLE, observed=f"not looked at: needs {name}")
        return Judgement(verdict=Verdict.UNKNOWN, observed=f"cannot be told before {name}, which is {before.verdict}")
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
    fix = None
    if unreadable.permission is not None:
        fix = f"give the user that runs verify the permission {unreadable.permission}, then run it again"
    return Judgement(
        verdict=Verdict.UNKNOWN, observed=f"cannot be read: {unreadable.reason}", fix=fix, evidence=(unreadable.source,)
    )


def _result(check: Check, judgement: Judgement, given: Given, now: datetime) -> Result:
    attestation = given.attestations.get(check.id)
    verdict, observed = judgement.verdict, judgement.observed
    if verdict is Verdict.MANUAL and attestation is not None:
        void = _why_void(check, attestation, given, now)
        if void is None:
            verdict, observed = Verdict.PASS, f"attested by {attestation.by} until {attestation.expires}"
        else:
            observed, attestation = f"{observed}; {void}", None
    else:
        attestation = None
    accepted = given.accepted.get(check.id)
    failing = verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.CRASHED)
    return Result(
        check=check,
        verdict=verdict,
        severity=judgement.severity or check.severity,
        observed=observed,
        expected=judgement.expected or check.expected,
        why=judgement.why or check.why,
        fix=judgement.fix or check.fix,
        evidence=judgement.evidence,
        degraded=judgement.degraded,
        attestation=attestation,
        accepted=accepted if accepted is not None and failing and accepted.expires >= now.date() else None,
    )


def _why_void(check: Check, attestation: Attestation, given: Given, now: datetime) -> str | None:
    if attestation.expires < now.date():
        return f"the attestation of {attestation.by} ended on {attestation.expires}"
    for namespace in check.attest_packages:
        then, today = attestation.packages.get(namespace), given.versions.get(namespace)
        if then != today:
            return (
                f"the attestation of {attestation.by} was for {namespace} {then or 'unknown'}, now {today or 'unknown'}"
            )
    return None
