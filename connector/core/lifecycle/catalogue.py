"""Customers and products: fields kept in step for ever, by their owners.

create (when selected by `where`, or needed by a document) -> update either side as fields move. Merged into
another record, it leaves its mate to that one.
"""

from __future__ import annotations

from dataclasses import replace

from connector.core.bodies import create_params, salesforce_update, stripe_update, with_effect
from connector.core.diff import diff, moved
from connector.core.lifecycle.drift import conflict_park, drift_findings
from connector.core.model import Key, Side, Verdict
from connector.core.view import (
    MARK_ID,
    MARK_ORG,
    Act,
    Decision,
    Ignore,
    Moved,
    Park,
    Read,
    Settled,
    View,
    mark,
    missing_mate,
    need,
)


def decide(view: View) -> Decision:
    missing = need(view, Side.SALESFORCE)
    if missing is not None:
        return missing
    assert view.salesforce is not None, "what is not shown never comes here"
    if view.salesforce.deleted:
        return _gone(view)
    if view.link.mate_id is None:
        return _birth(view)
    rules, shadow = view.mapping.fields, view.link.shadow
    if Side.STRIPE not in view.read:
        marker = view.salesforce.fields.get(view.mapping.salesforce.marker)
        if marker == view.link.mate_id and not moved(rules, Side.SALESFORCE, view.values(Side.SALESFORCE), shadow):
            return Settled()
        return Read(sides=frozenset({Side.STRIPE}))
    return _in_step(view)


def _birth(view: View) -> Decision:
    assert view.salesforce is not None
    wanted = view.needed or (not view.mapping.born_by_need and view.salesforce.selected)
    wanted = wanted or (view.mapping.salesforce.where is not None and view.salesforce.selected)
    if not wanted:
        return Ignore(reason="not needed")
    params, sent = create_params(view)
    params["metadata"] = {**params.get("metadata", {}), **mark(view)}
    return Act(target=Side.STRIPE, action="create", body=params, sent=sent)


def _in_step(view: View) -> Decision:
    stripe = view.stripe
    if stripe is None or stripe.deleted:
        return missing_mate(
            view,
            code=f"{view.mapping.kind}.deleted_at_stripe",
            reason=f"{view.link.mate_id} was deleted at Stripe; documents cannot refer to it any more",
        )
    changes = diff(
        view.mapping.fields,
        salesforce=view.values(Side.SALESFORCE),
        stripe=view.values(Side.STRIPE),
        shadow=view.link.shadow,
    )
    conflicts = [change for change in changes if change.verdict is Verdict.CONFLICT]
    if conflicts:
        return conflict_park(view, conflicts)
    to_stripe = [change for change in changes if change.verdict is Verdict.PUSH and change.target is Side.STRIPE]
    moving = with_effect(view, to_stripe)
    if moving and not _names_another_of_ours(view):
        return stripe_update(view, moving)
    if _names_another_of_ours(view):
        update = stripe_update(view, moving)
        return replace(update, body={**update.body, "metadata": {**update.body.get("metadata", {}), **mark(view)}})
    to_salesforce = [
        change for change in changes if change.verdict is Verdict.PUSH and change.target is Side.SALESFORCE
    ]
    findings, cleared = drift_findings(view, changes)
    assert view.salesforce is not None
    if to_salesforce or view.salesforce.fields.get(view.mapping.salesforce.marker) != view.link.mate_id:
        return salesforce_update(view, to_salesforce, {}, findings=findings)
    learned = frozenset(change.field for change in to_stripe)
    return Settled(findings=findings, cleared=cleared, learned=learned)


def _names_another_of_ours(view: View) -> bool:
    """The mate of a record that was merged into this one still carries the mark of that one."""
    assert view.stripe is not None
    metadata = view.stripe.fields.get("metadata") or {}
    named = metadata.get(MARK_ID)
    # a mark of another org is not ours to overwrite
    return metadata.get(MARK_ORG) == view.policy.org_id and named is not None and named != view.link.born.id


def _gone(view: View) -> Decision:
    if view.link.mate_id is None:
        return Ignore(reason="deleted in Salesforce")
    heir = view.role("master")
    if heir is not None:
        return Moved(to=Key(side=Side.SALESFORCE, kind=view.mapping.kind, id=str(heir)))
    return Park(
        code=f"{view.mapping.kind}.deleted_in_salesforce",
        reason=f"{view.link.born.id} was deleted in Salesforce; {view.link.mate_id} at Stripe is left as it is",
        gone=True,
    )
