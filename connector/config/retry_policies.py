"""`config/retry.yaml`: how often, how long and for whom calls are tried again, and how much of the day's quota is ours.

The shipped file holds for everything; a person's own file goes on top of it, number by number.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from connector.config.sections import Section, did_you_mean
from connector.config.yaml_reader import read_yaml_file
from connector.core.errors import ConfigError, Problem
from connector.core.model import FailureClass, Side
from connector.core.quota import QuotaShares
from connector.core.retry import LaterPolicy, RetryPolicies, RetryPolicy, RetryRule

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

#: numbers of each half of a policy: (least, most); whole where the default is
_NOW: Final = {"attempts": (1, 20), "base_s": (0, 60), "cap_s": (0, 300), "jitter": (0, 1), "budget": (0, 1)}
_LATER: Final = {
    "attempts": (1, 10_000),
    "base_s": (1, 86_400),
    "cap_s": (1, 86_400),
    "jitter": (0, 1),
    "give_up_h": (1, 24 * 30),
}
#: what people may call it; each stands for an answer that stays the same however often it is asked for
_REFUSALS: Final = frozenset(
    {
        "refused",
        "refusal",
        "unauthorised",
        "unauthorized",
        "forbidden",
        "validation",
        "invalid",
        "not_found",
        "declined",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    policies: RetryPolicies
    shares: QuotaShares


def load_retry_settings(*paths: Path, kinds: Collection[str] | None = None) -> RetrySettings:
    """The rules of these files, later ones on top. `kinds` are those of the mapping pack, None when it is not known.

    Raises ConfigError holding every problem.
    """
    problems: list[Problem] = []
    rules: list[RetryRule] = []
    shares: dict[str, float] = {}
    for path in paths:
        root = read_yaml_file(path, problems, remedy="correct CONNECTOR_RETRY_FILE, or make it a readable file")
        if root is None:
            continue
        file = Section(root, title="retry", problems=problems)
        of_file = [_rule(section, kinds) for section in file.sections("rules")]
        _refuse_twins(of_file, problems)
        rules += of_file
        quota = file.section("quota")
        if quota is not None:
            names = tuple(field.name for field in fields(QuotaShares))
            shares |= _numbers(quota, dict.fromkeys(names, (0, 1)), whole=())
            quota.finish()
        file.finish()
    if not problems:
        _require_fit(rules, problems)
    if shares and QuotaShares(**shares).catalogue > QuotaShares(**shares).money:
        problems.append(
            Problem(
                where=f"{paths[-1]}: quota",
                observed="the catalogue may use more of the day's calls than money",
                remedy="set `catalogue` not above `money`",
            )
        )
    if problems:
        raise ConfigError(problems)
    return RetrySettings(policies=RetryPolicies(rules=tuple(rules)), shares=QuotaShares(**shares))


def _rule(section: Section, kinds: Collection[str] | None) -> RetryRule:
    error, kind = _error(section), section.text("kind")
    to = section.choice("to", [side.value for side in Side])
    if kind is not None and kinds is not None and kind not in kinds:
        remedy = f"write one of {', '.join(kinds)}"
        section.report(f"{kind!r} is not a kind of this mapping{did_you_mean(kind, kinds)}", remedy, key="kind")
    now, later = section.section("now"), section.section("later")
    if now is None and later is None:
        section.report("the rule says nothing", "add `now: {attempts: ...}` or `later: {attempts: ...}`")
    rule = RetryRule(
        error=error,
        kind=kind,
        to=None if to is None else Side(to),
        now=_numbers(now, _NOW, whole=("attempts",)),
        later=_numbers(later, _LATER, whole=("attempts",)),
        where=section.where,
    )
    section.finish()
    return rule


def _error(section: Section) -> FailureClass | None:
    name = section.text("error")
    if name is None:
        return None
    known = [each.value for each in FailureClass]
    if name in known:
        return FailureClass(name)
    remedy = f"write one of {', '.join(known)}"
    if name in _REFUSALS:
        observed = f"there is no rule for {name!r}: a refusal stays one, and is never tried again"
        remedy = f"leave the rule out; what may pass is {', '.join(known)}"
    else:
        observed = f"{name!r} is no class of errors{did_you_mean(name, known)}"
    section.report(observed, remedy, key="error")
    return None


def _numbers(
    section: Section | None, bounds: Mapping[str, tuple[int, int]], *, whole: Collection[str]
) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if section is None:
        return given
    for name, (least, most) in bounds.items():
        node = section.node(name)
        if node is None:
            continue
        value = node.value
        what = "whole number" if name in whole else "number"
        right = isinstance(value, int if name in whole else int | Decimal) and not isinstance(value, bool)
        if not right or not least <= value <= most:  # type: ignore[operator]  # a number by now
            shown = str(value) if isinstance(value, Decimal) else repr(node.plain())
            section.report(f"{name} is {shown}", f"write a {what} from {least} to {most}", key=name)
        else:
            given[name] = value if isinstance(value, int) else float(value)  # type: ignore[arg-type]  # seconds, shares
    section.finish()
    return given


def _refuse_twins(rules: Sequence[RetryRule], problems: list[Problem]) -> None:
    """Two rules of one file that are for the same: which one was meant? One that is wrong anyway may have been for
    something else.
    """
    first: dict[tuple[object, ...], RetryRule] = {}
    for rule in rules:
        earlier = first.setdefault((rule.error, rule.kind, rule.to), rule)
        if earlier is not rule and not {rule.where, earlier.where} & {problem.where for problem in problems}:
            observed = f"this rule is for the same as the one at {earlier.where}"
            problems.append(Problem(where=rule.where, observed=observed, remedy="put both into one rule"))


def _require_fit(rules: Sequence[RetryRule], problems: list[Problem]) -> None:
    """The numbers of whatever can happen fit together, from whichever rules they come."""
    policies = RetryPolicies(rules=tuple(rules))
    kinds = (None, *sorted({rule.kind for rule in rules if rule.kind is not None}))
    told: set[str] = set()
    for error, side, kind in product(FailureClass, Side, kinds):
        policy: RetryPolicy = policies.policy(error, to=side, kind=kind)
        halves: tuple[tuple[str, RetryPolicy | LaterPolicy], ...] = (("now", policy), ("later", policy.later))
        for half, numbers in halves:
            if numbers.cap_s >= numbers.base_s:
                continue
            where = _culprit(rules, half, error=error, side=side, kind=kind)
            if where not in told:
                told.add(where)
                of = " ".join(str(each) for each in (kind, error.value, "to", side.value) if each)
                observed = f"{half}: cap_s {numbers.cap_s:g} is below base_s {numbers.base_s:g} ({of})"
                problems.append(Problem(where=where, observed=observed, remedy="set cap_s not below base_s"))


def _culprit(rules: Sequence[RetryRule], half: str, *, error: FailureClass, side: Side, kind: str | None) -> str:
    """The most specific rule that gave one of the two numbers."""
    ordered = sorted(rules, key=lambda rule: rule.weight)
    given = [
        rule
        for rule in ordered
        if rule.concerns(error, kind=kind, to=side)
        and {"base_s", "cap_s"} & set(rule.now if half == "now" else rule.later)
    ]
    return given[-1].where
