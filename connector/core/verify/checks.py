"""One check as config/prerequisites.yaml states it, what was judged of it, and what stands in the report.

Seven verdicts, and only one of them is a pass: what could not be read is UNKNOWN, what no API can
read is MANUAL until a named person attests it, a check that broke is CRASHED.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from connector.core.model import Severity, Side


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a word of the report, no password
    WARN = "warn"
    FAIL = "fail"
    #: not readable: a permission is missing, or the call failed
    UNKNOWN = "unknown"
    #: no API exists: a person has to look and attest
    MANUAL = "manual"
    NOT_APPLICABLE = "not_applicable"
    #: the check itself broke: a bug of ours, never a pass
    CRASHED = "crashed"


class Certainty(StrEnum):
    """How well the facts behind a check are known (platform.md: V, I, ?)."""

    VERIFIED = "verified"
    INFERRED = "inferred"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A rule. Texts are shown to people as they are; `{name}` in them is filled by the judgement."""

    #: stable, as platform.md A3 names it: `SF-PKG-01`
    id: str
    title: str
    #: None: about this machine and our own settings
    side: Side | None
    severity: Severity
    certainty: Certainty
    #: name of the decision in flows/verify/conditions
    condition: str
    #: what a pass looks like
    expected: str
    #: what goes wrong without it
    why: str
    #: exactly what to do
    fix: str
    #: path below the org's own address, or a whole address, of the page where it is mended
    link: str | None = None
    #: names of the evidence the condition reads; all of it is gathered before anything is judged
    evidence: tuple[str, ...] = ()
    #: parameters of the condition
    options: Mapping[str, Any] = field(default_factory=dict)
    #: checks without which this one means nothing: not looked at when one of them failed
    needs: tuple[str, ...] = ()
    #: profiles it belongs to; empty: all
    profiles: tuple[str, ...] = ()
    #: steps of the installation guide it stands for
    guide: tuple[str, ...] = ()
    #: what a person has to look at where no API answers; None: cannot be attested
    attest: str | None = None
    #: namespaces whose package version an attestation is bound to: an upgrade voids it
    attest_packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What "Stripe's package" means in an org."""

    id: str
    title: str
    #: shown by `--list`: when to choose it
    when: str
    #: parameters the conditions read: namespaces, names of Apex classes, of permission sets
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideStep:
    """A step of the installation guide our users followed."""

    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The whole of config/prerequisites.yaml."""

    checks: tuple[Check, ...]
    profiles: tuple[Profile, ...]
    guide: tuple[GuideStep, ...]
    #: beginning of check ids -> what they are about: `SF-PKG` -> `Packages`
    topics: Mapping[str, str] = field(default_factory=dict)
    #: `file:line` of each check, for reports that must name a place
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a condition decided. None leaves what the check says."""

    verdict: Verdict
    #: what was seen, in one sentence a person can act on
    observed: str
    expected: str | None = None
    why: str | None = None
    fix: str | None = None
    severity: Severity | None = None
    #: facts the verdict rests on, one per line: `SBQQ 250.3.0 (04t...)`
    evidence: tuple[str, ...] = ()
    #: the fact could only be read by a weaker way
    degraded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """A named person looked and says it is right, until a day."""

    check_id: str
    by: str
    note: str
    at: datetime
    expires: date
    #: namespace -> version when it was attested; another version voids it
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedRisk:
    """A check that is known to fail and may, for a while: from the accepted-risk file."""

    check_id: str
    owner: str
    reason: str
    expires: date
    #: `file:line`
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the report."""

    check: Check
    verdict: Verdict
    severity: Severity
    observed: str
    expected: str
    why: str
    fix: str
    evidence: tuple[str, ...] = ()
    degraded: bool = False
    attestation: Attestation | None = None
    accepted: AcceptedRisk | None = None
    #: was accepted, until a day that has passed
    lapsed: AcceptedRisk | None = None
    #: when the check was first seen as it is now (drift: "since when"); None the first time it is looked at
    since: datetime | None = None
    #: the run before said something better
    is_new: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a person still has to do something: not passed, and nobody accepted it."""
        return self.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE) and self.accepted is None
