"""How a posted invoice comes into being at Stripe: draft, lines, final.

Only what nobody has settled yet is born, and it is finalised only when total and tax equal
Salesforce's to the minor unit. May not touch an invoice that is final.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from connector.core.bodies import constants, create_params
from connector.core.model import Key, Side
from connector.core.moments import end_of_day_epoch
from connector.core.money import to_minor
from connector.core.shapes import decode_line, invoice_line
from connector.core.view import MARK_ID, OTHERS_LINES, Act, Decision, Ignore, Park, View, Wait, mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.line import Line
    from connector.core.model import Record

# Why a posted invoice is never billed at Stripe, in the words of the report and of the verifier's prediction.
NO_TOTAL: Final = "no total"
ZERO: Final = "zero"
NEGATIVE: Final = "negative"
SETTLED: Final = "settled"
PART_PAID: Final = "part-paid"
BEFORE_GO_LIVE: Final = "before go-live"

#: where a link keeps the due date that the customer was told, and where the metadata does
DUE: Final = "due_date"
#: a due date that has passed becomes this much from now: Stripe wants it in the future
DUE_NOW = timedelta(hours=1)


def birth(view: View, state: str, value: str) -> Decision:
    """The draft, or why there will be none."""
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
        params["metadata"][DUE] = due.isoformat()
    return Act(
        target=Side.STRIPE,
        action="create",
        body=params,
        sent=sent,
        progress={
            "currency": view.currency,
            "account": view.role("customer"),
            DUE: None if due is None else due.isoformat(),
        },
        volatile=frozenset({"due_date"}),
        lines=tuple(lines),
        moves_money=True,
    )


def _not_born(view: View) -> str | None:
    """Why this posted invoice is never billed at Stripe; None when it is born."""
    total, balance = view.role("total"), view.role("balance")
    if total is None or balance is None:
        return NO_TOTAL
    if total == 0:
        return ZERO
    if total < 0:
        return NEGATIVE
    if balance != total:
        return SETTLED if balance <= 0 else PART_PAID
    if is_before(view.role("date"), view.policy.go_live):
        return BEFORE_GO_LIVE
    return None


def is_before(day: Any, go_live: date | None) -> bool:
    """Whether an invoice of this day, as Salesforce writes it, is older than what we bill."""
    return go_live is None or day is None or date.fromisoformat(str(day)) < go_live


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
        wanted = wanted_minor(view)
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


def wanted_minor(view: View) -> tuple[int, int]:
    """(total, tax) of the Salesforce invoice in minor units. Raises ValueError when one is not exact."""
    assert view.currency is not None
    total, tax = view.role("total"), view.role("tax")
    return to_minor(Decimal(total or 0), view.currency, view.policy.currencies), to_minor(
        Decimal(tax or 0), view.currency, view.policy.currencies
    )


def tax_minor(copy: Record) -> int:
    """The tax an invoice at Stripe shows."""
    return sum(int(entry["amount"]) for entry in copy.fields.get("total_taxes") or ())


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


def fill(view: View) -> Decision:
    """Fills and finalises the draft; one that does not fit its source any more is deleted and built again."""
    draft = view.stripe
    assert draft is not None
    if view.left_currency:
        # first of all: nothing can be said of amounts that would be read as other money
        return _discard(draft)
    lines = _lines(view)
    if isinstance(lines, Park):
        return lines
    customer = _parents(view, lines)
    if terms_moved(view) or (isinstance(customer, str) and draft.fields.get("customer") not in (None, customer)):
        return _discard(draft)
    if not draft.lines:
        return _add_lines(view, lines)
    there = [(str((row.get("metadata") or {}).get(MARK_ID)), row.get("amount")) for row in draft.lines]
    if sorted(there) != sorted((line.id, line.amount_minor) for line in lines):
        return _discard(draft)
    total, tax = wanted_minor(view)
    seen_tax = tax_minor(draft)
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


def terms_moved(view: View) -> dict[str, tuple[Any, Any]]:
    """What the copy was given once, its dates and its number, and Salesforce says otherwise by now: by name, what was
    given and what is said now. A copy whose due date is not remembered tells it by itself.
    """
    assert view.salesforce is not None
    said = view.values(Side.SALESFORCE)
    given = {
        rule.name: (view.link.shadow[rule.name][0], said[rule.name])
        for rule in view.mapping.fields
        if rule.create_only and rule.name in view.link.shadow and rule.name in said
    }
    told = view.link.progress
    if DUE not in told and view.stripe is not None and not told.get(OTHERS_LINES):
        told = view.stripe.fields.get("metadata") or {}
    if DUE in told:
        given["due date"] = (told[DUE], view.role("due"))
    return {name: both for name, both in given.items() if both[0] != both[1]}


def _discard(draft: Record) -> Act:
    return Act(target=Side.STRIPE, action="delete", target_id=draft.id, body={}, destructive=True)


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
    return Act(
        target=Side.STRIPE,
        action="add_lines",
        target_id=view.stripe.id,
        body={"lines": rows},
        lines=tuple(lines),
        moves_money=True,
    )
