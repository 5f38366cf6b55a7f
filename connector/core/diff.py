"""What changed, field by field, from the values now and the values last agreed.

A side is compared with its own past, never with the other side's clock. The whole rule is
architecture.md 4; a pair is remembered per field because Stripe trims, Salesforce rounds and
dates lose zones: with one shared value copies would ping-pong for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.codecs import Minor, Money
from connector.core.mapping import FieldRule, Owner
from connector.core.model import Change, Neutral, Side, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def diff(
    rules: Iterable[FieldRule],
    *,
    salesforce: Mapping[str, Neutral],
    stripe: Mapping[str, Neutral],
    shadow: Mapping[str, tuple[Neutral, Neutral]],
) -> tuple[Change, ...]:
    """The fields that do not agree, in the order of the rules.

    Compared fields only: `create_only` fields are never compared, `check` fields never pushed:
    their difference is always a CONFLICT for a person.
    """
    changes = []
    for rule in rules:
        if rule.create_only or rule.name not in salesforce or rule.name not in stripe:
            continue
        verdict = judge(rule, salesforce[rule.name], stripe[rule.name], shadow.get(rule.name))
        if verdict is None:
            continue
        changes.append(
            Change(
                field=rule.name,
                verdict=verdict[0],
                target=verdict[1],
                salesforce=salesforce[rule.name],
                stripe=stripe[rule.name],
            )
        )
    return tuple(changes)


def judge(rule: FieldRule, x: Neutral, y: Neutral, seen: tuple[Neutral, Neutral] | None) -> tuple[Verdict, Side] | None:
    """The verdict on one field: what happened, and where the new value has to go (or was edited)."""
    if x == y:
        return None
    if rule.check:
        return Verdict.CONFLICT, Side.STRIPE
    if seen is None:
        return _first_sight(rule, x, y)
    moved_x, moved_y = x != seen[0], y != seen[1]
    if rule.owner is Owner.EITHER:
        return _either(rule, moved_x=moved_x, moved_y=moved_y)
    owner_moved, copy_moved = (moved_x, moved_y) if rule.owner is Owner.SALESFORCE else (moved_y, moved_x)
    copy = Side.STRIPE if rule.owner is Owner.SALESFORCE else Side.SALESFORCE
    if owner_moved:
        return Verdict.PUSH, copy
    if copy_moved:
        return (Verdict.PUSH if rule.on_drift == "revert" else Verdict.DRIFT), copy
    return None


def moved(
    rules: Iterable[FieldRule], side: Side, values: Mapping[str, Neutral], shadow: Mapping[str, tuple[Neutral, Neutral]]
) -> bool:
    """Whether a side differs from its own past in any compared field: only then is its mate worth reading."""
    index = 0 if side is Side.SALESFORCE else 1
    return any(
        rule.name in values and (rule.name not in shadow or shadow[rule.name][index] != values[rule.name])
        for rule in rules
        if not rule.create_only
    )


def _either(rule: FieldRule, *, moved_x: bool, moved_y: bool) -> tuple[Verdict, Side] | None:
    if moved_x and moved_y:
        if rule.prefer is None:
            return Verdict.CONFLICT, Side.STRIPE
        return Verdict.PUSH, rule.prefer.other
    if moved_x:
        return Verdict.PUSH, Side.STRIPE
    if moved_y:
        return Verdict.PUSH, Side.SALESFORCE
    return None


def _first_sight(rule: FieldRule, x: Neutral, y: Neutral) -> tuple[Verdict, Side]:
    """Never agreed: the owner wins, but for an amount that would change what a customer owes."""
    is_money = isinstance(rule.salesforce_codec, Money | Minor)
    if is_money and rule.owner is Owner.SALESFORCE and x is not None and y is not None:
        return Verdict.CONFLICT, Side.STRIPE
    if rule.owner is Owner.SALESFORCE:
        return Verdict.PUSH, Side.STRIPE
    if rule.owner is Owner.STRIPE:
        return Verdict.PUSH, Side.SALESFORCE
    if x is None:
        return Verdict.PUSH, Side.SALESFORCE
    if y is None:
        return Verdict.PUSH, Side.STRIPE
    if rule.prefer is None:
        return Verdict.CONFLICT, Side.STRIPE
    return Verdict.PUSH, rule.prefer.other
