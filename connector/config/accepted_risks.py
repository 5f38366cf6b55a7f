"""The accepted-risk file: checks that fail and may, for a while, because somebody answers for it.

One entry each: `- {check: SF-ORD-01, owner: Anna Admin, reason: we never split orders, expires: 2027-02-01}`.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from connector.config.sections import Section, did_you_mean
from connector.config.yaml_reader import read_yaml_file
from connector.core.errors import ConfigError, Problem
from connector.core.verify.checks import AcceptedRisk

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def load_accepted_risks(path: Path, *, checks: Collection[str]) -> dict[str, AcceptedRisk]:
    """By check id, expired ones too. `checks` are the ids that exist. Raises ConfigError with every problem."""
    name = str(path)
    problems: list[Problem] = []
    risks: dict[str, AcceptedRisk] = {}
    remedy = "correct CONNECTOR_VERIFY__ACCEPTED_RISKS, or make it a readable file"
    root = read_yaml_file(path, problems, remedy=remedy)
    entries = root.value if root is not None else []
    if not isinstance(entries, list):
        remedy = "write `- check: ...` entries"
        problems.append(Problem(where=name, observed="is not a list of accepted risks", remedy=remedy))
    else:
        for node in entries:
            risk = _risk(Section(node, title="accepted risk", problems=problems), checks, risks)
            if risk is not None:
                risks[risk.check_id] = risk
    if problems:
        raise ConfigError(problems)
    return risks


def _risk(section: Section, checks: Collection[str], earlier: Collection[str]) -> AcceptedRisk | None:
    check_id, owner = section.text("check", required=True), section.text("owner", required=True)
    reason, expires = section.text("reason", required=True), _day(section, "expires")
    section.finish()
    if check_id is not None and check_id not in checks:
        observed = f"there is no check {check_id!r}{did_you_mean(check_id, checks)}"
        section.report(observed, "`connector verify --list` names all", key="check")
    if check_id in earlier:
        section.report(f"{check_id} is accepted twice", "keep one of the two", key="check")
    if check_id is None or owner is None or reason is None or expires is None:
        return None
    return AcceptedRisk(check_id=check_id, owner=owner, reason=reason, expires=expires, where=section.where)


def _day(section: Section, key: str) -> date | None:
    text = section.text(key, required=True)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        section.report(f"{key} is {text!r}", "write a day as 2027-02-01", key=key)
        return None
