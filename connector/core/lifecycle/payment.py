"""What was paid on invoices at Stripe as a Salesforce Billing payment and its allocations.

create the payment -> read it back, the amount must be equal -> post it -> one allocation per
InvoicePayment. A fact: never edited afterwards; a correction is another record.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core.bodies import salesforce_update
from connector.core.fields import encode_fields
from connector.core.lifecycle import money_back
from connector.core.lifecycle.allocation import allocate, in_currency
from connector.core.mapping import read_path
from connector.core.model import Finding, Key, Link, Severity, Side
from connector.core.money import to_minor
from connector.core.view import MARK_ID, MARK_ORG, Act, Decision, Ignore, Park, Read, Settled, Unclaimed, View, need

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: states of a payment intent, charge or payment record in which the money has arrived (platform.md C7);
#: `processing` is never paid
RECEIVED = frozenset({"succeeded", "guaranteed"})


def decide(view: View) -> Decision:
    if view.link.mate_id is not None and Side.STRIPE not in view.read and view.link.progress.get("complete"):
        return _with_refunds(view, _untouched(view))
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
    accounts = _accounts(view, [link for _, link in known.values()])
    if not isinstance(accounts, set):
        return accounts
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


def _accounts(view: View, invoices: Sequence[Link]) -> set[str] | Read | Park:
    """Whose the invoices are: as their links say, or, where one was linked again and nobody has looked at it since, as
    the invoice itself does.
    """
    unknown = {link.born for link in invoices if link.progress.get("account") is None}
    if not unknown <= view.others.keys():
        return Read(others=frozenset(unknown))
    accounts = {str(link.progress["account"]) for link in invoices if link.born not in unknown}
    for born in sorted(unknown):
        record, path = view.others[born], view.kinds[born.kind].salesforce.shard
        account = None if record is None or path is None else read_path(record.fields, path)
        if account is None:
            reason = f"invoice {born.id} does not exist in Salesforce"
            return Park(code="payment.invoice_missing", reason=reason, on=born)
        accounts.add(str(account))
    return accounts


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
    if not allocated:
        there = _allocated_there(view, sum(int(row["amount_paid"]) for row, _ in known.values()))
        if isinstance(there, Read | Park):
            return there
        allocated = {row_id: True for row_id in known if row_id in there}
    for row_id, (row, invoice) in sorted(known.items()):
        if row_id not in allocated:
            return allocate(view, row, invoice, allocated)
    learned = {} if allocated == (progress.get("allocated") or {}) else {"allocated": allocated}
    return _completed(view, learned)


def _completed(view: View, learned: Mapping[str, Any]) -> Decision:
    """Booked and allocated: what is left is whether it stayed like that, where Salesforce was read or money went back."""
    progress = {**learned, "complete": True}
    if Side.SALESFORCE not in view.read and not money_back.concerns(view):
        return Settled(progress=progress)
    untouched = _untouched(view)
    if not isinstance(untouched, Settled):
        return untouched
    return _with_refunds(view, replace(untouched, progress=progress))


def _with_refunds(view: View, decision: Decision) -> Decision:
    """What is told of refunds beside all else; a finding that is not made again is over."""
    if not isinstance(decision, Settled):
        return decision
    findings = money_back.refund_findings(view)
    cleared = () if findings else ((money_back.REFUNDED, view.link.born.id),)
    return replace(
        decision,
        findings=decision.findings + findings,
        cleared=decision.cleared + cleared,
        progress={**decision.progress, **money_back.kept(view)},
    )


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


def _allocated_there(view: View, amount: int) -> frozenset[str] | Read | Park:
    """The marks of allocations Salesforce holds already, which our memory, lost or restored, does not know.

    An allocation people made carries none (the payment was theirs, and adopted): it is not made a second time.
    """
    posted, roles = view.mapping.options.get("posted_status"), view.mapping.salesforce.roles
    if view.salesforce is None or "balance" not in roles or view.currency is None:
        return frozenset()
    status, balance = (read_path(view.salesforce.fields, roles[role]) for role in ("status", "balance"))
    # a draft's balance says nothing yet
    if status != posted or balance is None:
        return frozenset()
    left = to_minor(Decimal(balance), view.currency, view.policy.currencies)
    if left >= amount:
        return frozenset()
    marks: set[str] = set()
    for kind in view.kinds.values():
        # a neighbour on the object reads its allocations as its lines
        if kind.salesforce.object != view.mapping.salesforce.object or kind.lines is None:
            continue
        there = Key(side=Side.SALESFORCE, kind=kind.kind, id=view.salesforce.id)
        if there not in view.others:
            return Read(others=frozenset({there}))
        record, paths = view.others[there], {each.roles.get("marker", "Id") for each in kind.line_specs}
        for row in () if record is None else record.lines:
            found = [str(mark) for path in paths if (mark := read_path(row, path)) is not None]
            if not found:
                return Park(
                    code="payment.allocated_already",
                    reason=f"{view.link.mate_id} has {left} left to allocate, {amount} were paid on mirrored invoices "
                    f"(minor units of {view.currency}); somebody allocated it in Salesforce",
                )
            marks.update(found)
    return frozenset(marks)


def _untouched(view: View) -> Decision:
    """Only Salesforce was signalled on a finished payment: has somebody edited the fact, or its marker?"""
    missing = need(view, Side.SALESFORCE)
    if missing is not None:
        return missing
    if view.salesforce is not None and not view.salesforce.deleted:
        named = view.salesforce.fields.get(view.mapping.salesforce.marker)
        if named != view.link.born.id:
            # without it a lost database could book the payment a second time
            return salesforce_update(view, (), {}, action="mark")
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
    there = view.salesforce
    gone = "not shown (deleted for good, or hidden by sharing)" if there is None else "deleted"
    observed = f"now {stored}" if stored is not None else gone if there is None or there.deleted else "without amount"
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
