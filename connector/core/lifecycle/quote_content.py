"""What a quote says: its lines, what they refer to, and whether that still is what Stripe was told.

Pure; may not decide what follows from it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core.body import encode_body
from connector.core.model import Key, Side
from connector.core.money import to_minor
from connector.core.shapes import decode_line, quote_line
from connector.core.view import Park, View, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.line import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is offered, and to whom."""

    #: Stripe customer id
    customer: str
    lines: tuple[Line, ...]
    #: parameters that say it to Stripe
    params: dict[str, Any]


def fingerprint(view: View) -> str:
    """Equal as long as the quote offers the same: products, quantities, amounts, discount. Raises ValueError
    when a line cannot be read.
    """
    offered = [
        [line.product_id, line.amount_minor, None if line.quantity is None else line.quantity.normalize()]
        for line in _decoded(view)
    ]
    content = {"lines": offered, "discount": _discount_text(view)}
    return hashlib.sha256(encode_body(content)).hexdigest()[:16]


def content_of(view: View) -> Content | Park | Wait:
    """What is offered, or why there is nothing yet."""
    lines = _lines(view)
    if isinstance(lines, Park):
        return lines
    parents = _parents(view, lines)
    if isinstance(parents, Wait):
        return parents
    customer, products = parents
    # an empty description clears one that told of a discount
    params = {
        "line_items": [
            quote_line(line, product_mate=product, context=view.context)
            for line, product in zip(lines, products, strict=True)
        ],
        "description": _discount_text(view) or "",
    }
    return Content(customer=customer, lines=tuple(lines), params=params)


def left_customer(view: View) -> str | None:
    """The Stripe customer the quote was made for, where Salesforce offers it to another Account by now.

    An Account that was merged takes its quotes along, and what was made for its customer stays with that one.
    """
    made_for = view.link.progress.get("customer") if view.stripe is None else view.stripe.fields.get("customer")
    if made_for is None:
        return None
    holder = view.parents("customer", Side.STRIPE, str(made_for))
    if holder is None or holder.born.id == view.role("customer"):
        return None
    if (holder.reason_code or "").endswith(".merged"):
        return None
    return str(made_for)


def total_minor(view: View) -> int:
    """Raises ValueError when the net amount is not exact in the quote's currency."""
    assert view.currency is not None
    return to_minor(Decimal(view.role("total") or 0), view.currency, view.policy.currencies)


def _decoded(view: View) -> list[Line]:
    spec, record = view.mapping.lines, view.salesforce
    assert spec is not None
    assert record is not None
    return [decode_line(spec, row, view.context) for row in record.lines]


def _lines(view: View) -> list[Line] | Park:
    if view.currency is None:
        return Park(code="quote.no_currency", reason="the quote has no currency and the org's is not configured")
    try:
        lines, total = _decoded(view), total_minor(view)
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
            on=Key(side=Side.SALESFORCE, kind="product", id=str(retired[0].product_id)),
        )
    if sum(line.amount_minor for line in lines) != total:
        return Park(
            code="quote.lines_do_not_add_up",
            reason=f"lines give {sum(line.amount_minor for line in lines)}, the quote's net amount is {total} "
            f"(minor units of {view.currency})",
        )
    return lines


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
