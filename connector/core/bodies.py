"""What an operation sends, rendered from the records as they are now.

Rendered once, then stored: a retry sends the stored bytes (invariants.md I3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.core.fields import encode_fields, with_hash_parts
from connector.core.mapping import Owner
from connector.core.model import Change, Finding, Neutral, Side
from connector.core.view import Act, View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def create_params(view: View) -> tuple[dict[str, Any], dict[str, Neutral]]:
    """Stripe parameters of a create and the values considered: every field Salesforce owns or shares."""
    values = view.values(Side.SALESFORCE)
    sent = {
        rule.name: values[rule.name]
        for rule in view.mapping.fields
        if rule.owner is not Owner.STRIPE and not rule.check
    }
    fields = encode_fields(view.mapping, Side.STRIPE, sent, view.context, creating=True)
    return {**constants(view, "create"), **fields}, sent


def constants(view: View, action: str) -> dict[str, Any]:
    """The mapping's constant parameters of a Stripe action."""
    return dict(view.mapping.stripe.constants.get(action, {}))


def stripe_update(view: View, changes: Sequence[Change]) -> Act:
    """Sends the moved fields. A Stripe hash (address, shipping) is replaced whole, so it is sent whole:
    the fields beside the moved ones say what was last settled, or what somebody made of them at Stripe.
    """
    return Act(
        target=Side.STRIPE,
        action="update",
        target_id=view.link.mate_id,
        body=_update_params(view, changes),
        sent={change.field: change.salesforce for change in changes},
    )


def with_effect(view: View, changes: Sequence[Change]) -> Sequence[Change]:
    """`changes`, or none of them when Stripe shows every parameter of their update already.

    A shipping name without a shipping address has no form at Stripe: the two sides read differently
    for ever, and sending it would change nothing.
    """
    assert view.stripe is not None
    body = _update_params(view, changes) if changes else {}
    return () if _shows(view.stripe.fields, body) else changes


def _update_params(view: View, changes: Sequence[Change]) -> dict[str, Any]:
    moved = {change.field: change.salesforce for change in changes}
    here, there, shadow = view.values(Side.SALESFORCE), view.values(Side.STRIPE), view.link.shadow
    values: dict[str, Neutral] = {}
    for name in with_hash_parts(view.mapping, Side.STRIPE, moved):
        # a part both sides left alone is sent as it was: Stripe may have had no place for it until now
        settled = shadow.get(name) == (here.get(name), there.get(name))
        values[name] = here.get(name) if name in moved or settled else there.get(name)
    return encode_fields(view.mapping, Side.STRIPE, values, view.context, creating=False)


def _shows(there: Any, sent: Any) -> bool:
    """Whether a record's value is what it would be after this was sent; an empty text clears."""
    if isinstance(sent, dict):
        held = there if isinstance(there, dict) or hasattr(there, "get") else {}
        return all(_shows(held.get(name), part) for name, part in sent.items())
    return there == sent or (sent == "" and not there)


def salesforce_update(
    view: View,
    changes: Sequence[Change],
    fields: Mapping[str, Any],
    *,
    action: str = "update",
    findings: tuple[Finding, ...] = (),
) -> Act:
    """Updates the Salesforce record by Id: the marker where it is missing, the moved fields, and `fields`."""
    assert view.salesforce is not None
    values: dict[str, Neutral] = {change.field: change.stripe for change in changes}
    wire = {**encode_fields(view.mapping, Side.SALESFORCE, values, view.context, creating=False), **fields}
    marker = view.mapping.salesforce.marker
    mate_id = view.link.mate_id if view.link.born.side is Side.SALESFORCE else view.link.born.id
    if view.salesforce.fields.get(marker) != mate_id:
        wire[marker] = mate_id
    return Act(
        target=Side.SALESFORCE,
        action=action,
        target_id=view.salesforce.id,
        body={"object": view.mapping.salesforce.object, "fields": wire},
        sent=values,
        findings=findings,
    )
