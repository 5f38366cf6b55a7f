"""What the lines of a pair's records say, the same on both sides as long as nobody altered one.

An invoice's lines by the row they were made from, with amount and tax; a quote's by quantity and amount; a
payment's by the mirrored invoice they pay, allocations and unallocations added up, whether they were made to
the invoice or to its lines. Descriptions, periods and products are not compared: they bill nothing. Pure.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from connector.core.allocations import allocated_minor
from connector.core.model import Side
from connector.core.shapes import decode_line, units_of
from connector.core.view import MARK_ID, OTHERS_LINES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from connector.core.line import Line
    from connector.core.view import View

#: what a line is known by (empty where nothing names it) and what it says, whole numbers
Said: TypeAlias = "tuple[str, tuple[int, ...]]"

#: lines named where lines differ; the others are counted
_NAMED_MAX: Final = 3


def lines_said(view: View, side: Side) -> tuple[Said, ...]:
    """In an order of their own; nothing for kinds without lines, and for a copy whose lines are other people's.

    Parents that are not known yet count as not mirrored. Raises ValueError for a line that cannot be read.
    """
    reader = _READERS.get(view.mapping.lifecycle)
    if reader is None or not view.mapping.line_specs or view.link.progress.get(OTHERS_LINES):
        return ()
    if view.currency is None:
        raise ValueError("its lines have no currency")
    return tuple(sorted(reader[side](view)))


def lines_differ(view: View) -> str | None:
    """In words, where the lines of both sides differ; None where they agree. Raises ValueError like `lines_said`."""
    here, there = (Counter(lines_said(view, side)) for side in (Side.SALESFORCE, Side.STRIPE))
    parts = [
        f"{words} alone says {_in_words(view, only)}"
        for words, only in (("Salesforce", here - there), ("Stripe", there - here))
        if only
    ]
    return f"{'; '.join(parts)} (minor units of {view.currency})" if parts else None


def are_others(view: View) -> bool:
    """Whether this copy's lines may have been made by somebody else: ours carry the mark of their row, and what it
    was finalised with is remembered unless the store was lost.
    """
    if view.mapping.lifecycle != "invoice" or "final" in view.link.progress:
        return False
    return not any(name for name, _ in _billed(view))


def _in_words(view: View, only: Counter[Said]) -> str:
    lines = sorted(only.elements())
    words = ", ".join(_WORDS[view.mapping.lifecycle](name, said) for name, said in lines[:_NAMED_MAX])
    return f"{words} and {len(lines) - _NAMED_MAX} more" if len(lines) > _NAMED_MAX else words


def _rows(view: View) -> list[Line]:
    spec, record = view.mapping.lines, view.salesforce
    assert spec is not None
    assert record is not None
    return [decode_line(spec, row, view.context) for row in record.lines]


def _invoiced(view: View) -> Iterator[Said]:
    return ((line.id, (line.amount_minor, line.tax_minor)) for line in _rows(view))


def _billed(view: View) -> Iterator[Said]:
    assert view.stripe is not None
    for row in view.stripe.lines:
        tax = sum(int(entry["amount"]) for entry in row.get("taxes") or ())
        yield str((row.get("metadata") or {}).get(MARK_ID) or ""), (int(row["amount"]), tax)


def _quoted(view: View) -> Iterator[Said]:
    return (("", (units_of(line)[0], line.amount_minor)) for line in _rows(view))


def _offered(view: View) -> Iterator[Said]:
    assert view.stripe is not None
    return (("", (int(row["quantity"] or 0), int(row["amount_subtotal"]))) for row in view.stripe.lines)


def _allocated(view: View) -> Iterator[Said]:
    """Per invoice that has a copy at Stripe; what is allocated to any other one is Salesforce's own matter."""
    for invoice_id, amount in allocated_minor(view).items():
        link = view.parents("invoice", Side.SALESFORCE, invoice_id)
        if link is not None and link.mate_id is not None:
            yield invoice_id, (amount,)


def _paid(view: View) -> Iterator[Said]:
    assert view.stripe is not None
    amounts: Counter[str] = Counter()
    for row in view.stripe.lines:
        if row.get("status") == "paid":
            amounts[str(row["invoice"])] += int(row.get("amount_paid") or 0)
    for invoice_id, amount in amounts.items():
        link = view.parents("invoice", Side.STRIPE, invoice_id)
        if amount and link is not None:
            yield link.born.id, (amount,)


_READERS: Final[Mapping[str, Mapping[Side, Callable[[Any], Iterator[Said]]]]] = {
    "invoice": {Side.SALESFORCE: _invoiced, Side.STRIPE: _billed},
    "quote": {Side.SALESFORCE: _quoted, Side.STRIPE: _offered},
    "payment": {Side.SALESFORCE: _allocated, Side.STRIPE: _paid},
    "offline_payment": {Side.SALESFORCE: _allocated, Side.STRIPE: _paid},
}
_WORDS: Final[Mapping[str, Callable[[str, tuple[int, ...]], str]]] = {
    "invoice": lambda name, said: f"line {name or 'without our mark'}: {said[0]} with tax {said[1]}",
    "quote": lambda _, said: f"{said[0]} units for {said[1]}",
    "payment": lambda name, said: f"{said[0]} for invoice {name}",
    "offline_payment": lambda name, said: f"{said[0]} for invoice {name}",
}
