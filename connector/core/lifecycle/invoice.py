"""A posted Salesforce Billing invoice as a finalised, payable Stripe invoice.

birth: create (draft, never advances by itself) -> add_lines -> finalize, only when total and tax
equal Salesforce's to the minor unit -> number, status, remaining amount, link written back.
later: Rebilled or Cancelled and unpaid -> void; with any payment -> parked; the amounts of a
finalised invoice never follow an edit (`after_final`).
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core.bodies import constants, create_params, salesforce_update
from connector.core.diff import diff
from connector.core.lifecycle.drift import conflict_park, drift_findings
from connector.core.lifecycle.watch import balance_findings, customer_balance_findings
from connector.core.model import Key, Side, Verdict
from connector.core.moments import end_of_day_epoch
from connector.core.money import to_minor
from connector.core.shapes import Line, decode_line, invoice_line
from connector.core.view import (
    MARK_ID,
    Act,
    Decision,
    Ignore,
    Park,
    Read,
    Settled,
    View,
    Wait,
    mark,
    need,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

#: a due date that has passed becomes this much from now: Stripe wants it in the future
DUE_NOW = timedelta(hours=1)


def decide(view: View) -> Decision:
    missing = need(view, Side.SALESFORCE)
    if missing is not None:
        return missing
    if view.salesforce is None or view.salesforce.deleted:
        return _gone(view)
    state, value = view.state()
    if state is None:
        return Park(code="invoice.status_unmapped", reason=f"status {value!r} is not covered by `states`")
    if view.link.mate_id is None:
        return _birth(view, state, value)
    if state == "live":
        return _live(view)
    return _withdrawn(view, value) if state == "cancelled" else _unposted(view, value)


def _gone(view: View) -> Decision:
    if view.link.mate_id is None:
        return Ignore(reason="deleted in Salesforce")
    return Park(
        code="invoice.deleted_in_salesforce",
        reason=f"deleted in Salesforce while {view.link.mate_id} exists at Stripe; restore it, or void it at Stripe",
    )


def _birth(view: View, state: str, value: str) -> Decision:
    if state != "live":
        return Ignore(reason=f"status {value}")
    settled = _not_born(view)
    if settled is not None:
        return Ignore(reason=settled)
    lines = _lines(view)
    if isinstance(lines, Park):
        return lines
    waits = _parents(view, lines)
    if isinstance(waits, Wait):
        return waits
    params, sent = create_params(view)
    due: date | None = None if view.role("due") is None else date.fromisoformat(str(view.role("due")))
    params.update(_due(view, due))
    params["customer"] = waits
    params["currency"] = view.currency
    params["metadata"] = {**params.get("metadata", {}), **mark(view)}
    if due is not None:
        params["metadata"]["due_date"] = due.isoformat()
    return Act(
        target=Side.STRIPE,
        action="create",
        body=params,
        sent=sent,
        progress={"currency": view.currency, "account": view.role("customer")},
        volatile=frozenset({"due_date"}),
        moves_money=True,
    )


def _not_born(view: View) -> str | None:
    """Why this posted invoice is never billed at Stripe, in the words of the report; None when it is born."""
    total, balance = view.role("total"), view.role("balance")
    if total is None or balance is None:
        return "no total"
    if total == 0:
        return "zero"
    if total < 0:
        return "negative"
    if balance != total:
        return "settled" if balance <= 0 else "part-paid"
    day = view.role("date")
    go_live = view.policy.go_live
    if go_live is None or day is None or date.fromisoformat(str(day)) < go_live:
        return "before go-live"
    return None


def _lines(view: View) -> list[Line] | Park:
    spec, record = view.mapping.lines, view.salesforce
    assert spec is not None
    assert record is not None
    if view.currency is None:
        return Park(code="invoice.no_currency", reason="the invoice has no currency and the org's is not configured")
    lines_max = int(view.mapping.options.get("lines_max", 250))
    if len(record.lines) > lines_max:
        return Park(
            code="invoice.too_many_lines", reason=f"{len(record.lines)} lines; Stripe takes at most {lines_max}"
        )
    try:
        lines = [decode_line(spec, row, view.context) for row in record.lines]
        wanted = _wanted(view)
    except ValueError as error:
        return Park(code="invoice.amount_not_exact", reason=str(error))
    if not lines:
        return Park(code="invoice.no_lines", reason="the invoice has no lines")
    subtotal, tax = sum(line.amount_minor for line in lines), sum(line.tax_minor for line in lines)
    if (subtotal + tax, tax) != wanted:
        return Park(
            code="invoice.lines_do_not_add_up",
            reason=f"lines give total {subtotal + tax} with tax {tax}, the invoice says {wanted[0]} with tax {wanted[1]} "
            f"(minor units of {view.currency})",
        )
    return lines


def _wanted(view: View) -> tuple[int, int]:
    """(total, tax) of the Salesforce invoice in minor units."""
    assert view.currency is not None
    total, tax = view.role("total"), view.role("tax")
    return to_minor(Decimal(total), view.currency), to_minor(Decimal(tax or 0), view.currency)


def _parents(view: View, lines: Sequence[Line]) -> str | Wait:
    """The Stripe customer's id, or the parent to wait for: the customer, then each active product."""
    customer = Key(side=Side.SALESFORCE, kind="customer", id=str(view.role("customer")))
    link = view.parents("customer", Side.SALESFORCE, customer.id)
    if link is None or link.mate_id is None:
        return Wait(on=customer, reason=f"customer {customer.id} is not at Stripe yet")
    for line in lines:
        if line.product_id is None or not line.product_active:
            continue
        product = view.parents("product", Side.SALESFORCE, line.product_id)
        if product is None or product.mate_id is None:
            return Wait(
                on=Key(side=Side.SALESFORCE, kind="product", id=line.product_id),
                reason=f"product {line.product_id} is not at Stripe yet",
            )
    return link.mate_id


def _due(view: View, due: date | None) -> dict[str, Any]:
    """`due_date`; one that has passed becomes due now (the true date stays in the metadata)."""
    soonest = int((view.now + DUE_NOW).timestamp())
    if due is None:
        return {"due_date": soonest}
    return {"due_date": max(end_of_day_epoch(due, view.policy.time_zone), soonest)}


def _live(view: View) -> Decision:
    status = _status(view)
    if status in (None, "draft"):
        missing = need(view, Side.STRIPE)
        return missing if missing is not None else _draft(view)
    stripe_moved = Side.STRIPE in view.read
    changed = _changed_after_final(view)
    if changed is not None:
        return changed
    if not stripe_moved:
        return _unread(view)
    if view.stripe is None or view.stripe.deleted:
        return Park(code="invoice.missing_at_stripe", reason=f"{view.link.mate_id} does not exist at Stripe")
    return _write_back(view)


def _status(view: View) -> str | None:
    """The Stripe status as read now, else as last seen."""
    if view.stripe is not None:
        return str(view.stripe.fields.get("status"))
    if Side.STRIPE in view.read:
        return None
    seen = view.link.progress.get("status")
    return None if seen is None else str(seen)


def _draft(view: View) -> Decision:
    """Fills and finalises the draft; one that does not fit its source any more is deleted and built again."""
    draft = view.stripe
    if draft is None or draft.deleted:
        return Park(code="invoice.missing_at_stripe", reason=f"{view.link.mate_id} does not exist at Stripe")
    lines = _lines(view)
    if isinstance(lines, Park):
        return lines
    if not draft.lines:
        return _add_lines(view, lines)
    there = [(str((row.get("metadata") or {}).get(MARK_ID)), row.get("amount")) for row in draft.lines]
    if sorted(there) != sorted((line.id, line.amount_minor) for line in lines):
        return Act(
            target=Side.STRIPE,
            action="delete",
            target_id=draft.id,
            body={},
            destructive=True,
        )
    total, tax = _wanted(view)
    seen_tax = sum(int(entry["amount"]) for entry in draft.fields.get("total_taxes") or ())
    if (draft.fields.get("total"), seen_tax) != (total, tax):
        return Park(
            code="invoice.total_differs",
            reason=f"the draft at Stripe has total {draft.fields.get('total')} with tax {seen_tax}, Salesforce "
            f"{total} with tax {tax} (minor units of {view.currency}); not finalised",
        )
    return Act(
        target=Side.STRIPE,
        action="finalize",
        target_id=draft.id,
        body=constants(view, "finalize"),
        progress={"final": [total, tax]},
        moves_money=True,
    )


def _add_lines(view: View, lines: Sequence[Line]) -> Decision:
    rows = []
    for line in lines:
        mate = None
        if line.product_id is not None and line.product_active:
            product = view.parents("product", Side.SALESFORCE, line.product_id)
            if product is None or product.mate_id is None:
                return Wait(
                    on=Key(side=Side.SALESFORCE, kind="product", id=line.product_id),
                    reason=f"product {line.product_id} is not at Stripe yet",
                )
            mate = product.mate_id
        rows.append(
            invoice_line(
                line,
                product_mate=mate,
                context=view.context,
                tax_name=str(view.mapping.options.get("tax_name", "Tax")),
            )
        )
    assert view.stripe is not None
    return Act(target=Side.STRIPE, action="add_lines", target_id=view.stripe.id, body={"lines": rows}, moves_money=True)


def _changed_after_final(view: View) -> Park | None:
    final = view.link.progress.get("final")
    try:
        total, tax = _wanted(view)
    except ValueError as error:
        return Park(code="invoice.amount_not_exact", reason=str(error))
    if final is None or [total, tax] == list(final):
        return None
    return Park(
        code="invoice.changed_after_final",
        reason=f"finalised at Stripe with total {final[0]} and tax {final[1]}, Salesforce now says {total} and {tax} "
        f"(minor units of {view.currency}); correct Salesforce, or cancel and rebill",
    )


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
    if edited or incomplete or marker != view.link.mate_id or _link_is_old(view):
        return Read(sides=frozenset({Side.STRIPE}))
    remaining = view.link.shadow.get("remaining", (None, None))[1]
    findings, cleared = balance_findings(view, remaining, str(view.link.progress.get("status")))
    return Settled(findings=findings, cleared=cleared)


def _link_is_old(view: View) -> bool:
    """The hosted link expires; while the invoice is open it is read again before that."""
    seen_at = view.link.progress.get("link_seen_at")
    if seen_at is None or view.link.progress.get("status") != "open":
        return False
    days = int(view.mapping.options.get("link_refresh_days", 20))
    return int(view.now.timestamp()) - int(seen_at) > days * 86_400


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
    more, gone = balance_findings(view, remaining, status)
    findings, cleared = findings + more + customer_balance_findings(view), cleared + gone
    pushes = [change for change in changes if change.verdict is Verdict.PUSH and change.target is Side.SALESFORCE]
    if pushes or view.salesforce.fields.get(view.mapping.salesforce.marker) != view.link.mate_id:
        return salesforce_update(view, pushes, {}, findings=findings)
    return Settled(findings=findings, cleared=cleared, progress={"link_seen_at": int(view.now.timestamp())})


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
        return Settled(closed=True) if isinstance(written, Settled) else written
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
