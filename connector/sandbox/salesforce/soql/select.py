"""Select lists to renderers: a row in, the JSON object of the REST API out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.table import Row

if TYPE_CHECKING:
    from connector.sandbox.salesforce.database import Database, Reader
    from connector.sandbox.salesforce.schema import SObject
    from connector.sandbox.salesforce.soql.scope import Bound

Json = dict[str, Any]
#: renders the children of one parent row
Children = Callable[[Row], Json | None]


@dataclass(slots=True, kw_only=True)
class _Node:
    """The fields wanted of one object on the way through the lookups."""

    obj: str
    fields: list[tuple[str, Reader]] = field(default_factory=list)
    parents: dict[str, tuple[str, _Node]] = field(default_factory=dict)
    children: list[tuple[str, Children]] = field(default_factory=list)


class Renderer:
    """Collects what is selected, then renders rows."""

    def __init__(self, obj: SObject, database: Database, url_prefix: str) -> None:
        """`url_prefix` is `/services/data/vXX.X/sobjects/`."""
        self._database = database
        self._url_prefix = url_prefix
        self._root = _Node(obj=obj.name)

    def add_field(self, bound: Bound) -> bool:
        """False when the field is selected already."""
        node = self._root
        for relationship in bound.parts[:-1]:
            reference = self._database.objects[node.obj].parents[relationship.lower()]
            if relationship not in node.parents:
                target = self._database.parent_object(reference)
                node.parents[relationship] = (reference.name, _Node(obj=target))
            node = node.parents[relationship][1]
        if any(name == bound.field.name for name, _ in node.fields):
            return False
        node.fields.append((bound.field.name, self._database.reader(node.obj, bound.field.name)))
        return True

    def add_children(self, relationship: str, children: Children) -> None:
        self._root.children.append((relationship, children))

    def render(self, row: Row) -> Json:
        return self._render(self._root, row)

    def _render(self, node: _Node, row: Row) -> Json:
        out: Json = {"attributes": {"type": node.obj, "url": f"{self._url_prefix}{node.obj}/{row['Id']}"}}
        for name, read in node.fields:
            out[name] = read(row)
        for relationship, (reference, parent) in node.parents.items():
            parent_row = self._database.tables[parent.obj].rows.get(row.get(reference, ""))
            out[relationship] = None if parent_row is None else self._render(parent, parent_row)
        for relationship, children in node.children:
            out[relationship] = children(row)
        return out
