"""Automation that may rewrite or refuse what we write, and the choice of change events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org_automation import Automation, ChangeEvents

if TYPE_CHECKING:
    from connector.core.verify.evidence import Facts

_SORTS: Final = {"flows": "flow", "triggers": "Apex trigger", "validation_rules": "validation rule"}
#: names told in the sentence; the evidence holds all
_TOLD_MAX: Final = 5


def automation(facts: Facts) -> Judgement:
    """Never more than a warning: what an automation does to a field cannot be seen from outside."""
    own: list[str] = []
    managed: Counter[str] = Counter()
    unread: list[str] = []
    for name, noun in _SORTS.items():
        found = facts.peek(name, Automation)
        if found is None:
            unread.append(f"{name.replace('_', ' ')} cannot be read: {facts.reason(name)}")
            continue
        own += [f"{noun} {row.text}" for row in found.rows if row.namespace is None]
        managed.update(f"{noun}s of {row.namespace}" for row in found.rows if row.namespace is not None)
    if len(unread) == len(_SORTS) or (unread and not own):
        for name in _SORTS:
            facts.read(name, Automation)
    packaged = tuple(f"in packages: {count} {what}" for what, count in sorted(managed.items()))
    if own:
        return Judgement(
            verdict=Verdict.WARN,
            observed="; ".join([f"{_told(own)} may change or refuse what the connector writes", *unread]),
            evidence=(*own, *packaged),
            degraded=bool(unread),
        )
    return Judgement(
        verdict=Verdict.PASS,
        observed="no flow, trigger or validation rule of the org's own runs on what the connector writes",
        evidence=packaged,
    )


def _told(names: list[str]) -> str:
    more = len(names) - _TOLD_MAX
    return ", ".join(names[:_TOLD_MAX]) + (f" and {more} more" if more > 0 else "")


def change_events(facts: Facts) -> Judgement:
    if not facts.situation.streaming:
        return Judgement(verdict=Verdict.NOT_APPLICABLE, observed="change events are not used: records are polled")
    found = facts.read("change_events", ChangeEvents)
    missing = [name for name in found.wanted if name not in found.selected]
    if missing:
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"not chosen for change data capture: {', '.join(missing)}",
            evidence=tuple(f"chosen: {name}" for name in sorted(found.selected)),
        )
    return Judgement(
        verdict=Verdict.PASS, observed=f"all {len(found.wanted)} mapped objects are chosen for change data capture"
    )


CONDITIONS: Final = {"automation": automation, "change_events_selected": change_events}
