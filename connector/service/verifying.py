"""The verification the schedule asks for: the same checks as `connector verify`, remembered the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.core.model import Severity
from connector.flows.verify.choose import choose
from connector.flows.verify.ending import end
from connector.flows.verify.report import report_of
from connector.runtime.private_reports import for_people
from connector.verification import chosen_profile, open_verification, shipped_rules

if TYPE_CHECKING:
    from connector.config.settings import Settings
    from connector.ports import Clock


def verify_once(settings: Settings, clock: Clock) -> dict[str, Any]:
    """What it found, as `verify --json` has it. Raises ConfigError, MappingError or StoreError."""
    rules = shipped_rules()
    profile = chosen_profile(rules, settings.verify.profile)
    choice = choose(rules, profile)
    with open_verification(settings, rules=rules, profile=profile, clock=clock) as verifier:
        verification = verifier.run(choice)
        ending = end(verification.results, fail_on=Severity.ERROR, strict=False)
        report = report_of(verification, ending, rules, whole=choice.whole)
        verifier.remember(verification, for_people(report, hide=True))
    return report
