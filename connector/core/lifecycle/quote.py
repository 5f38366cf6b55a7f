"""A presented CPQ quote as an open Stripe quote.

Accepting a quote at Stripe bills, and Salesforce Billing bills too: so a quote accepted in
Salesforce is cancelled at Stripe (`on_accept`), and one accepted at Stripe moves Salesforce from
Presented to Accepted, holds the invoice Stripe made, and says so.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from connector.core.bodies import constants, create_params, salesforce_update
from connector.core.diff import diff
from connector.core.lifecycle.drift import conflict_park, drift_findings
from connector.core.model import Change, Finding, Key, Severity, Side, Verdict
from connector.core.moments import end_of_day_epoch
from connector.core.money import to_minor
from connector.core.shapes import Line, decode_line, quote_line
from connector.core.view import Act, Decision, Ignore, Park, Read, Settled, View, Wait, mark, need

if TYPE_CHECKING:
    from collections.abc import Sequence


def decide(view: View) -> Decision:
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
    if state != "live" and not (state == "draft" and view.mapping.options.get("mirror_drafts")):
        return Ignore(reason=f"status {value}")
    expires = view.role("expires")
    if expires is not None:
        moment = end_of_day_epoch(date.fromisoformat(str(expires)), view.policy.time_zone)
        if moment <= view.now.timestamp():
            return Park(
                code="quote.expired", reason=f"the expiration date {expires} has passed; present it with a new one"
            )
    lines = _lines(view)
    if isinstance(lines, Park):
        return lines
    parents = _parents(view, lines)
    if isinstance(parents, Wait):
        return parents
    customer, products = parents
    params, sent = create_params(view)
    params["customer"] = customer
    params["metadata"] = {**params.get("metadata", {}), **mark(view)}
    params["line_items"] = [
        quote_line(line, product_mate=product, context=view.context)
        for line, product in zip(lines, products, strict=True)
    ]
    params["invoice_settings"] = {"days_until_due": int(view.mapping.options.get("days_until_due", 30))}
    discount = _discount_text(view)
    if discount is not None:
        params["description"] = discount
    return Act(
        target=Side.STRIPE,
        action="create",
        body=params,
        sent=sent,
        progress={"currency": view.currency, "account": view.role("customer")},
    )


def _lines(view: View) -> list[Line] | Park:
    spec, record = view.mapping.lines, view.salesforce
    assert spec is not None
    assert record is not None
    if view.currency is None:
        return Park(code="quote.no_currency", reason="the quote has no currency and the org's is not configured")
    try:
        lines = [decode_line(spec, row, view.context) for row in record.lines]
        total = _total(view)
    except ValueError as error:
        return Park(code="quote.amount_not_exact", reason=str(error))
    if not lines:
        return Park(code="quote.no_lines", reason="the quote has no lines that are not optional")
    negative = [line for line in lines if line.amount_minor < 0]
    if negative:
        return Park(code="quote.negative_line", reason=f"line {negative[0].id} is negative; Stripe quotes take none")
    without = [line for line in lines if line.product_id is None]
    if without:
        return Park(code="quote.line_without_product", reason=f"line {without[0].id} has no product")
    retired = [line for line in lines if not line.product_active]
    if retired:
        return Park(
            code="quote.product_inactive",
            reason=f"line {retired[0].id} sells product {retired[0].product_id}, which is not active; "
            "Stripe prices only active products",
        )
    if sum(line.amount_minor for line in lines) != total:
        return Park(
            code="quote.lines_do_not_add_up",
            reason=f"lines give {sum(line.amount_minor for line in lines)}, the quote's net amount is {total} "
            f"(minor units of {view.currency})",
        )
    return lines


def _total(view: View) -> int:
    assert view.currency is not None
    return to_minor(Decimal(view.role("total") or 0), view.currency)


def _parents(view: View, lines: Sequence[Line]) -> tuple[str, list[str]] | Wait:
    wanted = [("customer", str(view.role("customer"))), *(("product", str(line.product_id)) for line in lines)]
    mates = []
    for kind, record_id in wanted:
        link = view.parents(kind, Side.SALESFORCE, record_id)
        if link is None or link.mate_id is None:
            return Wait(
                on=Key(side=Side.SALESFORCE, kind=kind, id=record_id), reason=f"{kind} {record_id} is not at Stripe yet"
            )
        mates.append(link.mate_id)
    return mates[0], mates[1:]


def _discount_text(view: View) -> str | None:
    """The discount is already in the net prices; it is only told."""
    spec = view.mapping.lines
    assert spec is not None
    path = spec.roles.get("discount_rate")
    assert view.salesforce is not None
    rates = [row.get(path) for row in view.salesforce.lines] if path is not None else []
    largest = max((Decimal(rate) for rate in rates if rate), default=None)
    if largest is None or largest <= 0:
        return None
    return f"Prices include discounts of up to {largest.normalize():f} %."


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
    assert view.stripe is not None
    if state == "draft":
        return _write_back(view)
    if state != "live":
        return _cancel(view)
    total = _total(view)
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
        final = view.link.progress.get("final")
        if final is not None and _total(view) != final:
            return Park(
                code="quote.changed_after_final",
                reason=f"presented with {final}, Salesforce now says {_total(view)} (minor units of {view.currency}); "
                "move it back to Draft and present it again",
            )
        return _in_step(view)
    missing = need(view, Side.STRIPE)
    if missing is not None:
        return missing
    if view.stripe is not None and view.stripe.fields.get("status") != "open":
        return _linked(view, state)
    if state == "accepted" and view.mapping.options.get("on_accept") == "bill_in_stripe":
        return Act(target=Side.STRIPE, action="accept", target_id=view.link.mate_id, body={}, moves_money=True)
    return _cancel(view)


def _cancel(view: View) -> Act:
    return Act(
        target=Side.STRIPE,
        action="cancel",
        target_id=view.link.mate_id,
        body={},
        destructive=True,
        progress={"withdrawn": True},
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
    findings = () if invoice_id is None or by_us else (_accepted_finding(view, str(invoice_id)),)
    if state == "live":
        spec = view.mapping.salesforce
        assert spec.state is not None
        status = {spec.state: view.mapping.options.get("accepted_status", "Accepted")}
        return salesforce_update(view, _pushes(view), status, action="accept", findings=findings)
    written = _write_back(view)
    if isinstance(written, Settled):
        return Settled(findings=written.findings + findings, cleared=written.cleared)
    return written


def _accepted_finding(view: View, invoice_id: str) -> Finding:
    return Finding(
        code="quote.accepted_at_stripe",
        subject=view.link.born.id,
        severity=Severity.WARNING,
        observed=f"{view.link.mate_id} was accepted at Stripe, which made invoice {invoice_id}; it is held",
        wanted="one bill: Salesforce Billing's",
        why="accepting a quote at Stripe creates an invoice there, and the order will be billed in Salesforce as well",
        remedy=f"delete or void {invoice_id} at Stripe, and order the quote in Salesforce",
    )


def _canceled(view: View, state: str) -> Decision:
    withdrawn = bool(view.link.progress.get("withdrawn"))
    if state == "live" and withdrawn:
        # presented again after it was withdrawn: a new Stripe quote
        return Settled(reissue=True)
    if state != "live":
        written = _in_step(view)
        if isinstance(written, Settled):
            return Settled(findings=written.findings, cleared=written.cleared, progress={"withdrawn": True})
        return written
    missing = need(view, Side.STRIPE)
    if missing is not None:
        return missing
    assert view.stripe is not None
    if _expired(view):
        return _write_back(view)
    on_cancel = str(view.mapping.options.get("on_cancel", "finding"))
    spec = view.mapping.salesforce
    assert spec.state is not None
    if on_cancel != "finding":
        return salesforce_update(view, _pushes(view), {spec.state: on_cancel}, action="reject")
    written = _write_back(view)
    if not isinstance(written, Settled):
        return written
    finding = Finding(
        code="quote.canceled_at_stripe",
        subject=view.link.born.id,
        severity=Severity.WARNING,
        observed=f"{view.link.mate_id} was cancelled at Stripe, not by this connector",
        wanted="an open quote while Salesforce says Presented",
        why="the customer cannot accept it any more, and Salesforce does not know",
        remedy="reject the quote in Salesforce, or move it to Draft and present it again; or set on_cancel",
    )
    return Settled(findings=(*written.findings, finding), cleared=written.cleared)


def _expired(view: View) -> bool:
    assert view.stripe is not None
    expires_at = view.stripe.fields.get("expires_at")
    canceled_at = (view.stripe.fields.get("status_transitions") or {}).get("canceled_at")
    if expires_at is None:
        return False
    return int(canceled_at if canceled_at is not None else view.now.timestamp()) >= int(expires_at)


def _in_step(view: View) -> Decision:
    """Nothing moves but what Stripe owns; unread, the copy is as last seen."""
    assert view.salesforce is not None
    if Side.STRIPE in view.read:
        return _write_back(view)
    values = view.values(Side.SALESFORCE)
    shadow = view.link.shadow
    owned = [rule.name for rule in view.mapping.fields if rule.owner == "stripe"]
    complete = all(name in shadow and values.get(name) == shadow[name][0] for name in owned)
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


def _pushes(view: View) -> list[Change]:
    changes = diff(
        view.mapping.fields,
        salesforce=view.values(Side.SALESFORCE),
        stripe=view.values(Side.STRIPE),
        shadow=view.link.shadow,
    )
    return [change for change in changes if change.verdict is Verdict.PUSH and change.target is Side.SALESFORCE]


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
    if conflicts and view.stripe.fields.get("status") in ("draft", "open"):
        return conflict_park(view, conflicts)
    findings, cleared = drift_findings(view, changes)
    pushes = _pushes(view)
    if pushes or view.salesforce.fields.get(view.mapping.salesforce.marker) != view.link.mate_id:
        return salesforce_update(view, pushes, {}, findings=findings)
    return Settled(findings=findings, cleared=cleared)
