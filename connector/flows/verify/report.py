"""One verification as the one dict every report is made of: terminal, JSON, HTML, JUnit, SARIF. Pure.

Names of people and records are still marked in it (core/verify/private.py); who prints it shows or hides them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from connector.core.model import Side
from connector.core.verify.checks import Verdict
from connector.core.verify.evidence import Unreadable
from connector.core.verify.private import private

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.verify.checks import AcceptedRisk, Check, Result, Rules
    from connector.core.verify.sides import SideCard
    from connector.flows.verify.ending import Ending
    from connector.flows.verify.run import Verification


def report_of(verification: Verification, ending: Ending, rules: Rules, *, whole: bool) -> dict[str, Any]:
    """docs/json.md describes the keys. `whole`: every check of the profile is in it."""
    return {
        "run_id": verification.run_id,
        "at": verification.started_at.isoformat(timespec="seconds"),
        "profile": {"id": verification.profile.id, "title": verification.profile.title},
        "salesforce": _side(verification.sides.get(Side.SALESFORCE)),
        "stripe": _side(verification.sides.get(Side.STRIPE)),
        "packages": dict(verification.packages),
        "checks": [_check(result, verification, rules) for result in _by_topic(verification.results, rules)],
        "summary": {**_summary(verification, ending), "whole": whole},
    }


def topic_of(check_id: str, rules: Rules) -> str:
    """What a check is about, by the beginning of its id: `SF-PKG-01` -> `Packages`."""
    parts = check_id.split("-")
    for length in range(len(parts), 0, -1):
        beginning = "-".join(parts[:length])
        if beginning in rules.topics:
            return rules.topics[beginning]
    return parts[0]


def topic_place(check_id: str, rules: Rules) -> int:
    """Where its topic stands among all: reports and `--list` are in this order."""
    topics = list(dict.fromkeys(rules.topics.values()))
    topic = topic_of(check_id, rules)
    return topics.index(topic) if topic in topics else len(topics)


def listed(check: Check, rules: Rules) -> dict[str, Any]:
    """A check as the file states it, for `--list` and `--explain`."""
    steps = {step.id: step.title for step in rules.guide}
    return {
        "id": check.id,
        "title": check.title,
        "severity": check.severity.value,
        "certainty": check.certainty.value,
        "side": check.side.value if check.side is not None else "connector",
        "topic": topic_of(check.id, rules),
        "profiles": list(check.profiles),
        "guide": [steps[step] for step in check.guide],
        "needs": list(check.needs),
        "expected": check.expected,
        "why": check.why,
        "fix": check.fix,
        "link": check.link,
        "attest": check.attest,
    }


def _side(card: SideCard | Unreadable | None) -> dict[str, Any] | None:
    if card is None:
        return None
    if isinstance(card, Unreadable):
        return {"reached": False, "reason": card.reason, "fix": card.fix}
    return {
        "reached": True,
        "id": card.id,
        "name": card.name,
        "is_live": card.is_live,
        "address": card.address,
        "api_version": card.api_version,
        "user": card.user,
    }


def _check(result: Result, verification: Verification, rules: Rules) -> dict[str, Any]:
    check, attestation = result.check, result.attestation
    steps = {step.id: step.title for step in rules.guide}
    return {
        "id": check.id,
        "title": check.title,
        "outcome": result.verdict.value,
        "severity": result.severity.value,
        "certainty": check.certainty.value,
        "side": check.side.value if check.side is not None else "connector",
        "topic": topic_of(check.id, rules),
        "guide": [steps[step] for step in check.guide],
        "open": result.is_open,
        "observed": result.observed,
        "expected": result.expected,
        "why": result.why,
        "fix": result.fix,
        "link": _link(check, verification.sides),
        "attest": check.attest if result.verdict is Verdict.MANUAL else None,
        "evidence": list(result.evidence),
        "degraded": result.degraded,
        "since": result.since.isoformat(timespec="seconds") if result.since is not None else None,
        "new": result.is_new,
        "attestation": None
        if attestation is None
        else {
            "by": private(attestation.by),
            "note": private(attestation.note),
            "expires": attestation.expires.isoformat(),
        },
        "accepted": _risk(result.accepted),
        "lapsed": _risk(result.lapsed),
        "place": _place(check, rules),
    }


def _risk(risk: AcceptedRisk | None) -> dict[str, Any] | None:
    if risk is None:
        return None
    return {
        "owner": private(risk.owner),
        "reason": risk.reason,
        "expires": risk.expires.isoformat(),
        "where": risk.where,
    }


def _by_topic(results: Sequence[Result], rules: Rules) -> list[Result]:
    """Topics in the order of the file, and within one the checks in theirs."""
    return sorted(results, key=lambda result: topic_place(result.check.id, rules))


def _place(check: Check, rules: Rules) -> str:
    """`config/prerequisites.yaml:39`, wherever the program is installed."""
    where = rules.places.get(check.id, "")
    return "/".join(where.replace("\\", "/").split("/")[-2:])


def _link(check: Check, sides: Mapping[Side, SideCard | Unreadable]) -> str | None:
    """The page where it is mended; None where the org's address is not known."""
    if check.link is None or not check.link.startswith("/"):
        return check.link
    card = sides.get(check.side) if check.side is not None else None
    return None if card is None or isinstance(card, Unreadable) else card.address + check.link


def _summary(verification: Verification, ending: Ending) -> dict[str, Any]:
    results = verification.results
    open_ones = [result for result in results if result.accepted is None]
    counts = Counter(result.verdict for result in open_ones)
    return {
        "ready": ending.ready,
        "fails": ending.fails,
        "fail_on": ending.fail_on.value,
        "strict": ending.strict,
        "counts": {verdict.value: counts[verdict] for verdict in Verdict},
        "accepted": len(results) - len(open_ones),
        "failed": list(ending.failed),
        "unsure": list(ending.unsure),
        "stopping": list(ending.stopping),
        "new": [result.check.id for result in results if result.is_new],
        "compared_with": None
        if verification.compared_with is None
        else verification.compared_with.isoformat(timespec="seconds"),
        "without_memory": verification.without_memory or None,
        "api_calls": dict(verification.calls),
        "seconds": round(verification.seconds, 2),
    }
