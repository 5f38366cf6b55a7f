"""What a Salesforce payment is allocated to: to invoices or to their lines, unallocations taken off. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from connector.core.mapping import read_path
from connector.core.money import to_minor

if TYPE_CHECKING:
    from connector.core.view import View

#: the picklist value of a row that takes an allocation back (billing-facts.md, derived amounts)
UNALLOCATION: Final = "Unallocation"


class InvoiceHidden(ValueError):
    """A row whose invoice the connector's user may not see."""


class OtherMoney(ValueError):
    """A row in another currency than its payment: Salesforce converts it, by a rate that is not told."""


def allocated_minor(view: View) -> dict[str, int]:
    """Invoice id -> what is allocated to it, in minor units; invoices of which nothing is left are left out.

    To the invoice or to its lines: Salesforce Billing takes both off the invoice's balance, each once
    (billing-facts.md, derived amounts). Raises InvoiceHidden, OtherMoney, and ValueError for an
    amount that is not exact.
    """
    record = view.salesforce
    assert record is not None
    assert view.currency is not None
    amounts: dict[str, int] = {}
    for row in record.lines:
        # a row of either object has only its own way to the invoice
        ways = [spec for spec in view.mapping.line_specs if read_path(row, spec.roles["invoice"]) is not None]
        if not ways:
            raise InvoiceHidden(f"allocation {row['Id']} does not show its invoice")
        roles = ways[0].roles
        invoice_id = str(read_path(row, roles["invoice"]))
        code = read_path(row, roles["currency"]) if "currency" in roles else None
        if code is not None and str(code).lower() != view.currency:
            raise OtherMoney(f"allocation {row['Id']} is in {code}, its payment in {view.currency.upper()}")
        amount = to_minor(Decimal(read_path(row, roles["amount"]) or 0), view.currency, view.policy.currencies)
        sign = -1 if read_path(row, roles["type"]) == UNALLOCATION else 1
        amounts[invoice_id] = amounts.get(invoice_id, 0) + sign * amount
    return {invoice_id: amount for invoice_id, amount in amounts.items() if amount}
