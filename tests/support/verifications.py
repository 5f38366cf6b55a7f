"""Checks, results and whole verifications in a few words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from connector.core.model import Severity, Side
from connector.core.verify.checks import (
    Attestation,
    Certainty,
    Check,
    GuideStep,
    Judgement,
    Profile,
    Result,
    Rules,
    Verdict,
)
from connector.core.verify.evidence import Situation
from connector.core.verify.sides import SideCard
from connector.flows.verify.ending import end
from connector.flows.verify.report import report_of
from connector.flows.verify.run import Verification
from tests.support.world import PACK, _pack_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.verify.evidence import Facts

NOW = datetime(2026, 11, 21, 20, 22, tzinfo=UTC)
PROFILE = Profile(id="connector-only", title="No Stripe package", when="nothing is installed")

ORG = SideCard(
    id="00Dcw0000000001EAA",
    name="Acme",
    is_live=True,
    address="https://acme.my.salesforce.com",
    api_version="67.0",
    user="sync@acme.com",
)
ACCOUNT = SideCard(
    id="acct_1JaKdP9OtXdEApxY",
    name="Acme Inc",
    is_live=True,
    address="https://api.stripe.com",
    api_version="2026-10-28.endive",
)


def check(check_id: str = "SF-PKG-01", **fields: Any) -> Check:
    given = {
        "title": f"title of {check_id}",
        "side": Side.SALESFORCE,
        "severity": Severity.ERROR,
        "certainty": Certainty.VERIFIED,
        "condition": "asked",
        "expected": "what is right",
        "why": "what goes wrong",
        "fix": "what to click",
        **fields,
    }
    return Check(id=check_id, **given)


def rules(*checks: Check) -> Rules:
    return Rules(
        checks=checks,
        profiles=(PROFILE, Profile(id="legacy", title="Stripe's old package", when="it is installed")),
        guide=(GuideStep(id="cpq-package", title="CPQ installed"),),
        topics={"SF-PKG": "Packages", "SF-ACC": "Access", "STR": "Stripe account"},
        places={each.id: f"/opt/share/config/prerequisites.yaml:{10 + place}" for place, each in enumerate(checks)},
    )


def says(verdict: Verdict | str, observed: str = "what was seen", **more: Any) -> Callable[[Facts], Judgement]:
    """A condition that always judges like this."""
    judgement = Judgement(verdict=Verdict(verdict), observed=observed, **more)
    return lambda _facts: judgement


def result(check_id: str = "SF-PKG-01", verdict: Verdict | str = Verdict.PASS, **fields: Any) -> Result:
    about = fields.pop("about", None) or check(check_id)
    given = {
        "severity": about.severity,
        "observed": "what was seen",
        "expected": about.expected,
        "why": about.why,
        "fix": about.fix,
        **fields,
    }
    return Result(check=about, verdict=Verdict(verdict), **given)


def verification(results: Sequence[Result], **fields: Any) -> Verification:
    given = {
        "run_id": "20261121T202200000000Z",
        "profile": PROFILE,
        "started_at": NOW,
        "sides": {Side.SALESFORCE: ORG, Side.STRIPE: ACCOUNT},
        "packages": {"SBQQ": "250.3.0"},
        "pins": (),
        "calls": {"salesforce": 12, "stripe": 5},
        "seconds": 6.1,
        **fields,
    }
    return Verification(results=tuple(results), **given)


def report(
    *results: Result, fail_on: Severity = Severity.ERROR, strict: bool = False, whole: bool = True, **fields: Any
) -> dict[str, Any]:
    ending = end(results, fail_on=fail_on, strict=strict)
    made_of = rules(*(each.check for each in results))
    return report_of(verification(results, **fields), ending, made_of, whole=whole)


def situation(**fields: Any) -> Situation:
    given = {"api_version": "67.0", "stripe_api_version": "2026-10-28.endive", **fields}
    return Situation(pack=_pack_in(PACK), **given)


def attestation(check_id: str = "SF-ORD-01", **fields: Any) -> Attestation:
    given = {"by": "Anna", "note": "seen in Setup", "at": NOW, "expires": date(2027, 2, 1), **fields}
    return Attestation(check_id=check_id, **given)
