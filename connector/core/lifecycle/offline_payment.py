"""A cheque or wire booked in Salesforce, reported to Stripe so that no paid invoice stays payable.

report the payment record -> attach it to the invoice, full or partial -> write the marker back.
Only a posted payment allocated to exactly one mirrored invoice; a fact, never edited afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from connector.core.bodies import constants, salesforce_update
from connector.core.mapping import read_path
from connector.core.model import Key, Link, LinkState, Record, Side
from connector.core.moments import midday_epoch
from connector.core.money import to_minor
from connector.core.view import Act, Decision, Ignore, Park, Read, Settled, View, Wait, mark, need


def decide(view: View) -> Decision:
    missing = need(view, Side.SALESFORCE)
    if missing is not None:
        return missing
    if view.salesforce is None or view.salesforce.deleted:
        if view.link.mate_id is None:
            return Ignore(reason="deleted in Salesforce")
        return Park(
            code="offline_payment.deleted",
            reason=f"deleted in Salesforce after {view.link.mate_id} was reported to Stripe; refund it there",
            gone=True,
        )
    state, value = view.state()
    if state is None:
        return Park(code="offline_payment.status_unmapped", reason=f"status {value!r} is not covered by `states`")
    if view.currency is None:
        return Park(code="offline_payment.no_currency", reason="the payment has no currency and the org's is not set")
    amounts = _allocations(view)
    if isinstance(amounts, Park):
        return amounts
    if view.link.mate_id is None:
        return _birth(view, state, value, amounts)
    return _linked(view, state, amounts)


def _allocations(view: View) -> dict[str, int] | Park:
    """Invoice id -> what is allocated to it, unallocations taken off, in minor units.

    To the invoice or to its lines: Salesforce Billing takes both off the invoice's balance, each once
    (billing-facts.md, derived amounts).
    """
    record = view.salesforce
    assert record is not None
    assert view.currency is not None
    amounts: dict[str, int] = {}
    for row in record.lines:
        # a row of either object has only its own way to the invoice
        ways = [spec for spec in view.mapping.line_specs if read_path(row, spec.roles["invoice"]) is not None]
        if not ways:
            return Park(
                code="offline_payment.invoice_hidden", reason=f"allocation {row['Id']} does not show its invoice"
            )
        spec = ways[0]
        invoice_id = str(read_path(row, spec.roles["invoice"]))
        try:
            amount = to_minor(Decimal(read_path(row, spec.roles["amount"]) or 0), view.currency, view.policy.currencies)
        except ValueError as error:
            return Park(code="offline_payment.amount_not_exact", reason=str(error))
        sign = -1 if read_path(row, spec.roles["type"]) == "Unallocation" else 1
        amounts[invoice_id] = amounts.get(invoice_id, 0) + sign * amount
    return {invoice_id: amount for invoice_id, amount in amounts.items() if amount}


def _birth(view: View, state: str, value: str, amounts: dict[str, int]) -> Decision:
    assert view.salesforce is not None
    if not view.salesforce.selected:
        return Ignore(reason="not an offline payment")
    if state != "live":
        return Ignore(reason=f"status {value}")
    if not amounts:
        return Ignore(reason="not allocated")
    links = {invoice_id: view.parents("invoice", Side.SALESFORCE, invoice_id) for invoice_id in amounts}
    mirrored = {invoice_id: link for invoice_id, link in links.items() if link is not None and _is_mirrored(link)}
    if not mirrored:
        return Ignore(reason="its invoice is not mirrored")
    if len(amounts) > 1:
        return Park(
            code="offline_payment.several_invoices",
            reason=f"allocated to {len(amounts)} invoices; Stripe attaches one payment record to one invoice",
        )
    ((invoice_id, link),) = mirrored.items()
    return _report(view, invoice_id, link, amounts[invoice_id])


def _is_mirrored(invoice: Link) -> bool:
    """At Stripe, or on its way there."""
    return invoice.mate_id is not None or invoice.state in (LinkState.WAITING, LinkState.PARKED)


def _report(view: View, invoice_id: str, invoice: Link, amount: int) -> Decision:
    waits = _not_final(invoice)
    if waits is not None:
        return waits
    assert invoice.mate_id is not None
    there = Key(side=Side.STRIPE, kind="invoice", id=invoice.mate_id)
    if there not in view.others:
        # what is still asked for decides, as it is now: the customer may be paying this minute
        return Read(others=frozenset({there}))
    refused = _cannot_take(view, there.id, view.others[there], amount)
    if refused is not None:
        return refused
    paid_on = view.role("date")
    moment = int(view.now.timestamp())
    if paid_on is not None:
        moment = min(moment, midday_epoch(date.fromisoformat(str(paid_on)), view.policy.time_zone))
    customer = view.parents("customer", Side.SALESFORCE, str(view.role("account")))
    reference = view.role("check_number") or view.role("number")
    body: dict[str, Any] = {
        **constants(view, "create"),
        "amount_requested": {"value": amount, "currency": view.currency},
        "initiated_at": moment,
        "guaranteed": {"guaranteed_at": moment},
        "payment_method_details": {
            "type": "custom",
            "custom": {"type": "custom", "display_name": str(view.role("type") or "Offline payment")}
            if view.mapping.options.get("custom_type")
            else {"display_name": str(view.role("type") or "Offline payment")},
        },
        "processor_details": {"type": "custom", "custom": {"payment_reference": str(reference)}},
        "metadata": mark(view),
    }
    if customer is not None and customer.mate_id is not None:
        body["customer_details"] = {"customer": customer.mate_id}
    return Act(
        target=Side.STRIPE,
        action="create",
        body=body,
        progress={"currency": view.currency, "invoice": invoice_id, "amount": amount},
        volatile=frozenset({"initiated_at", "guaranteed"}),
        later=(invoice_id,),
        moves_money=True,
        exclusive=there,
    )


def _not_final(invoice: Link) -> Wait | None:
    if invoice.mate_id is None or invoice.progress.get("status") in (None, "draft"):
        return Wait(on=invoice.born, reason=f"invoice {invoice.born.id} is not finalised at Stripe yet")
    return None


def _cannot_take(view: View, invoice_id: str, invoice: Record | None, amount: int) -> Park | None:
    """Why the Stripe invoice, as it is now, does not take the payment."""
    status = "gone" if invoice is None or invoice.deleted else str(invoice.fields.get("status"))
    if invoice is None or status != "open":
        return Park(
            code="offline_payment.invoice_not_open",
            reason=f"{invoice_id} is {status} at Stripe; the money may have been paid twice",
        )
    remaining = int(invoice.fields["amount_remaining"])
    if amount <= remaining:
        return None
    return Park(
        code="offline_payment.exceeds_remaining",
        reason=f"{amount} allocated, {invoice_id} asks for {remaining} (minor units of {view.currency}); "
        "the customer may have paid at Stripe as well",
    )


def _linked(view: View, state: str, amounts: dict[str, int]) -> Decision:
    progress = view.link.progress
    invoice_id, amount = str(progress.get("invoice")), progress.get("amount")
    unsure = "status" in progress and progress["status"] is None
    if unsure and not progress.get("attached"):
        # an attach was abandoned: the record itself shows whether it happened
        missing = need(view, Side.STRIPE)
        if missing is not None:
            return missing
    attached = progress.get("attached") or (view.stripe is not None and bool(view.stripe.lines))
    if not attached:
        invoice = view.parents("invoice", Side.SALESFORCE, invoice_id)
        if invoice is None or invoice.mate_id is None:
            return Wait(
                on=Key(side=Side.SALESFORCE, kind="invoice", id=invoice_id),
                reason=f"invoice {invoice_id} is not linked",
            )
        there = Key(side=Side.STRIPE, kind="invoice", id=invoice.mate_id)
        if there not in view.others:
            return Read(others=frozenset({there}))
        refused = _cannot_take(view, there.id, view.others[there], int(progress["amount"]))
        if refused is not None:
            return refused
        return Act(
            target=Side.STRIPE,
            action="attach",
            target_id=invoice.mate_id,
            body={"payment_record": view.link.mate_id},
            progress={"attached": True},
            moves_money=True,
            signals=(there,),
            exclusive=there,
        )
    assert view.salesforce is not None
    if view.salesforce.fields.get(view.mapping.salesforce.marker) != view.link.mate_id:
        return replace(salesforce_update(view, (), {}), progress={"attached": True})
    if state != "live" or amounts != {invoice_id: amount}:
        return Park(
            code="offline_payment.changed",
            reason=f"{amount} was reported to Stripe for invoice {invoice_id}, Salesforce now says {amounts or 'nothing'} "
            f"(minor units of {view.currency}), status {view.role('status') or state}",
        )
    return Settled()
