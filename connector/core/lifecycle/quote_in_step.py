"""Keeping a living quote in step: the expiry goes to Stripe, number and status come back.

Nothing else moves: amounts that were presented never follow an edit.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from connector.core.bodies import salesforce_update, stripe_update
from connector.core.diff import diff
from connector.core.due import is_due
from connector.core.lifecycle.drift import conflict_park, drift_findings
from connector.core.model import Change, Side, Verdict
from connector.core.moments import end_of_day_epoch
from connector.core.view import Decision, Park, Read, Settled, View

if TYPE_CHECKING:
    from collections.abc import Sequence


def in_step(view: View) -> Decision:
    """Nothing moves but the expiry and what Stripe owns; unread, the copy is as last seen."""
    assert view.salesforce is not None
    if Side.STRIPE in view.read:
        return write_back(view)
    values, shadow = view.values(Side.SALESFORCE), view.link.shadow
    compared = [rule for rule in view.mapping.fields if not (rule.check or rule.create_only)]
    complete = all(rule.name in shadow and values.get(rule.name) == shadow[rule.name][0] for rule in compared)
    marked = view.salesforce.fields.get(view.mapping.salesforce.marker) == view.link.mate_id
    if complete and marked and not is_due(view.link, options=view.mapping.options, now=view.now):
        return Settled()
    return Read(sides=frozenset({Side.STRIPE}))


def _changes(view: View) -> Sequence[Change]:
    return diff(
        view.mapping.fields,
        salesforce=view.values(Side.SALESFORCE),
        stripe=view.values(Side.STRIPE),
        shadow=view.link.shadow,
    )


def pushes(view: View, target: Side) -> list[Change]:
    return [change for change in _changes(view) if change.verdict is Verdict.PUSH and change.target is target]


def write_back(view: View) -> Decision:
    assert view.salesforce is not None
    assert view.stripe is not None
    changes = _changes(view)
    if view.stripe.fields.get("status") in ("draft", "open"):
        conflicts = [change for change in changes if change.verdict is Verdict.CONFLICT]
        if conflicts:
            return conflict_park(view, conflicts)
        follow = pushes(view, Side.STRIPE)
        if follow:
            return _follow(view, follow)
    findings, cleared = drift_findings(view, changes)
    back = pushes(view, Side.SALESFORCE)
    if back or view.salesforce.fields.get(view.mapping.salesforce.marker) != view.link.mate_id:
        return salesforce_update(view, back, {}, findings=findings)
    return Settled(findings=findings, cleared=cleared)


def _follow(view: View, changes: Sequence[Change]) -> Decision:
    """Sends what Salesforce owns and Stripe lets be changed on an open quote: the expiry."""
    if any(change.salesforce is None for change in changes):
        names = ", ".join(change.field for change in changes if change.salesforce is None)
        reason = f"{names}: emptied in Salesforce; a Stripe quote always has one"
        return Park(code="quote.value_removed", reason=reason, about=names)
    return expired_before_it_began(view) or stripe_update(view, changes)


def expired_before_it_began(view: View) -> Park | None:
    """Stripe takes no expiry in the past."""
    expires = view.role("expires")
    if expires is None:
        return None
    moment = end_of_day_epoch(date.fromisoformat(str(expires)), view.policy.time_zone)
    if moment > view.now.timestamp():
        return None
    return Park(code="quote.expired", reason=f"the expiration date {expires} has passed; present it with a new one")
