"""What people are told about quotes that ended at Stripe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.model import Finding, Severity

if TYPE_CHECKING:
    from connector.core.view import View

ACCEPTED: Final = "quote.accepted_at_stripe"
CANCELED: Final = "quote.canceled_at_stripe"
CODES: Final = (ACCEPTED, CANCELED)


def accepted(view: View, invoice_id: str) -> Finding:
    return Finding(
        code=ACCEPTED,
        subject=view.link.born.id,
        severity=Severity.WARNING,
        observed=f"{view.link.mate_id} was accepted at Stripe, which made invoice {invoice_id}; it is held",
        wanted="one bill: Salesforce Billing's",
        why="accepting a quote at Stripe creates an invoice there, and the order will be billed in Salesforce as well",
        remedy=f"delete or void {invoice_id} at Stripe, and order the quote in Salesforce",
    )


def canceled(view: View) -> Finding:
    return Finding(
        code=CANCELED,
        subject=view.link.born.id,
        severity=Severity.WARNING,
        observed=f"{view.link.mate_id} was cancelled at Stripe, not by this connector",
        wanted="an open quote while Salesforce says Presented",
        why="the customer cannot accept it any more, and Salesforce does not know",
        remedy="reject the quote in Salesforce, or move it to Draft and present it again; or set on_cancel",
    )
