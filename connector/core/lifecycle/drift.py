"""Somebody edited a copy, or both sides at once: told to people, never silently settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.model import Change, ConditionType, Finding, Severity, Side, Verdict
from connector.core.view import Park, View

if TYPE_CHECKING:
    from collections.abc import Sequence


def drift_findings(view: View, changes: Sequence[Change]) -> tuple[tuple[Finding, ...], tuple[tuple[str, str], ...]]:
    """The findings for edited copies, and the (code, subject) of those that no longer hold."""
    drifted = {change.field: change for change in changes if change.verdict is Verdict.DRIFT}
    findings = tuple(_finding(view, change) for change in drifted.values())
    cleared = tuple(
        (f"drift.{view.mapping.kind}.{rule.name}", view.link.born.id)
        for rule in view.mapping.fields
        if rule.name not in drifted and rule.on_drift == "report" and not rule.create_only
    )
    return findings, cleared


def conflict_park(view: View, conflicts: Sequence[Change]) -> Park:
    """Both sides moved, or a checked amount differs: a person decides."""
    parts = [
        f"{change.field}: Salesforce {change.salesforce!r}, Stripe {change.stripe!r}"
        for change in sorted(conflicts, key=lambda change: change.field)
    ]
    checked = {rule.name for rule in view.mapping.fields if rule.check}
    fields = ", ".join(sorted(change.field for change in conflicts))
    sort = ConditionType.AMOUNT_MISMATCH if all(change.field in checked for change in conflicts) else None
    return Park(code=f"{view.mapping.kind}.conflict", reason="; ".join(parts), about=fields, sort=sort)


def _finding(view: View, change: Change) -> Finding:
    copy, owner = change.target, change.target.other
    seen = change.stripe if copy is Side.STRIPE else change.salesforce
    wanted = change.salesforce if copy is Side.STRIPE else change.stripe
    return Finding(
        code=f"drift.{view.mapping.kind}.{change.field}",
        subject=view.link.born.id,
        severity=Severity.WARNING,
        observed=f"{change.field} is {seen!r} in {copy.value}",
        wanted=f"{wanted!r}, as in {owner.value}",
        why=f"{change.field} is owned by {owner.value}; somebody edited the copy in {copy.value}",
        remedy=f"correct it in {copy.value}, or change the value in {owner.value}, or set on_drift: revert",
    )
