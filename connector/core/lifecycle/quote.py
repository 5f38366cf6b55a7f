"""A presented CPQ quote as an open Stripe quote.

Accepting a quote at Stripe bills, and Salesforce Billing bills too: so a quote accepted in
Salesforce is cancelled at Stripe (`on_accept`), and one accepted at Stripe moves Salesforce from
Presented to Accepted, holds the invoice Stripe made, and says so.
"""

from __future__ import annotations

from dataclasses import replace

from connector.core.bodies import constants, create_params, salesforce_update
from connector.core.lifecycle import quote_findings
from connector.core.lifecycle.quote_content import content_of, fingerprint, left_customer, total_minor
from connector.core.lifecycle.quote_in_step import expired_before_it_began, in_step, pushes, write_back
from connector.core.model import Finding, Key, Record, Side
from connector.core.view import Act, Decision, Ignore, Park, Read, Settled, View, Wait, mark, missing_mate, need

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
    assert view.salesforce is not None, "what is not shown never comes here"
    if view.salesforce.deleted:
        return _gone(view)
    state, value = view.state()
    if state is None:
        return Park(
            code="quote.status_unmapped",
            reason=f"status {value!r} is not covered by `states`",
            about=f"status {value}",
        )
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
    expired = expired_before_it_began(view)
    if expired is not None:
        return expired
    content = content_of(view)
    if isinstance(content, Park | Wait):
        return content
    params, sent = create_params(view)
    params["customer"] = content.customer
    params["metadata"] = {**params.get("metadata", {}), **mark(view)}
    params["invoice_settings"] = {"days_until_due": int(view.mapping.options.get("days_until_due", 30))}
    params |= {name: value for name, value in content.params.items() if value}
    return Act(
        target=Side.STRIPE,
        action="create",
        body=params,
        sent=sent,
        progress={
            "currency": view.currency,
            "account": view.role("customer"),
            "customer": content.customer,
            "content": fingerprint(view),
        },
        lines=content.lines,
    )


def _linked(view: View, state: str) -> Decision:
    assert view.salesforce is not None
    status = view.stripe_status()
    if status is None or status == "draft" or view.salesforce.fields.get(view.mapping.salesforce.marker) is None:
        missing = need(view, Side.STRIPE)
        if missing is not None:
            return missing
    if Side.STRIPE in view.read and (view.stripe is None or view.stripe.deleted):
        return missing_mate(
            view, code="quote.missing_at_stripe", reason=f"{view.link.mate_id} does not exist at Stripe"
        )
    if status == "draft":
        return _draft(view, state)
    if status == "open":
        return _open(view, state)
    if status == "accepted":
        return _accepted(view, state)
    return _canceled(view, state)


def _draft(view: View, state: str) -> Decision:
    """A draft is no promise yet: it follows the quote, and is finalised when that is presented."""
    assert view.stripe is not None
    if not _is_mirrored(view, state):
        return _cancel(view)
    if view.left_currency or left_customer(view):
        # neither can be changed at Stripe: a new draft is made
        return _cancel(view)
    expired = expired_before_it_began(view)
    if expired is not None:
        return expired
    content = content_of(view)
    if isinstance(content, Park | Wait):
        return content
    offered = fingerprint(view)
    if view.link.progress.get("content") != offered:
        return Act(
            target=Side.STRIPE,
            action="update",
            target_id=view.stripe.id,
            body=content.params,
            progress={"content": offered},
            lines=content.lines,
        )
    if state == "draft":
        return write_back(view)
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
        return _changed_after_final(view) or in_step(view)
    missing = need(view, Side.STRIPE)
    if missing is not None:
        return missing
    if view.stripe is not None and view.stripe.fields.get("status") != "open":
        return _linked(view, state)
    if state == "accepted" and view.mapping.options.get("on_accept") == "bill_in_stripe":
        accepts = Act(target=Side.STRIPE, action="accept", target_id=view.link.mate_id, body={}, moves_money=True)
        # what is accepted at Stripe is what was presented, and it bills
        return _changed_after_final(view) or accepts
    return _cancel(view)


def _changed_after_final(view: View) -> Park | None:
    """What the customer was shown is not edited behind their back."""
    final, content = view.link.progress.get("final"), view.link.progress.get("content")
    if view.left_currency:
        what = f"presented in {view.currency}, Salesforce now says {view.named_currency}"
        return _present_again(what)
    customer = left_customer(view)
    if customer is not None:
        return _present_again(f"presented to {customer}, Salesforce now names Account {view.role('customer')}")
    total = total_minor(view)
    if final is None and view.stripe is not None:
        # the reply of finalising was lost, or the store: what the customer sees tells
        final = view.stripe.fields.get("amount_total")
    if final is not None and total != final:
        what = f"presented with {final}, Salesforce now says {total} (minor units of {view.currency})"
    elif content is not None and fingerprint(view) != content:
        what = "the lines are not those that were presented"
    else:
        return None
    return _present_again(what)


def _present_again(what: str) -> Park:
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
    findings: tuple[Finding, ...] = ()
    if invoice_id is not None and not by_us:
        there = Key(side=Side.STRIPE, kind="invoice", id=str(invoice_id))
        followed = there.kind in view.kinds
        if followed and there not in view.others:
            return Read(others=frozenset({there}))
        if not followed or _bills(view.others[there]):
            if view.link.progress.get("held") != invoice_id:
                return _hold(there.id)
            findings = (quote_findings.accepted(view, there.id),)
    if state == "live":
        spec = view.mapping.salesforce
        assert spec.state is not None
        status = {spec.state: view.mapping.options.get("accepted_status", "Accepted")}
        return salesforce_update(view, pushes(view, Side.SALESFORCE), status, action="accept", findings=findings)
    written = write_back(view)
    if isinstance(written, Settled):
        return Settled(findings=written.findings + findings, cleared=written.cleared)
    return written


def _bills(invoice: Record | None) -> bool:
    """Whether the invoice an acceptance made still asks for money, or has been given it."""
    return invoice is not None and not invoice.deleted and invoice.fields.get("status") != "void"


def _hold(invoice_id: str) -> Act:
    return Act(
        target=Side.STRIPE,
        action="hold",
        target_id=invoice_id,
        body={"auto_advance": False},
        progress={"held": invoice_id},
    )


def _canceled(view: View, state: str) -> Decision:
    """History, unless Salesforce presents it again: then a new Stripe quote begins."""
    seen_in = view.link.progress.get("canceled_in")
    if not _is_mirrored(view, state):
        written = in_step(view)
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
        return salesforce_update(view, pushes(view, Side.SALESFORCE), {spec.state: on_cancel}, action="reject")
    written = write_back(view)
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
