"""`config/retry.yaml`: how often and how long each side's calls are tried again."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from connector.config.sections import Section
from connector.config.yaml_reader import read_yaml
from connector.core.errors import ConfigError, Problem
from connector.core.model import Side
from connector.core.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def load_retry_policies(path: Path) -> Mapping[Side, RetryPolicy]:
    """The policy of each side; the defaults of core/retry.py where the file says nothing or is not there.

    Raises ConfigError holding every problem.
    """
    policies = dict.fromkeys(Side, RetryPolicy())
    if not path.is_file():
        return policies
    problems: list[Problem] = []
    root = read_yaml(path.read_text(encoding="utf-8"), name=str(path), problems=problems)
    if root is not None:
        file = Section(root, title="retry", problems=problems)
        for side in Side:
            section = file.section(side.value)
            if section is not None:
                policies[side] = _policy(section)
        file.finish()
    if problems:
        raise ConfigError(problems)
    return policies


def _policy(section: Section) -> RetryPolicy:
    given: dict[str, int | float] = {}
    for field in fields(RetryPolicy):
        node = section.node(field.name)
        if node is None:
            continue
        value = node.value
        whole = field.name == "attempts"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | Decimal):
            section.report(
                f"{field.name} is {node.plain()!r}", f"write a {'whole ' if whole else ''}number", key=field.name
            )
            continue
        given[field.name] = value if isinstance(value, int) else float(value)  # seconds and shares, no money
    section.finish()
    policy = replace(RetryPolicy(), **given)  # type: ignore[arg-type]  # the names come from its own fields
    if policy.attempts < 1 or policy.base_s < 0 or policy.cap_s < policy.base_s or not 0 <= policy.jitter <= 1:
        section.report(
            "these numbers do not fit together",
            "attempts from 1, base_s from 0, cap_s not below base_s, jitter from 0 to 1",
        )
        return RetryPolicy()
    return policy
