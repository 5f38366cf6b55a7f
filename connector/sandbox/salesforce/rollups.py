"""Roll-up summary fields: recomputed from the children whenever a child was written.

A roll-up whose value changed is stored on the parent; by the org's switch that moves the parent's SystemModstamp or
not, because both are seen in the wild (architecture.md 4: "roll-ups may or may not").
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.schema import Field, RollUp
    from connector.sandbox.salesforce.table import Row

_ZERO = Decimal(0)


class RollUps:
    def __init__(self, database: Database, store: Callable[[str, Row], None]) -> None:
        """`store(object, row)` keeps a parent's new state."""
        self._database = database
        self._store = store
        #: child object to its (foreign key, parent object)
        self._parents: dict[str, set[tuple[str, str]]] = {}
        #: (parent, child, foreign key) to the parent's roll-up fields
        self._fields: dict[tuple[str, str, str], list[tuple[Field, RollUp]]] = {}
        for obj in database.objects.values():
            for field in obj.fields.values():
                if field.rollup is not None and field.rollup.child in database.objects:
                    rollup = field.rollup
                    self._parents.setdefault(rollup.child, set()).add((rollup.foreign_key, obj.name))
                    self._fields.setdefault((obj.name, rollup.child, rollup.foreign_key), []).append((field, rollup))
        #: how many levels of roll-ups lie below an object: lines come before their document
        self._depth = {name: self._levels_below(name) for name in database.objects}
        self._dirty: dict[tuple[str, str, str], dict[str, None]] = {}

    def touch(self, child: str, old: Row | None, new: Row | None) -> None:
        """A child was created (`old` None), changed or deleted (`new` None)."""
        for foreign_key, parent in self._parents.get(child, ()):
            dirty = self._dirty.setdefault((parent, child, foreign_key), {})
            for row in (old, new):
                if row is not None and foreign_key in row:
                    dirty[row[foreign_key]] = None

    def flush(self) -> None:
        """Brings every touched parent up to date, then the parents of those."""
        while self._dirty:
            key = min(self._dirty, key=lambda candidate: self._depth[candidate[0]])
            for parent_id in self._dirty.pop(key):
                self._recompute(key, parent_id)

    def _levels_below(self, obj_name: str) -> int:
        below = [child for parent, child, _ in self._fields if parent == obj_name]
        return 1 + max((self._levels_below(child) for child in below), default=0)

    def _recompute(self, key: tuple[str, str, str], parent_id: str) -> None:
        parent_name, child_name, foreign_key = key
        table = self._database.tables[parent_name]
        row = table.rows.get(parent_id)
        if row is None:
            return
        children = self._database.tables[child_name]
        rows = [children.rows[child_id] for child_id in children.children(foreign_key, parent_id)]
        changed: Row = {}
        for field, rollup in self._fields[key]:
            value = self._summarise(field, rollup, rows, row)
            if value != row.get(field.name, _ZERO):
                changed[field.name] = value
        if changed:
            new = {**row, **changed}
            self._store(parent_name, new)
            self.touch(parent_name, row, new)

    def _summarise(self, field: Field, rollup: RollUp, rows: list[Row], parent: Row) -> Decimal:
        read = self._database.reader
        for name, wanted in rollup.filters:
            matches = read(rollup.child, name)
            rows = [row for row in rows if matches(row) == wanted]
        if rollup.summed is None:
            return Decimal(len(rows))
        amount = read(rollup.child, rollup.summed)
        total = _ZERO
        for row in rows:
            value = amount(row)
            if value is not None:
                total += self._converted(value, row, parent)
        step = Decimal(1).scaleb(-(field.scale or 0))
        return total.quantize(step, ROUND_HALF_UP)

    def _converted(self, amount: Decimal, row: Row, parent: Row) -> Decimal:
        """The amount in the parent's currency: roll-ups convert at the org's rates."""
        source, target = row.get("CurrencyIsoCode"), parent.get("CurrencyIsoCode")
        if source == target or source is None or target is None:
            return amount
        rates = {
            rate["IsoCode"]: rate["ConversionRate"] for rate in self._database.tables["CurrencyType"].rows.values()
        }
        return Decimal(amount * rates[target] / rates[source])
