"""A presented CPQ quote as an open Stripe quote.

Accepting a quote at Stripe bills, and Salesforce Billing bills too: so a quote accepted in
Salesforce is cancelled at Stripe (`on_accept`), and one accepted at Stripe moves Salesforce from
Presented to Accepted, holds the invoice Stripe made, and says so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from connector.core.bodies import constants, create_params, salesforce_update, stripe_update
from connector.core.diff import diff
from connector.core.lifecycle import quote_findings
from connector.core.lifecycle.drift import conflict_park, drift_findings
from connector.core.lifecycle.quote_content import content_params, fingerprint, total_minor
from connector.core.model import Change, Side, Verdict
from connector.core.moments import end_of_day_epoch
from connector.core.view import Act, Decision, Ignore, Park, Read, Settled, View, Wait, mark, need

if TYPE_CHECKING:
    from collections.abc import Sequence

#: what `canceled_in` says of a quote we cancelled ourselves
WITHDRAWN = "withdrawn"


def decide(view: View) -> Decision:
    decision = _decide(view)
    if not isinstance(decision, Settled) or decision.reissue:
        return decision
    # a finding that this look did not make again is over
    made = {finding.code for finding in decision.findings}
    over = tuple((code, view.link.born.id) for code in quote_findings.CODES if code not in made)
    return replace(decision, cleared=decision.cleared + over)


def _decide(view: View) -> Decision:
    missing = need(view, Side.SALESFORCE)
    if missing is not None:
        return missing
    if view.salesforce is None or view.salesforce.deleted:
        return _gone(view)
    state, value = view.state()
    if state is None:
        return Park(code="quote.status_unmapped", reason=f"status {value!r} is not covered by `states`")
    if view.link.mate_id is None:
        return _birth(view, state, value)
    return _linked(view, state)


def _is_mirrored(view: View, state: str) -> bool:
    """Whether a quote in this state has a living copy at Stripe."""
    return state == "live" or (state == "draft" and bool(view.mapping.options.get("mirror_drafts")))


def _gone(view: View) -> Decision:
    if view.link.mate_id is None:
        return Ignore(reason="deleted in Salesforce")
    missing = need(view, Side.STRIPE)
    if missing is not None:
        return missing
    if view.stripe is not None and view.stripe.fields.get("status") in ("draft", "open"):
        return _cancel(view)
    return Settled(closed=True)


def _birth(view: View, state: str, value: str) -> Decision:
    if not _is_mirrored(view, state):
        return Ignore(reason=f"status {value}")
    expired = _expired_before_it_began(view)
    if expired is not None:
        return expired
    content = content_params(view)
    if isinstance(content, Park | Wait):
        return content
    customer, offered = content
    params, sent = create_params(view)
    params["customer"] = customer
    params["metadata"] = {**params.get("metadata", {}), **mark(view)}
    params["invoice_settings"] = {"days_until_due": int(view.mapping.options.get("days_until_due", 30))}
    params |= {name: value for name, value in offered.items() if value}
    return Act(
        target=Side.STRIPE,
        action="create",
        body=params,
        sent=sent,
        progress={"currency": view.currency, "account": view.role("customer"), "content": fingerprint(view)},
    )


def _expired_before_it_began(view: View) -> Park | None:
    """Stripe takes no expiry in the past."""
    expires = view.role("expires")
    if expires is None:
        return None
    moment = end_of_day_epoch(date.fromisoformat(str(expires)), view.policy.time_zone)
    if moment > view.now.timestamp():
        return None
    return Park(code="quote.expired", reason=f"the expiration date {expires} has passed; present it with a new one")


def _linked(view: View, state: str) -> Decision:
    status = _status(view)
    if status is None or status == "draft":
        missing = need(view, Side.STRIPE)
        if missing is not None:
            return missing
    if Side.STRIPE in view.read and (view.stripe is None or view.stripe.deleted):
        return Park(code="quote.missing_at_stripe", reason=f"{view.link.mate_id} does not exist at Stripe")
    if status == "draft":
        return _draft(view, state)
    if status == "open":
        return _open(view, state)
    if status == "accepted":
        return _accepted(view, state)
    return _canceled(view, state)


def _status(view: View) -> str | None:
    if view.stripe is not None:
        return str(view.stripe.fields.get("status"))
    seen = view.link.progress.get("status")
    return None if seen is None else str(seen)


def _draft(view: View, state: str) -> Decision:
    """A draft is no promise yet: it follows the quote, and is finalised when that is presented."""
    assert view.stripe is not None
    if not _is_mirrored(view, state):
        return _cancel(view)
    expired = _expired_before_it_began(view)
    if expired is not None:
        return expired
    content = content_params(view)
    if isinstance(content, Park | Wait):
        return content
    offered = fingerprint(view)
    if view.link.progress.get("content") != offered:
        return Act(
            target=Side.STRIPE,
            action="update",
            target_id=view.stripe.id,
            body=content[1],
            progress={"content": offered},
        )
    if state == "draft":
        return _write_back(view)
    total = total_minor(view)
    seen = view.stripe.fields.get("amount_total")
    if seen != total:
        return Park(
            code="quote.total_differs",
            reason=f"the draft at Stripe says {seen}, Salesforce {total} (minor units of {view.currency}); not finalised",
        )
    return Act(
        target=Side.STRIPE,
        action="finalize",
        target_id=view.stripe.id,
        body=constants(view, "finalize"),
        progress={"final": total},
    )


def _open(view: View, state: str) -> Decision:
    if state == "live":
        return _changed_after_final(view) or _in_step(view)
    missing = need(view, Side.STRIPE)
    if missing is not None:
        return missing
    if view.stripe is not None and view.stripe.fields.get("status") != "open":
        return _linked(view, state)
    if state == "accepted" and view.mapping.options.get("on_accept") == "bill_in_stripe":
        return Act(target=Side.STRIPE, action="accept", target_id=view.link.mate_id, body={}, moves_money=True)
    return _cancel(view)


def _changed_after_final(view: View) -> Park | None:
    """What the customer was shown is not edited behind their back."""
    final, content = view.link.progress.get("final"), view.link.progress.get("content")
    total = total_minor(view)
    if final is not None and total != final:
        what = f"presented with {final}, Salesforce now says {total} (minor units of {view.currency})"
    elif content is not None and fingerprint(view) != content:
        what = "the lines are not those that were presented"
    else:
        return None
    return Park(code="quote.changed_after_final", reason=f"{what}; move it back to Draft and present it again")


def _cancel(view: View) -> Act:
    return Act(
        target=Side.STRIPE,
        action="cancel",
        target_id=view.link.mate_id,
        body={},
        destructive=True,
        progress={"canceled_in": WITHDRAWN},
    )


def _accepted(view: View, state: str) -> Decision:
    """Accepted at Stripe: Salesforce follows, only from Presented; the invoice is held and told."""
    missing = need(view, Side.STRIPE)
    if missing is not None:
        return missing
    assert view.stripe is not None
    invoice_id = view.stripe.fields.get("invoice")
    by_us = view.mapping.options.get("on_accept") == "bill_in_stripe"
    if invoice_id is not None and not by_us and view.link.progress.get("held") != invoice_id:
        return Act(
            target=Side.STRIPE,
            action="hold",
            target_id=str(invoice_id),
            body={"auto_advance": False},
            progress={"held": invoice_id},
        )
    findings = () if invoice_id is None or by_us else (quote_findings.accepted(view, str(invoice_id)),)
    if state == "live":
        spec = view.mapping.salesforce
        assert spec.state is not None
        status = {spec.state: view.mapping.options.get("accepted_status", "Accepted")}
        return salesforce_update(view, _pushes(view, Side.SALESFORCE), status, action="accept", findings=findings)
    written = _write_back(view)
    if isinstance(written, Settled):
        return Settled(findings=written.findings + findings, cleared=written.cleared)
    return written


def _canceled(view: View, state: str) -> Decision:
    """History, unless Salesforce presents it again: then a new Stripe quote begins."""
    seen_in = view.link.progress.get("canceled_in")
    if not _is_mirrored(view, state):
        written = _in_step(view)
        return replace(written, progress={"canceled_in": state}) if isinstance(written, Settled) else written
    if seen_in is not None and seen_in != state:
        return Settled(reissue=True)
    missing = need(view, Side.STRIPE)
    if missing is not None:
        return missing
    on_cancel = str(view.mapping.options.get("on_cancel", "finding"))
    spec = view.mapping.salesforce
    assert spec.state is not None
    if on_cancel != "finding" and not _expired(view):
        return salesforce_update(view, _pushes(view, Side.SALESFORCE), {spec.state: on_cancel}, action="reject")
    written = _write_back(view)
    if not isinstance(written, Settled):
        return written
    told = () if _expired(view) else (quote_findings.canceled(view),)
    return replace(written, findings=written.findings + told, progress={"canceled_in": state})


def _expired(view: View) -> bool:
    assert view.stripe is not None
    expires_at = view.stripe.fields.get("expires_at")
    canceled_at = (view.stripe.fields.get("status_transitions") or {}).get("canceled_at")
    if expires_at is None:
        return False
    return int(canceled_at if canceled_at is not None else view.now.timestamp()) >= int(expires_at)


def _in_step(view: View) -> Decision:
    """Nothing moves but the expiry and what Stripe owns; unread, the copy is as last seen."""
    assert view.salesforce is not None
    if Side.STRIPE in view.read:
        return _write_back(view)
    values, shadow = view.values(Side.SALESFORCE), view.link.shadow
    compared = [rule for rule in view.mapping.fields if not (rule.check or rule.create_only)]
    complete = all(rule.name in shadow and values.get(rule.name) == shadow[rule.name][0] for rule in compared)
    marked = view.salesforce.fields.get(view.mapping.salesforce.marker) == view.link.mate_id
    expires_at = view.link.progress.get("expires_at")
    due = (
        expires_at is not None
        and view.link.progress.get("status") == "open"
        and view.now.timestamp() >= int(expires_at)
    )
    if complete and marked and not due:
        return Settled()
    return Read(sides=frozenset({Side.STRIPE}))


def _changes(view: View) -> Sequence[Change]:
    return diff(
        view.mapping.fields,
        salesforce=view.values(Side.SALESFORCE),
        stripe=view.values(Side.STRIPE),
        shadow=view.link.shadow,
    )


def _pushes(view: View, target: Side) -> list[Change]:
    return [change for change in _changes(view) if change.verdict is Verdict.PUSH and change.target is target]


def _write_back(view: View) -> Decision:
    assert view.salesforce is not None
    assert view.stripe is not None
    changes = _changes(view)
    if view.stripe.fields.get("status") in ("draft", "open"):
        conflicts = [change for change in changes if change.verdict is Verdict.CONFLICT]
        if conflicts:
            return conflict_park(view, conflicts)
        follow = _pushes(view, Side.STRIPE)
        if follow:
            return _follow(view, follow)
    findings, cleared = drift_findings(view, changes)
    pushes = _pushes(view, Side.SALESFORCE)
    if pushes or view.salesforce.fields.get(view.mapping.salesforce.marker) != view.link.mate_id:
        return salesforce_update(view, pushes, {}, findings=findings)
    return Settled(findings=findings, cleared=cleared)


def _follow(view: View, changes: Sequence[Change]) -> Decision:
    """Sends what Salesforce owns and Stripe lets be changed on an open quote: the expiry."""
    if any(change.salesforce is None for change in changes):
        names = ", ".join(change.field for change in changes if change.salesforce is None)
        return Park(code="quote.value_removed", reason=f"{names}: emptied in Salesforce; a Stripe quote always has one")
    return _expired_before_it_began(view) or stripe_update(view, changes)
