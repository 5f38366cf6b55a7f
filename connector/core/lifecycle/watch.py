"""Differences between the two invoices that no write of ours can settle."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from connector.core.lifecycle.invoice_birth import terms_moved
from connector.core.model import Finding, Severity
from connector.core.money import to_minor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.view import View

BALANCE_FELL: Final = "invoice.balance_fell"
BALANCE_STAYED: Final = "invoice.balance_stayed"
CUSTOMER_BALANCE: Final = "invoice.customer_balance_applied"
CLOSED: Final = "invoice.closed_at_stripe"
TERMS: Final = "invoice.terms_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What holds now, and (code, subject) of what no longer does."""

    findings: tuple[Finding, ...] = ()
    cleared: tuple[tuple[str, str], ...] = ()


def balance_changes(view: View, remaining: Any, status: str, *, payments_due: bool) -> Watched:
    """The open balance in Salesforce against what Stripe still asks for.

    Below: something was settled there that Stripe does not know, the customer may pay twice. Above:
    Stripe counts as paid what Salesforce never got; not judged while payments may still be booked.
    """
    subject = view.link.born.id
    fell, stayed = (BALANCE_FELL, subject), (BALANCE_STAYED, subject)
    balance = view.role("balance")
    if status not in ("open", "paid") or remaining is None or balance is None or view.currency is None:
        return Watched(cleared=(fell, stayed))
    balance_minor = to_minor(Decimal(balance), view.currency, view.policy.currencies)
    if balance_minor == int(remaining):
        return Watched(cleared=(fell, stayed))
    if balance_minor > int(remaining):
        return (
            Watched(cleared=(fell,))
            if payments_due
            else Watched(findings=(_stayed(view, balance_minor, int(remaining)),), cleared=(fell,))
        )
    if status == "paid":
        # nothing is payable any more: an over-allocation in Salesforce is Salesforce's matter
        return Watched(cleared=(fell, stayed))
    return Watched(findings=(_fell(view, balance_minor, int(remaining)),), cleared=(stayed,))


def stripe_changes(view: View, status: str) -> Watched:
    """What happened to the invoice at Stripe that Salesforce cannot follow by itself."""
    assert view.stripe is not None
    subject = view.link.born.id
    if status in ("void", "uncollectible") and view.state()[0] == "live":
        closed = Watched(findings=(_closed(view, status),))
    else:
        closed = Watched(cleared=((CLOSED, subject),))
    starting, ending = view.stripe.fields.get("starting_balance"), view.stripe.fields.get("ending_balance")
    if starting is None or ending is None or starting == ending:
        return closed
    applied = _applied(view, int(ending) - int(starting))
    return Watched(findings=(*closed.findings, applied), cleared=closed.cleared)


def term_changes(view: View, status: str) -> Watched:
    """Dates and number that Salesforce says otherwise than the customer was told, while they are to pay."""
    subject = view.link.born.id
    moved = terms_moved(view) if status == "open" else {}
    if not moved:
        return Watched(cleared=((TERMS, subject),))
    return Watched(findings=(_told_otherwise(view, moved),))


def _told_otherwise(view: View, moved: Mapping[str, tuple[Any, Any]]) -> Finding:
    said = ", ".join(f"{name} {now or 'none'}" for name, (_, now) in sorted(moved.items()))
    told = ", ".join(f"{name} {given or 'none'}" for name, (given, _) in sorted(moved.items()))
    return Finding(
        code=TERMS,
        subject=view.link.born.id,
        severity=Severity.WARNING,
        observed=f"Salesforce says {said}; {view.link.mate_id} was made with {told}",
        wanted="what the customer was told",
        why="Stripe changes neither dates nor number of an invoice that is final",
        remedy="undo it in Salesforce, or cancel and rebill, or tell the customer",
    )


def _fell(view: View, balance_minor: int, remaining_minor: int) -> Finding:
    return Finding(
        code=BALANCE_FELL,
        subject=view.link.born.id,
        severity=Severity.ERROR,
        observed=f"Salesforce says {balance_minor} is open, Stripe still asks for {remaining_minor} "
        f"(minor units of {view.currency}) on {view.link.mate_id}",
        wanted="the same amount on both sides",
        why="the balance fell in Salesforce for a reason that did not come from Stripe; the customer could pay twice",
        remedy="book the cheque or wire as an External payment, or credit the invoice at Stripe, or undo it in Salesforce",
    )


def _stayed(view: View, balance_minor: int, remaining_minor: int) -> Finding:
    return Finding(
        code=BALANCE_STAYED,
        subject=view.link.born.id,
        severity=Severity.WARNING,
        observed=f"Salesforce says {balance_minor} is open, Stripe asks for only {remaining_minor} "
        f"(minor units of {view.currency}) on {view.link.mate_id}",
        wanted="the same amount on both sides",
        why="part of the invoice counts as paid at Stripe by something that is no payment, or by one not booked yet",
        remedy="look for a parked payment, for `paid out of band` or a credit at Stripe, and book the same in Salesforce",
    )


def _closed(view: View, status: str) -> Finding:
    return Finding(
        code=CLOSED,
        subject=view.link.born.id,
        severity=Severity.WARNING,
        observed=f"{view.link.mate_id} is {status} at Stripe, not by this connector",
        wanted="a payable invoice while Salesforce says Posted",
        why="the customer cannot pay it any more, and Salesforce still asks for the money",
        remedy="cancel or rebill the invoice in Salesforce, or book how it was settled",
    )


def _applied(view: View, amount_minor: int) -> Finding:
    """Stripe applied a customer balance when it finalised: part was settled by nobody's payment."""
    return Finding(
        code=CUSTOMER_BALANCE,
        subject=view.link.born.id,
        severity=Severity.ERROR,
        observed=f"{amount_minor} (minor units of {view.currency}) of the customer's balance "
        f"was applied to {view.link.mate_id}",
        wanted="the customer pays the whole invoice",
        why="Stripe applies a customer balance silently when an invoice is finalised; Salesforce does not know it",
        remedy="book the same credit in Salesforce, or adjust the customer balance at Stripe",
    )
