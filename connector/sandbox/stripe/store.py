"""Objects in creation order with secondary indexes, and pages over them.

Every list is answered from an index or from a position in creation order, never by reading all
objects first. Knows nothing of what the objects mean.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a collection a list call asks for. Times are Unix seconds."""

    created_from: int | None = None
    created_to: int | None = None
    #: exclusive positions in creation order
    after: int | None = None
    before: int | None = None
    #: walk from old to new (an `ending_before` page is the one next to its cursor)
    oldest_first: bool = False


class Collection:
    """All objects of one kind. An object's position never changes; a deleted one leaves a gap."""

    def __init__(self, indexed: Mapping[str, Callable[[Object], Any]]) -> None:
        self._by_id: dict[str, Object] = {}
        self._ordered: list[Object | None] = []
        self._created: list[int] = []
        self._position: dict[str, int] = {}
        self._indexed = indexed
        self._index: dict[str, dict[Any, list[int]]] = {name: {} for name in indexed}
        #: indexed values as they stand in the index, by position
        self._indexed_values: list[tuple[Any, ...] | None] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, object_id: str) -> bool:
        return object_id in self._by_id

    def get(self, object_id: str) -> Object | None:
        return self._by_id.get(object_id)

    def position(self, object_id: str) -> int | None:
        return self._position.get(object_id)

    def in_order(self) -> Iterator[tuple[int, Object]]:
        """Creation time and object, oldest first."""
        return ((self._created[at], item) for at, item in enumerate(self._ordered) if item is not None)

    def newer_than(self, position: int) -> tuple[list[Object], int]:
        """What was inserted since this position, oldest first, and the position to ask from next time."""
        return [item for item in self._ordered[position:] if item is not None], len(self._ordered)

    def values_of(self, index: str) -> list[Any]:
        """The values an indexed field has at present."""
        return list(self._index[index])

    def insert(self, item: Object, *, created: int) -> None:
        assert item["id"] not in self._by_id
        assert not self._created or created >= self._created[-1], "the sandbox's clock went backwards"
        position = len(self._ordered)
        self._by_id[item["id"]] = item
        self._position[item["id"]] = position
        self._ordered.append(item)
        self._created.append(created)
        self._indexed_values.append(None)
        self._index_at(position, item)

    def remove(self, object_id: str) -> None:
        position = self._position[object_id]
        self._unindex_at(position)
        del self._by_id[object_id]
        self._ordered[position] = None

    def undo_insert(self, object_id: str) -> None:
        """Takes the newest object out again as if it had never been."""
        position = self._position.pop(object_id)
        assert position == len(self._ordered) - 1
        self._unindex_at(position)
        del self._by_id[object_id]
        self._ordered.pop()
        self._created.pop()
        self._indexed_values.pop()

    def undo_remove(self, item: Object) -> None:
        position = self._position[item["id"]]
        self._by_id[item["id"]] = item
        self._ordered[position] = item
        self._index_at(position, item)

    def reindex(self, object_id: str) -> None:
        """Brings the indexes up to date after the object was changed in place."""
        position = self._position[object_id]
        item = self._ordered[position]
        if item is None:
            return
        values = tuple(read(item) for read in self._indexed.values())
        if values != self._indexed_values[position]:
            self._unindex_at(position)
            self._index_at(position, item)

    def _index_at(self, position: int, item: Object) -> None:
        values = tuple(read(item) for read in self._indexed.values())
        for index, value in zip(self._index.values(), values, strict=True):
            if value is not None:
                positions = index.setdefault(value, [])
                if not positions or positions[-1] < position:
                    positions.append(position)
                else:
                    insort(positions, position)
        self._indexed_values[position] = values

    def _unindex_at(self, position: int) -> None:
        values = self._indexed_values[position]
        if values is None:
            return
        for index, value in zip(self._index.values(), values, strict=True):
            if value is not None:
                positions = index[value]
                positions.pop(bisect_left(positions, position))
                if not positions:
                    del index[value]
        self._indexed_values[position] = None

    def select(self, wanted: Mapping[str, Iterable[Any]], window: Window) -> Iterator[Object]:
        """Objects whose indexed fields have one of the wanted values, newest first unless asked otherwise."""
        low, high = self._bounds(window)
        reads = {name: frozenset(values) for name, values in wanted.items()}
        if not reads:
            walked: Iterable[int] = range(low, high) if window.oldest_first else range(high - 1, low - 1, -1)
        else:
            name = min(reads, key=lambda each: sum(len(self._index[each].get(v, ())) for v in reads[each]))
            chosen = reads.pop(name)
            lists = [self._index[name][value] for value in chosen if value in self._index[name]]
            walked = heapq.merge(
                *(_part(positions, low, high, oldest_first=window.oldest_first) for positions in lists),
                reverse=not window.oldest_first,
            )
        for position in walked:
            item = self._ordered[position]
            if item is not None and all(self._indexed[name](item) in values for name, values in reads.items()):
                yield item

    def _bounds(self, window: Window) -> tuple[int, int]:
        low, high = 0, len(self._ordered)
        if window.created_from is not None:
            low = max(low, bisect_left(self._created, window.created_from))
        if window.created_to is not None:
            high = min(high, bisect_right(self._created, window.created_to))
        if window.after is not None:
            low = max(low, window.after + 1)
        if window.before is not None:
            high = min(high, window.before)
        return low, high


def _part(positions: list[int], low: int, high: int, *, oldest_first: bool) -> Iterator[int]:
    first, last = bisect_left(positions, low), bisect_left(positions, high)
    steps = range(first, last) if oldest_first else range(last - 1, first - 1, -1)
    return (positions[step] for step in steps)


def field(name: str) -> Callable[[Object], Any]:
    """Reads a top-level field for an index."""
    return lambda item: item.get(name)


def nested(*names: str) -> Callable[[Object], Any]:
    """Reads a nested field for an index; absent and null alike are not indexed."""

    def read(item: Object) -> Any:
        value: Any = item
        for name in names:
            if value is None:
                return None
            value = value.get(name)
        return value

    return read


INDEXED: dict[str, dict[str, Callable[[Object], Any]]] = {
    "account": {},
    "billing_portal.configuration": {"active": field("active"), "is_default": field("is_default")},
    "balance_transaction": {"source": field("source"), "type": field("type")},
    "charge": {"customer": field("customer"), "payment_intent": field("payment_intent")},
    "customer": {"email": field("email")},
    "customer_balance_transaction": {"customer": field("customer"), "invoice": field("invoice")},
    "event": {"type": field("type")},
    "invoice": {
        "customer": field("customer"),
        "status": field("status"),
        "collection_method": field("collection_method"),
        "number": field("number"),
    },
    "invoice_payment": {
        "invoice": field("invoice"),
        "status": field("status"),
        "payment_type": nested("payment", "type"),
        "payment_intent": nested("payment", "payment_intent"),
        "payment_record": nested("payment", "payment_record"),
    },
    "invoiceitem": {
        "customer": field("customer"),
        "invoice": field("invoice"),
        # None as the value of a pending item cannot be indexed, so pending is an index of its own.
        "pending": lambda item: item["invoice"] is None,
    },
    "item": {},
    "line_item": {"invoice": field("invoice"), "invoiceitem": nested("parent", "invoice_item_details", "invoice_item")},
    "payment_intent": {"customer": field("customer")},
    "payment_method": {"customer": field("customer"), "type": field("type")},
    "payment_record": {},
    "price": {
        "product": field("product"),
        "active": field("active"),
        "currency": field("currency"),
        "lookup_key": field("lookup_key"),
        "type": field("type"),
    },
    "product": {"active": field("active")},
    "quote": {"customer": field("customer"), "status": field("status")},
    "refund": {"charge": field("charge"), "payment_intent": field("payment_intent")},
    "tax_rate": {"active": field("active"), "inclusive": field("inclusive")},
    "webhook_endpoint": {},
}
