"""Differences between the two invoices that no write of ours can settle."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core.model import Finding, Severity
from connector.core.money import to_minor

if TYPE_CHECKING:
    from connector.core.view import View

BALANCE_FELL = "invoice.balance_fell"
CUSTOMER_BALANCE = "invoice.customer_balance_applied"


def balance_findings(
    view: View, remaining: Any, status: str
) -> tuple[tuple[Finding, ...], tuple[tuple[str, str], ...]]:
    """The Salesforce balance below what Stripe still asks for: something was settled there that Stripe does
    not know, so the customer may pay twice. (findings, cleared).
    """
    subject = view.link.born.id
    balance = view.role("balance")
    if status != "open" or remaining is None or balance is None or view.currency is None:
        return (), ((BALANCE_FELL, subject),)
    balance_minor = to_minor(Decimal(balance), view.currency)
    if balance_minor >= int(remaining):
        return (), ((BALANCE_FELL, subject),)
    finding = Finding(
        code=BALANCE_FELL,
        subject=subject,
        severity=Severity.ERROR,
        observed=f"Salesforce says {balance_minor} is open, Stripe still asks for {remaining} "
        f"(minor units of {view.currency}) on {view.link.mate_id}",
        wanted="the same amount on both sides",
        why="the balance fell in Salesforce for a reason that did not come from Stripe; the customer could pay twice",
        remedy="book the cheque or wire as an External payment, or credit the invoice at Stripe, or undo it in Salesforce",
    )
    return (finding,), ()


def customer_balance_findings(view: View) -> tuple[Finding, ...]:
    """Stripe applied a customer balance when it finalised: part of the invoice was settled by nobody's payment."""
    assert view.stripe is not None
    starting, ending = view.stripe.fields.get("starting_balance"), view.stripe.fields.get("ending_balance")
    if starting is None or ending is None or starting == ending:
        return ()
    return (
        Finding(
            code=CUSTOMER_BALANCE,
            subject=view.link.born.id,
            severity=Severity.ERROR,
            observed=f"{int(ending) - int(starting)} (minor units of {view.currency}) of the customer's balance "
            f"was applied to {view.link.mate_id}",
            wanted="the customer pays the whole invoice",
            why="Stripe applies a customer balance silently when an invoice is finalised; Salesforce does not know it",
            remedy="book the same credit in Salesforce, or adjust the customer balance at Stripe",
        ),
    )
