"""A posted Salesforce Billing invoice as a finalised, payable Stripe invoice.

birth: create (draft, never advances by itself) -> add_lines -> finalize, only when total and tax
equal Salesforce's to the minor unit -> number, status, remaining amount, link written back.
later: Rebilled or Cancelled and unpaid -> void; with any payment -> parked; the amounts of a
finalised invoice never follow an edit (`after_final`).
"""

from __future__ import annotations

from dataclasses import replace

from connector.core.bodies import salesforce_update
from connector.core.compare_lines import are_others
from connector.core.diff import diff
from connector.core.due import is_due
from connector.core.lifecycle.drift import conflict_park, drift_findings
from connector.core.lifecycle.invoice_birth import birth, fill, tax_minor, wanted_minor
from connector.core.lifecycle.watch import balance_changes, stripe_changes, term_changes
from connector.core.model import Side, Verdict
from connector.core.view import Act, Decision, Ignore, Park, Read, Settled, View, missing_mate, need


def decide(view: View) -> Decision:
    missing = need(view, Side.SALESFORCE)
    if missing is not None:
        return missing
    assert view.salesforce is not None, "what is not shown never comes here"
    if view.salesforce.deleted:
        return _gone(view)
    state, value = view.state()
    if state is None:
        return Park(
            code="invoice.status_unmapped",
            reason=f"status {value!r} is not covered by `states`",
            about=f"status {value}",
        )
    if view.link.mate_id is None:
        return birth(view, state, value)
    if state == "live":
        return _live(view)
    return _withdrawn(view, value) if state == "cancelled" else _unposted(view, value)


def _gone(view: View) -> Decision:
    if view.link.mate_id is None:
        return Ignore(reason="deleted in Salesforce")
    return Park(
        code="invoice.deleted_in_salesforce",
        reason=f"deleted in Salesforce while {view.link.mate_id} exists at Stripe; restore it, or void it at Stripe",
        gone=True,
    )


def _live(view: View) -> Decision:
    assert view.salesforce is not None
    status = view.stripe_status()
    if status in (None, "draft") or view.salesforce.fields.get(view.mapping.salesforce.marker) is None:
        missing = need(view, Side.STRIPE)
        if missing is not None:
            return missing
    if Side.STRIPE in view.read and (view.stripe is None or view.stripe.deleted):
        return missing_mate(
            view, code="invoice.missing_at_stripe", reason=f"{view.link.mate_id} does not exist at Stripe"
        )
    if status == "draft":
        return fill(view)
    changed = _changed_after_final(view)
    if changed is not None:
        return changed
    if Side.STRIPE not in view.read:
        return _unread(view)
    return _write_back(view)


def _changed_after_final(view: View) -> Park | None:
    final = _final(view)
    if view.left_currency:
        return Park(
            code="invoice.changed_after_final",
            reason=f"finalised at Stripe in {view.currency}, Salesforce now says {view.named_currency}; "
            "correct Salesforce, or cancel and rebill",
        )
    try:
        total, tax = wanted_minor(view)
    except ValueError as error:
        return Park(code="invoice.amount_not_exact", reason=str(error))
    if final is None or [total, tax] == final:
        return None
    return Park(
        code="invoice.changed_after_final",
        reason=f"finalised at Stripe with total {final[0]} and tax {final[1]}, Salesforce now says {total} and {tax} "
        f"(minor units of {view.currency}); correct Salesforce, or cancel and rebill",
    )


def _final(view: View) -> list[int] | None:
    """Total and tax it was finalised with: as remembered; where the reply to that or the store was lost, as the copy
    shows them. None while nothing tells, and for a copy that was there before us.
    """
    remembered = view.link.progress.get("final")
    if remembered is not None:
        return list(remembered)
    if view.stripe is None or view.stripe_status() == "draft" or are_others(view):
        return None
    total = view.stripe.fields.get("total")
    return None if total is None else [int(total), tax_minor(view.stripe)]


def _unread(view: View) -> Decision:
    """Only Salesforce was signalled: the copy at Stripe cannot have changed by that, so it is not read."""
    assert view.salesforce is not None
    shadow = {name: pair[0] for name, pair in view.link.shadow.items()}
    values = view.values(Side.SALESFORCE)
    edited = any(name in values and values[name] != seen for name, seen in shadow.items())
    marker = view.salesforce.fields.get(view.mapping.salesforce.marker)
    incomplete = any(
        rule.name not in shadow for rule in view.mapping.fields if rule.owner == "stripe" and not rule.create_only
    )
    incomplete = incomplete or "final" not in view.link.progress
    if edited or incomplete or marker != view.link.mate_id or _link_is_old(view):
        return Read(sides=frozenset({Side.STRIPE}))
    remaining = view.link.shadow.get("remaining", (None, None))[1]
    balance = balance_changes(view, remaining, str(view.link.progress.get("status")), payments_due=False)
    terms = term_changes(view, str(view.link.progress.get("status")))
    return Settled(findings=balance.findings + terms.findings, cleared=balance.cleared + terms.cleared)


def _link_is_old(view: View) -> bool:
    """The hosted link expires; while the invoice is open it is read again before that."""
    return is_due(view.link, options=view.mapping.options, now=view.now)


def _write_back(view: View) -> Decision:
    assert view.salesforce is not None
    assert view.stripe is not None
    changes = diff(
        view.mapping.fields,
        salesforce=view.values(Side.SALESFORCE),
        stripe=view.values(Side.STRIPE),
        shadow=view.link.shadow,
    )
    conflicts = [change for change in changes if change.verdict is Verdict.CONFLICT]
    if conflicts:
        return conflict_park(view, conflicts)
    status = str(view.stripe.fields.get("status"))
    remaining = view.stripe.fields.get("amount_remaining")
    findings, cleared = drift_findings(view, changes)
    # what was paid at Stripe a moment ago is booked after this, by its own kind; what was agreed before is not news
    is_news = view.link.shadow.get("remaining", (None, None))[1] != view.values(Side.STRIPE).get("remaining")
    balance, there = balance_changes(view, remaining, status, payments_due=is_news), stripe_changes(view, status)
    terms = term_changes(view, status)
    findings += balance.findings + there.findings + terms.findings
    cleared += balance.cleared + there.cleared + terms.cleared
    pushes = [change for change in changes if change.verdict is Verdict.PUSH and change.target is Side.SALESFORCE]
    if pushes or view.salesforce.fields.get(view.mapping.salesforce.marker) != view.link.mate_id:
        return salesforce_update(view, pushes, {}, findings=findings)
    learned = {"link_seen_at": int(view.now.timestamp()), "final": _final(view)}
    progress = {name: value for name, value in learned.items() if value is not None}
    return Settled(findings=findings, cleared=cleared, progress=progress)


def _withdrawn(view: View, value: str) -> Decision:
    """Cancelled or Rebilled in Salesforce: voids what is unpaid, never what holds money."""
    missing = need(view, Side.STRIPE)
    if missing is not None:
        return missing
    stripe = view.stripe
    if stripe is None or stripe.deleted:
        return Settled(closed=True)
    status = str(stripe.fields.get("status"))
    if status == "draft":
        return Act(target=Side.STRIPE, action="delete", target_id=stripe.id, body={}, destructive=True)
    if status == "void":
        written = _write_back(view)
        return replace(written, closed=True) if isinstance(written, Settled) else written
    if int(stripe.fields.get("amount_paid") or 0) or status == "paid":
        return Park(
            code="invoice.cancelled_with_payment",
            reason=f"{value} in Salesforce, but {stripe.fields.get('amount_paid')} {view.currency} (minor units) "
            f"were paid on {stripe.id}; refund or credit it first",
        )
    return Act(target=Side.STRIPE, action="void", target_id=stripe.id, body={}, destructive=True, moves_money=True)


def _unposted(view: View, value: str) -> Decision:
    """A posted invoice that went back to a state before Posted: the package does not do that by itself."""
    return Park(
        code="invoice.no_longer_posted",
        reason=f"status is {value!r} in Salesforce while {view.link.mate_id} exists at Stripe",
    )
