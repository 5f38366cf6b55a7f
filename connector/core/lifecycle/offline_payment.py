"""A cheque or wire booked in Salesforce, reported to Stripe so that no paid invoice stays payable.

report the payment record -> attach it to the invoice, full or partial -> write the marker back.
Only a posted payment allocated to exactly one mirrored invoice; a fact, never edited afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from connector.core.allocations import InvoiceHidden, OtherMoney, allocated_minor
from connector.core.bodies import constants, salesforce_update
from connector.core.model import Key, Link, LinkState, Record, Side
from connector.core.moments import midday_epoch
from connector.core.view import Act, Decision, Ignore, Park, Read, Settled, View, Wait, mark, need


def decide(view: View) -> Decision:
    missing = need(view, Side.SALESFORCE)
    if missing is not None:
        return missing
    assert view.salesforce is not None, "what is not shown never comes here"
    if view.salesforce.deleted:
        if view.link.mate_id is None:
            return Ignore(reason="deleted in Salesforce")
        return Park(
            code="offline_payment.deleted",
            reason=f"deleted in Salesforce after {view.link.mate_id} was reported to Stripe; refund it there",
            gone=True,
        )
    state, value = view.state()
    if state is None:
        return Park(
            code="offline_payment.status_unmapped",
            reason=f"status {value!r} is not covered by `states`",
            about=f"status {value}",
        )
    if view.currency is None:
        return Park(code="offline_payment.no_currency", reason="the payment has no currency and the org's is not set")
    try:
        amounts = allocated_minor(view)
    except InvoiceHidden as error:
        return Park(code="offline_payment.invoice_hidden", reason=str(error))
    except OtherMoney as error:
        return Park(code="offline_payment.currency_differs", reason=str(error))
    except ValueError as error:
        return Park(code="offline_payment.amount_not_exact", reason=str(error))
    if view.link.mate_id is None:
        return _birth(view, state, value, amounts)
    return _linked(view, state, amounts)


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
    refused = _cannot_take(view, there, view.others[there], amount)
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


def _cannot_take(view: View, there: Key, invoice: Record | None, amount: int) -> Park | None:
    """Why the Stripe invoice, as it is now, does not take the payment."""
    invoice_id = there.id
    status = "gone" if invoice is None or invoice.deleted else str(invoice.fields.get("status"))
    if invoice is None or status != "open":
        return Park(
            code="offline_payment.invoice_not_open",
            reason=f"{invoice_id} is {status} at Stripe; the money may have been paid twice",
            on=there,
        )
    if invoice.fields.get("currency") not in (None, view.currency):
        return Park(
            code="offline_payment.currency_differs",
            reason=f"allocated in {view.currency}, {invoice_id} asks for {invoice.fields['currency']}",
            on=there,
        )
    remaining = int(invoice.fields["amount_remaining"])
    if amount <= remaining:
        return None
    return Park(
        code="offline_payment.exceeds_remaining",
        reason=f"{amount} allocated, {invoice_id} asks for {remaining} (minor units of {view.currency}); "
        "the customer may have paid at Stripe as well",
        on=there,
    )


def _linked(view: View, state: str, amounts: dict[str, int]) -> Decision:
    progress = view.link.progress
    reported = _reported(view, amounts)
    if not isinstance(reported, dict):
        return reported
    invoice_id, amount = reported["invoice"], reported["amount"]
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
        refused = _cannot_take(view, there, view.others[there], amount)
        if refused is not None:
            return refused
        return Act(
            target=Side.STRIPE,
            action="attach",
            target_id=invoice.mate_id,
            body={"payment_record": view.link.mate_id},
            progress={**reported, "attached": True},
            moves_money=True,
            signals=(there,),
            exclusive=there,
        )
    assert view.salesforce is not None
    if view.salesforce.fields.get(view.mapping.salesforce.marker) != view.link.mate_id:
        return replace(salesforce_update(view, (), {}), progress={**reported, "attached": True})
    if state != "live" or view.left_currency or amounts != {invoice_id: amount}:
        return Park(
            code="offline_payment.changed",
            reason=f"{amount} was reported to Stripe for invoice {invoice_id}, Salesforce now says {amounts or 'nothing'} "
            f"(minor units of {view.currency}) and is in {view.named_currency or view.currency}, "
            f"status {view.role('status') or state}",
        )
    # more may have been received than was allocated and reported: at first sight that is how it was settled
    learned = frozenset(rule.name for rule in view.mapping.fields if rule.check and rule.name not in view.link.shadow)
    return Settled(progress={**reported, "attached": True}, learned=learned)


def _reported(view: View, amounts: dict[str, int]) -> dict[str, Any] | Decision:
    """The invoice and the amount that were reported: as remembered, or, where the store was lost, as both
    records show it.
    """
    progress = view.link.progress
    if "invoice" in progress:
        return {"invoice": str(progress["invoice"]), "amount": int(progress["amount"])}
    missing = need(view, Side.STRIPE)
    if missing is not None:
        return missing
    attached = [str(row["invoice"]) for row in view.stripe.lines] if view.stripe is not None else []
    invoices = [view.parents("invoice", Side.STRIPE, each) for each in attached]
    named = {link.born.id for link in invoices if link is not None} if attached else set(amounts)
    amount = view.values(Side.STRIPE).get("amount") if view.stripe is not None else None
    if len(named) != 1 or not isinstance(amount, int):
        return Park(
            code="offline_payment.changed",
            reason=f"{view.link.mate_id} was reported to Stripe before the store was lost; for which invoice does not "
            f"show, Salesforce now says {amounts or 'nothing'} (minor units of {view.currency})",
        )
    return {"invoice": named.pop(), "amount": amount}
