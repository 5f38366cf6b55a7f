"""All tables of the org and how a field is read: stored, rolled up, or computed by its formula.

Knows no permissions and no request; the engine writes, the queries read.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.formulas import FORMULAS
from connector.sandbox.salesforce.table import DerivedTable, Row, Table

if TYPE_CHECKING:
    from connector.sandbox.salesforce.schema import Field, SObject

Reader = Callable[[Row], Any]
_ZERO = Decimal(0)
# "Reserved for future use. Currently, the value is always null" (object reference, OauthToken).
_NO_IDS = frozenset({"OauthToken"})


class Database:
    def __init__(self, objects: Mapping[str, SObject]) -> None:
        #: every object with every field, whoever asks
        self.objects = dict(objects)
        self.tables: dict[str, Table] = {name: Table(obj) for name, obj in objects.items()}
        self.by_prefix = {obj.key_prefix: obj for obj in objects.values()}
        self._readers: dict[tuple[str, str], Reader] = {}
        #: (child object, its reference field) per parent object
        self.child_references: dict[str, list[tuple[SObject, Field]]] = {name: [] for name in objects}
        for obj in objects.values():
            for field in obj.fields.values():
                for target in field.reference_to:
                    if target in objects and not field.calculated:
                        self.child_references[target].append((obj, field))

    def derive(self, obj_name: str, rows: Callable[[], dict[str, Row]]) -> None:
        """Makes an object one whose rows are worked out whenever somebody reads them."""
        self.tables[obj_name] = DerivedTable(self.objects[obj_name], rows)

    def redefine(self, obj: SObject) -> None:
        """Puts a changed definition in the place of the old one. Known fields keep their types."""
        self.objects[obj.name] = obj
        self.by_prefix[obj.key_prefix] = obj
        self.tables[obj.name].redefine(obj)

    def reader(self, obj_name: str, field_name: str) -> Reader:
        """Reads one field of a row of the object."""
        key = (obj_name, field_name)
        found = self._readers.get(key)
        if found is None:
            found = self._readers[key] = self._build_reader(self.objects[obj_name].fields[field_name], obj_name)
        return found

    def value(self, obj_name: str, row: Row, path: str) -> Any:
        """A field, or the end of a path through lookups such as `SBQQ__Quote__r.Name`; None when a lookup is empty."""
        if "." in path:
            return self.path_reader(obj_name, tuple(path.split(".")))(row)
        return self.reader(obj_name, path)(row)

    def path_reader(self, obj_name: str, path: Sequence[str]) -> Reader:
        """Reads through parents. Every part must be spelled as in the schema."""
        if len(path) == 1:
            return self.reader(obj_name, path[0])
        reference = self.objects[obj_name].parents[path[0].lower()]
        target = self.parent_object(reference)
        rest = self.path_reader(target, path[1:])
        name, parents = reference.name, self.tables[target].rows

        def read(row: Row) -> Any:
            parent = parents.get(row.get(name, ""))
            return None if parent is None else rest(parent)

        return read

    def parent_object(self, reference: Field) -> str:
        """The object a lookup leads to: the first target that exists in this org. Raises KeyError without one."""
        for target in reference.reference_to:
            if target in self.objects:
                return target
        raise KeyError(reference.name)

    def _build_reader(self, field: Field, obj_name: str) -> Reader:
        name = field.name
        if name == "Id" and obj_name in _NO_IDS:
            return lambda _row: None
        if field.is_formula:
            formula = FORMULAS[obj_name][name]
            return lambda row: formula(functools.partial(self.value, obj_name, row))
        if field.rollup is not None:
            return lambda row: row.get(name, _ZERO)
        if field.type == "boolean":
            return lambda row: row.get(name, False)
        return lambda row: row.get(name)
