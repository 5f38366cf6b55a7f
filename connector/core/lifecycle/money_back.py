"""Money of a payment that went back at Stripe: Salesforce cannot follow by itself, so that it is told until people have
booked the same refund there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from connector.core.model import Finding, Severity
from connector.core.money import to_minor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.model import Link, Record
    from connector.core.view import View

REFUNDED: Final = "payment.refunded"
#: where a link keeps how much went back, in minor units, and what the assembled payment calls it
_KEPT: Final = "amount_refunded"


def is_news(link: Link, record: Record) -> bool:
    """Whether more or less went back than when the payment was looked at last."""
    return _of(record.fields) != _of(link.progress)


def kept(view: View) -> dict[str, int]:
    """What the link is to remember of it: nothing for a payment of which nothing ever went back."""
    if view.stripe is None or not is_news(view.link, view.stripe):
        return {}
    return {_KEPT: _of(view.stripe.fields)}


def concerns(view: View) -> bool:
    """Whether anything went back, or was thought to have."""
    return bool(_refunded(view) or _of(view.link.progress))


def refund_findings(view: View) -> tuple[Finding, ...]:
    refunded = _refunded(view)
    booked = _booked(view)
    if refunded == booked or not refunded:
        return ()
    in_words = "none of it" if not booked else f"{booked}"
    return (
        Finding(
            code=REFUNDED,
            subject=view.link.born.id,
            severity=Severity.ERROR,
            observed=f"{refunded} of {view.link.born.id} was refunded at Stripe, {in_words} is booked as refunded on "
            f"{view.link.mate_id} (minor units of {view.currency})",
            wanted="the same refund in Salesforce",
            why="Salesforce counts money as received that has gone back to the customer",
            remedy="unallocate the payment and book the refund in Salesforce",
        ),
    )


def _of(fields: Mapping[str, Any]) -> int:
    return int(fields.get(_KEPT) or 0)


def _refunded(view: View) -> int:
    """As Stripe says now, else as it said last."""
    return _of(view.link.progress if view.stripe is None else view.stripe.fields)


def _booked(view: View) -> int | None:
    """None where the mapping or the record does not tell."""
    if view.salesforce is None or view.salesforce.deleted or view.currency is None:
        return None
    amount = view.role("refunds")
    return None if amount is None else to_minor(Decimal(amount), view.currency, view.policy.currencies)
