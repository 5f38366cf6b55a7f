"""What one InvoicePayment of Stripe settles in Salesforce: the invoice as a whole, or its lines.

Every row has its own marker, so that a repeated write finds it: the InvoicePayment's id, and for a
line `<InvoicePayment>:<line>`. Amounts are split exactly; nothing is rounded.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core.mapping import read_path
from connector.core.model import Side
from connector.core.money import from_minor, to_minor
from connector.core.view import Act, Decision, Park, Read, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.mapping import CompanionSpec
    from connector.core.model import Link, Record


def allocate(view: View, row: Mapping[str, Any], invoice: Link, allocated: Mapping[str, Any]) -> Decision:
    """The next allocation row of the InvoicePayment `row`; `allocated` names those that are complete."""
    row_id = str(row["id"])
    if row.get("currency") not in (None, view.currency):
        return Park(
            code="payment.currency_differs", reason=f"{row_id} is in {row.get('currency')}, not {view.currency}"
        )
    to_lines = view.mapping.options.get("allocate_to") == "lines"
    wanted = "line" if to_lines else "invoice"
    companion = next((companion for companion in view.mapping.also if wanted in companion.roles), None)
    if companion is None:
        return Park(
            code="payment.no_allocation_mapping",
            reason=f"the mapping names no allocation with the role `{wanted}` under `also`",
        )
    if to_lines:
        return _to_next_line(view, companion, row, invoice, allocated)
    amount = int(row["amount_paid"])
    return _act(
        view,
        companion,
        marker=row_id,
        settled={companion.roles["invoice"]: invoice.born.id},
        amount=amount,
        invoice=invoice,
        progress={"allocated": {**allocated, row_id: True}},
    )


def in_currency(view: View, fields: dict[str, Any]) -> dict[str, Any]:
    """In a multi-currency org a record is in the money it is about, never in the user's default."""
    path = view.mapping.salesforce.currency
    if path is None or view.policy.currency is not None or view.currency is None:
        return fields
    return {**fields, path: view.currency.upper()}


def _to_next_line(
    view: View, companion: CompanionSpec, row: Mapping[str, Any], invoice: Link, allocated: Mapping[str, Any]
) -> Decision:
    """Lines take what is open on them, in their order, until the amount is spent."""
    if invoice.born not in view.others:
        return Read(others=frozenset({invoice.born}))
    record = view.others[invoice.born]
    if record is None or record.deleted:
        reason = f"invoice {invoice.born.id} does not exist in Salesforce"
        return Park(code="payment.invoice_missing", reason=reason, on=invoice.born)
    row_id = str(row["id"])
    shares = dict(view.link.progress.get("shares") or {})
    mine = dict(shares.get(row_id) or {})
    left = int(row["amount_paid"]) - sum(mine.values())
    open_lines = {line: amount for line, amount in _open_lines(view, record).items() if line not in mine}
    if left > sum(open_lines.values()):
        return Park(
            code="payment.lines_cannot_take_it",
            reason=f"{row_id} settles {left} of invoice {invoice.born.id}, its lines have {sum(open_lines.values())} "
            f"open (minor units of {view.currency})",
            on=invoice.born,
        )
    line, amount = next(iter(open_lines.items()))
    share = min(left, amount)
    progress: dict[str, Any] = {"shares": {**shares, row_id: {**mine, line: share}}}
    if share == left:
        progress["allocated"] = {**allocated, row_id: True}
    return _act(
        view,
        companion,
        marker=f"{row_id}:{line}",
        settled={companion.roles["line"]: line},
        amount=share,
        invoice=invoice,
        progress=progress,
    )


def _open_lines(view: View, invoice: Record) -> dict[str, int]:
    """Line id -> its open balance in minor units, where there is any; in the lines' order."""
    spec = view.kinds[invoice.key.kind].lines
    assert spec is not None
    assert view.currency is not None
    balances = {
        str(row["Id"]): to_minor(
            Decimal(read_path(row, spec.roles["balance"]) or 0), view.currency, view.policy.currencies
        )
        for row in invoice.lines
    }
    return {line: amount for line, amount in balances.items() if amount > 0}


def _act(
    view: View,
    companion: CompanionSpec,
    *,
    marker: str,
    settled: Mapping[str, str],
    amount: int,
    invoice: Link,
    progress: Mapping[str, Any],
) -> Act:
    assert view.currency is not None
    fields = {
        **companion.constants,
        companion.roles["payment"]: view.link.mate_id,
        **settled,
        companion.roles["amount"]: from_minor(amount, view.currency, view.policy.currencies),
    }
    return Act(
        target=Side.SALESFORCE,
        action=f"allocate:{marker}",
        body={
            "object": companion.object,
            "external_id": {"field": companion.marker, "value": marker},
            "fields": in_currency(view, fields),
        },
        progress=progress,
        moves_money=True,
        signals=(invoice.born,),
        # lines are filled by what is open on them: the next payment looks when this one is through
        exclusive=invoice.born if invoice.born in view.others else None,
    )
