"""What tests of the verifier share: the shipped checks, judged one by one, and an inspector on an org in process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector.config.prerequisites import load_rules
from connector.core.verify.checks import Profile
from connector.core.verify.evidence import Seen, Situation, Unreadable
from connector.core.verify.private import shown
from connector.flows.verify.conditions import CONDITIONS
from connector.flows.verify.judge import Given, judge_all
from connector.salesforce.inspect.inspector import SalesforceInspector
from tests.support.salesforce import client_of, client_options, shipped_pack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.verify.checks import Check, Result, Rules
    from connector.core.verify.evidence import Evidence
    from tests.support.salesforce import Bench

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PLAIN = Profile(id="plain", title="a profile without options", when="in tests")
NOT_READABLE = Unreadable(source="query X", reason="no access", permission="View Setup")
NOBODY = Given(attestations={}, accepted={}, versions={})


@cache
def shipped_rules() -> Rules:
    path = Path(__file__).parents[2] / "config" / "prerequisites.yaml"
    return load_rules(path, conditions=CONDITIONS)


def shipped_check(check_id: str, **changes: Any) -> Check:
    """The check as shipped, judged alone: without what it needs."""
    found = next(check for check in shipped_rules().checks if check.id == check_id)
    return replace(found, needs=(), **changes)


def situation(**changes: Any) -> Situation:
    given: dict[str, Any] = {
        "pack": shipped_pack(),
        "api_version": "67.0",
        "stripe_api_version": "2026-10-28.endive",
        "go_live": date(2026, 10, 1),
    }
    return Situation(**{**given, **changes})


def judged(check: str | Check, *, profile: Profile = PLAIN, now: datetime = NOW, **given: Any) -> Result:
    """The result of one shipped check. Evidence by name: a value, or how it could not be read; `about` is the Situation."""
    about = given.pop("about", None) or situation()
    evidence: Mapping[str, Evidence] = {
        name: value if isinstance(value, Unreadable | Seen) else Seen(value=value, source="test")
        for name, value in given.items()
    }
    chosen = shipped_check(check) if isinstance(check, str) else check
    (result,) = judge_all(
        [chosen],
        conditions=CONDITIONS,
        evidence=evidence,
        profile=profile,
        situation=about,
        given=NOBODY,
        now=now,
    )
    return result


def plain(result: Result) -> Result:
    """As people read it, without the marks around names."""
    return replace(result, observed=shown(result.observed), evidence=tuple(shown(fact) for fact in result.evidence))


def inspector_of(bench: Bench, **options: Any) -> SalesforceInspector:
    """Signed in to the bench's org; `options` as the composition root gives them."""
    client = client_of(bench.org, client_options(bench.org), clock=bench.clock)
    return SalesforceInspector(client=client, pack=bench.pack, options=options)


def evidence_of(bench: Bench, *names: str, **options: Any) -> dict[str, Evidence]:
    return dict(inspector_of(bench, **options).inspect(names))


def value_of(bench: Bench, name: str, **options: Any) -> Any:
    """The value of one piece of evidence that must be readable."""
    found = evidence_of(bench, name, **options)[name]
    assert isinstance(found, Seen), found
    return found.value
