"""What was paid on invoices at Stripe as a Salesforce Billing payment and its allocations.

create the payment -> read it back, the amount must be equal -> post it -> one allocation per
InvoicePayment. A fact: never edited afterwards; a correction is another record.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core.fields import encode_fields
from connector.core.lifecycle.allocation import allocate, in_currency
from connector.core.mapping import read_path
from connector.core.model import Finding, Link, Severity, Side
from connector.core.money import to_minor
from connector.core.view import MARK_ID, MARK_ORG, Act, Decision, Ignore, Park, Settled, Unclaimed, View, need

if TYPE_CHECKING:
    from collections.abc import Mapping

#: states of a payment intent, charge or payment record in which the money has arrived (platform.md C7);
#: `processing` is never paid
RECEIVED = frozenset({"succeeded", "guaranteed"})


def decide(view: View) -> Decision:
    if view.link.mate_id is not None and Side.STRIPE not in view.read and view.link.progress.get("complete"):
        return _untouched(view)
    missing = need(view, Side.STRIPE)
    if missing is not None:
        return missing
    if view.stripe is None:
        return Ignore(reason="no longer at Stripe") if view.link.mate_id is None else Settled()
    if _is_ours(view):
        return Ignore(reason="reported from Salesforce")
    if view.stripe.fields.get("status") not in RECEIVED or not int(view.stripe.fields.get("amount_received") or 0):
        return Ignore(reason=f"status {view.stripe.fields.get('status')}")
    paid = [row for row in view.stripe.lines if row.get("status") == "paid" and int(row.get("amount_paid") or 0)]
    claimed = {str(row["id"]): (row, _invoice(view, row)) for row in paid}
    known = {row_id: (row, link) for row_id, (row, link) in claimed.items() if link is not None}
    if view.link.mate_id is None:
        return _birth(view, known)
    return _next_step(view, known)


def _is_ours(view: View) -> bool:
    """Our mark on a payment record: a cheque or wire born in Salesforce, whatever the store remembers."""
    assert view.stripe is not None
    metadata = view.stripe.fields.get("metadata") or {}
    return metadata.get(MARK_ORG) == view.policy.org_id and metadata.get(MARK_ID) is not None


def _invoice(view: View, row: Mapping[str, Any]) -> Link | None:
    return view.parents("invoice", Side.STRIPE, str(row["invoice"]))


def _birth(view: View, known: Mapping[str, tuple[Mapping[str, Any], Link]]) -> Decision:
    assert view.stripe is not None
    if not known:
        return Unclaimed(reason="the invoice it paid is not mirrored" if view.stripe.lines else "it paid no invoice")
    accounts = {str(link.progress.get("account")) for _, link in known.values()}
    if len(accounts) > 1:
        return Park(code="payment.several_accounts", reason=f"it paid invoices of the accounts {sorted(accounts)}")
    account = accounts.pop()
    spec = view.mapping.salesforce
    values = view.values(Side.STRIPE)
    sent = {rule.name: values[rule.name] for rule in view.mapping.fields if not rule.check}
    fields = encode_fields(view.mapping, Side.SALESFORCE, sent, view.context, creating=True)
    fields |= spec.constants
    fields[spec.roles["account"]] = account
    draft = view.mapping.options.get("draft_status")
    if draft is not None:
        fields[spec.roles["status"]] = draft
    return Act(
        target=Side.SALESFORCE,
        action="create",
        body={
            "object": spec.object,
            "external_id": {"field": spec.marker, "value": view.link.born.id},
            "fields": in_currency(view, fields),
        },
        sent=sent,
        progress={"currency": view.currency, "account": account},
        later=tuple((row_id, link.born.id, row["amount_paid"]) for row_id, (row, link) in sorted(known.items())),
        moves_money=True,
    )


def _next_step(view: View, known: Mapping[str, tuple[Mapping[str, Any], Link]]) -> Decision:
    progress = view.link.progress
    if not progress.get("verified"):
        missing = need(view, Side.SALESFORCE)
        if missing is not None:
            return missing
        differs = _differs(view)
        if differs is not None:
            return differs
    spec = view.mapping.salesforce
    posted = view.mapping.options.get("posted_status")
    if posted is not None and not progress.get("posted"):
        return Act(
            target=Side.SALESFORCE,
            action="post",
            target_id=view.link.mate_id,
            body={"object": spec.object, "fields": {spec.roles["status"]: posted}},
            progress={"verified": True, "posted": True},
            moves_money=True,
        )
    allocated = dict(progress.get("allocated") or {})
    for row_id, (row, invoice) in sorted(known.items()):
        if row_id not in allocated:
            return allocate(view, row, invoice, allocated)
    return Settled(progress={"complete": True})


def _differs(view: View) -> Park | None:
    """The read-back: what Salesforce stored must be the amount received."""
    assert view.stripe is not None
    if view.salesforce is None or view.salesforce.deleted:
        return Park(code="payment.missing_in_salesforce", reason=f"{view.link.mate_id} does not exist in Salesforce")
    stored = read_path(view.salesforce.fields, view.mapping.salesforce.roles["amount"])
    received = int(view.stripe.fields["amount_received"])
    assert view.currency is not None
    if stored is None or to_minor(Decimal(stored), view.currency, view.policy.currencies) != received:
        return Park(
            code="payment.amount_differs",
            reason=f"{received} received (minor units of {view.currency}), Salesforce stored {stored}; not posted",
        )
    return None


def _untouched(view: View) -> Decision:
    """Only Salesforce was signalled on a finished payment: has somebody edited the fact?"""
    missing = need(view, Side.SALESFORCE)
    if missing is not None:
        return missing
    assert view.currency is not None
    code, subject = "payment.edited", view.link.born.id
    pair = view.link.shadow.get("amount")
    expected = None if pair is None else pair[1]
    stored = None
    if view.salesforce is not None and not view.salesforce.deleted:
        amount = read_path(view.salesforce.fields, view.mapping.salesforce.roles["amount"])
        stored = None if amount is None else to_minor(Decimal(amount), view.currency, view.policy.currencies)
    if expected is None or stored == expected:
        return Settled(cleared=((code, subject),))
    observed = "deleted" if stored is None else f"now {stored}"
    finding = Finding(
        code=code,
        subject=subject,
        severity=Severity.ERROR,
        observed=f"{view.link.mate_id} is {observed} in Salesforce; {expected} was received (minor units of {view.currency})",
        wanted=f"{expected}",
        why="a payment is a fact; the two systems no longer tell the same",
        remedy="undo the edit in Salesforce; correct with a refund or an unallocation",
    )
    return Settled(findings=(finding,))
