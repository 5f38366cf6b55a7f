"""`config/prerequisites.yaml`: the verifier's checks, profiles and the guide's steps, as data.

Every problem of the file is found in one run, each with its line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.config.sections import Section
from connector.config.yaml_reader import read_yaml_file
from connector.core.errors import ConfigError, Problem
from connector.core.model import Severity, Side
from connector.core.verify.checks import Certainty, Check, GuideStep, Profile, Rules

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from connector.config.yaml_reader import Node

#: what a check is about when it is about no side
_OWN = "connector"


def load_rules(path: Path, *, conditions: Collection[str]) -> Rules:
    """The rules in this file; `conditions` are the decisions that exist. Raises ConfigError with every problem."""
    problems: list[Problem] = []
    root = read_yaml_file(path, problems)
    rules = Rules(checks=(), profiles=(), guide=())
    if root is not None:
        rules = _rules(Section(root, title="prerequisites", problems=problems), problems, conditions)
    if problems:
        raise ConfigError(problems)
    return rules


def _rules(file: Section, problems: list[Problem], conditions: Collection[str]) -> Rules:
    topics = file.text_mapping("topics")
    guide = [_step(Section(node, title="step", problems=problems)) for node in _items(file, "guide")]
    profiles = [_profile(Section(node, title="profile", problems=problems)) for node in _items(file, "profiles")]
    sections = [Section(node, title="check", problems=problems) for node in _items(file, "checks")]
    checks = [_check(section, conditions) for section in sections]
    file.finish()
    known = {check.id for check in checks}
    for check, section in zip(checks, sections, strict=True):
        _references(section, "needs", check.needs, known)
        _references(section, "profiles", check.profiles, {profile.id for profile in profiles})
        _references(section, "guide", check.guide, {step.id for step in guide})
    _twice(sections, [check.id for check in checks])
    _in_order(sections, checks)
    places = {check.id: section.where for check, section in zip(checks, sections, strict=True)}
    return Rules(checks=tuple(checks), profiles=tuple(profiles), guide=tuple(guide), topics=topics, places=places)


def _items(file: Section, key: str) -> list[Node]:
    node = file.node(key, required=True)
    if node is None:
        return []
    if not isinstance(node.value, list):
        file.report(f"{key} is not a list", "write `- id: ...` entries, indented below it", key=key)
        return []
    return node.value


def _step(section: Section) -> GuideStep:
    step = GuideStep(id=section.text("id", required=True) or "", title=section.text("title", required=True) or "")
    section.finish()
    return step


def _profile(section: Section) -> Profile:
    options = section.node("with")
    profile = Profile(
        id=section.text("id", required=True) or "",
        title=section.text("title", required=True) or "",
        when=section.text("when", required=True) or "",
        options=options.plain() if options is not None else {},
    )
    section.finish()
    return profile


def _check(section: Section, conditions: Collection[str]) -> Check:
    options = section.node("with")
    side = section.choice("side", {*Side, _OWN}, required=True)
    check = Check(
        id=section.text("id", required=True) or "",
        title=section.text("title", required=True) or "",
        side=None if side in (None, _OWN) else Side(side),
        severity=Severity(section.choice("severity", set(Severity), required=True) or Severity.BLOCKER),
        certainty=Certainty(section.choice("certainty", set(Certainty), required=True) or Certainty.OPEN),
        condition=section.choice("condition", conditions, required=True) or "",
        expected=section.text("expected", required=True) or "",
        why=section.text("why", required=True) or "",
        fix=section.text("fix", required=True) or "",
        link=section.text("link"),
        evidence=section.texts("evidence"),
        options=options.plain() if options is not None else {},
        needs=section.texts("needs"),
        profiles=section.texts("profiles"),
        guide=section.texts("guide"),
        attest=section.text("attest"),
        attest_packages=section.texts("attest_packages"),
    )
    section.finish()
    return check


def _references(section: Section, key: str, named: Collection[str], known: Collection[str]) -> None:
    for name in named:
        if name not in known:
            section.report(f"{key} names {name!r}, which is not in this file", f"correct {key}", key=key)


def _twice(sections: list[Section], ids: list[str]) -> None:
    for place, section in enumerate(sections):
        if ids[place] in ids[:place]:
            section.report(f"check {ids[place]!r} is written twice", "give every check an id of its own", key="id")


def _in_order(sections: list[Section], checks: list[Check]) -> None:
    """A check stands below what it needs: they are judged in the order of the file, which excludes circles."""
    above: set[str] = set()
    for section, check in zip(sections, checks, strict=True):
        for name in check.needs:
            if name not in above and any(name == other.id for other in checks):
                section.report(f"needs {name}, which stands below it", f"move {check.id} below {name}", key="needs")
        above.add(check.id)
