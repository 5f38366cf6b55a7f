"""Records of one object with the indexes that keep hot queries independent of the table's size.

Rows are plain dicts that hold only what is not null. Whoever changes a row goes through `put` or `remove`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from connector.sandbox.salesforce.schema import Field, SObject

Row = dict[str, Any]

# Every record has these; an index over them would only ever answer "almost everything".
_NOT_INDEXED = frozenset({"CreatedById", "LastModifiedById", "OwnerId"})


class Table:
    def __init__(self, obj: SObject) -> None:
        self.obj = obj
        self.rows: dict[str, Row] = {}
        #: soft-deleted rows, seen by queryAll only
        self.deleted: dict[str, Row] = {}
        #: live rows as (SystemModstamp, Id), always sorted
        self.by_modstamp: list[tuple[str, str]] = []
        self._indexed: dict[str, Field] = {
            f.name: f
            for f in obj.fields.values()
            if not f.calculated
            and ((f.type == "reference" and f.name not in _NOT_INDEXED) or f.external_id or f.unique)
        }
        #: field, then key, then ids in order of insertion (a dict used as an ordered set)
        self._index: dict[str, dict[str, dict[str, None]]] = {name: {} for name in self._indexed}
        #: moves with every change
        self.version = 0

    def redefine(self, obj: SObject) -> None:
        """The object got fields or lost none: indexes the new ones that need it."""
        self.obj = obj
        for f in obj.fields.values():
            if (f.external_id or f.unique) and f.name not in self._indexed:
                self._indexed[f.name] = f
                self._index[f.name] = {}
        self.version += 1

    def put(self, row: Row) -> None:
        """Stores a new row or the new state of a known one."""
        record_id = row["Id"]
        self.version += 1
        old = self.rows.get(record_id)
        if old is not None:
            self._unindex(old)
        self.deleted.pop(record_id, None)
        self.rows[record_id] = row
        stamp = (row["SystemModstamp"], record_id)
        if not self.by_modstamp or stamp > self.by_modstamp[-1]:
            self.by_modstamp.append(stamp)
        else:
            insort(self.by_modstamp, stamp)
        for name, field in self._indexed.items():
            value = row.get(name)
            if value is not None:
                self._index[name].setdefault(index_key(field, value), {})[record_id] = None

    def bury(self, row: Row) -> None:
        """Moves a live row among the deleted; `row` is its last state."""
        self.remove(row["Id"])
        self.deleted[row["Id"]] = row

    def remove(self, record_id: str) -> None:
        """Forgets a record entirely."""
        self.version += 1
        old = self.rows.pop(record_id, None)
        if old is not None:
            self._unindex(old)
        self.deleted.pop(record_id, None)

    def is_indexed(self, field_name: str) -> bool:
        return field_name == "Id" or field_name in self._indexed

    def ids_where(self, field_name: str, values: Iterable[Any]) -> Iterator[str]:
        """Ids of live records whose indexed field equals one of the values."""
        if field_name == "Id":
            yield from (value for value in values if value in self.rows)
            return
        field, index = self._indexed[field_name], self._index[field_name]
        for value in values:
            yield from index.get(index_key(field, value), ())

    def children(self, field_name: str, parent_id: str) -> Iterable[str]:
        return self._index[field_name].get(parent_id, ())

    def _unindex(self, row: Row) -> None:
        record_id = row["Id"]
        stamp = (row["SystemModstamp"], record_id)
        position = bisect_left(self.by_modstamp, stamp)
        assert self.by_modstamp[position] == stamp
        del self.by_modstamp[position]
        for name, field in self._indexed.items():
            value = row.get(name)
            if value is not None:
                key = index_key(field, value)
                ids = self._index[name][key]
                del ids[record_id]
                if not ids:
                    del self._index[name][key]


class DerivedTable(Table):
    """Rows the platform works out when somebody asks, such as the effective permissions of the caller."""

    def __init__(self, obj: SObject, derive: Callable[[], dict[str, Row]]) -> None:
        super().__init__(obj)
        self._derive = derive

    @property
    def rows(self) -> dict[str, Row]:
        return self._derive()

    @rows.setter
    def rows(self, rows: dict[str, Row]) -> None:
        """Nothing is stored."""

    def is_indexed(self, field_name: str) -> bool:
        return field_name == "Id"


def index_key(field: Field, value: str) -> str:
    """Equal keys are equal values to Salesforce: case counts for ids and case-sensitive fields only."""
    return value if field.type == "reference" or field.case_sensitive else value.lower()
