"""The Stripe resources this adapter reads: their paths, their lines, and a Record from a JSON object.

Paths and expandable fields come from the derived API description (PROVENANCE.md of the Stripe facts).
Pure; may not call anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.core.errors import RemoteError
from connector.core.model import Key, Record, Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    #: list of all objects
    collection: str
    #: field of the object that holds the first page of its lines
    lines: str | None = None
    #: further pages of the lines
    lines_template: str | None = None
    #: True when the lines come only if asked for
    lines_expanded: bool = False

    @property
    def item(self) -> str:
        return f"{self.collection}/{{id}}"

    @property
    def expand(self) -> tuple[str, ...]:
        """What a call that answers with one object must expand."""
        return (self.lines,) if self.lines is not None and self.lines_expanded else ()

    @property
    def list_expand(self) -> tuple[str, ...]:
        return tuple(f"data.{name}" for name in self.expand)


RESOURCES: Mapping[str, Resource] = {
    "customer": Resource(collection="/v1/customers"),
    "product": Resource(collection="/v1/products"),
    "quote": Resource(
        collection="/v1/quotes",
        lines="line_items",
        lines_template="/v1/quotes/{id}/line_items",
        lines_expanded=True,
    ),
    "invoice": Resource(collection="/v1/invoices", lines="lines", lines_template="/v1/invoices/{id}/lines"),
    "payment_record": Resource(collection="/v1/payment_records"),
}

#: Names of fields that hold minor units. Percentages and quantities are the floats Stripe does send.
_MONEY = re.compile(r"amount|total|balance|value|(^|_)(paid|remaining|due|shipping|price)$")
_NOT_MONEY = re.compile(r"percent|decimal|quantity")


def record_of(kind: str, item: Mapping[str, Any], *, lines: Sequence[Mapping[str, Any]] | None = None) -> Record:
    """The record an object of the wire is. Without `lines`, those that came inside the object: Stripe puts
    at most one page there, and the list's own `has_more` says whether that is all.

    Stripe has no version; it is "". Raises RemoteError when an amount is not a whole number.
    """
    if _holds_float(item):
        _refuse_float_money(item, kind)
    inner = first_lines(item)
    return Record(
        key=Key(side=Side.STRIPE, kind=kind, id=item["id"]),
        version="",
        fields=item,
        lines=tuple(inner if lines is None else lines),
        deleted=bool(item.get("deleted")),
        created_at=datetime.fromtimestamp(item["created"], UTC) if item.get("created") else None,
    )


def first_lines(item: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    page = _lines_page(item)
    lines: Sequence[Mapping[str, Any]] = page["data"] if page is not None else ()
    return lines


def has_more_lines(item: Mapping[str, Any]) -> bool:
    page = _lines_page(item)
    return page is not None and bool(page.get("has_more"))


def _lines_page(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    resource = RESOURCES.get(item.get("object", ""))
    if resource is None or resource.lines is None:
        return None
    page: Mapping[str, Any] | None = item.get(resource.lines)
    return page


def _holds_float(item: Mapping[str, Any]) -> bool:
    """Few records do, and to tell which float it is takes three times as long as to see that there is none."""
    nested: list[Any] = [item]
    for part in nested:
        for inner in part if type(part) is list else part.values():
            sort = type(inner)
            if sort is float:
                return True
            if inner and (sort is dict or sort is list):
                nested.append(inner)
    return False


def _refuse_float_money(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, float) and _MONEY.search(name) and not _NOT_MONEY.search(name):
                raise RemoteError(
                    f"{where}.{name} is {inner!r}, not a whole number of minor units",
                    side=Side.STRIPE,
                    action=where,
                    code="amount_not_whole",
                    fields=(name,),
                )
            if isinstance(inner, dict | list):
                _refuse_float_money(inner, f"{where}.{name}")
    elif isinstance(value, list):
        for inner in value:
            _refuse_float_money(inner, where)
