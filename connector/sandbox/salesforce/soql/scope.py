"""Names in a query to objects, fields and relationships, as the asking user sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.soql.parser import located

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from connector.sandbox.salesforce.database import Database, Reader
    from connector.sandbox.salesforce.errors import ApiError
    from connector.sandbox.salesforce.schema import Field, SObject
    from connector.sandbox.salesforce.soql.ast import Path
    from connector.sandbox.salesforce.table import Row

#: (child object, rendered children) to what stands for them in the parent
Envelope = Callable[[str, list[dict[str, Any]]], dict[str, Any]]
#: object name to the test its rows must pass, None when all do
RowFilterOf = Callable[[str], Callable[["Row"], bool] | None]

_MAX_LEVELS = 5
_HINT = (
    "be sure to append the '{suffix}' after the {what} name. Please reference your WSDL or the describe call for the "
    "appropriate names."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A path of a query, resolved; `parts` is spelled as in the schema, relationships first."""

    parts: tuple[str, ...]
    field: Field
    read: Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One FROM: its object and what is needed to understand names and literals in it."""

    text: str
    obj: SObject
    alias: str | None
    objects: Mapping[str, SObject]
    database: Database
    today: date
    with_deleted: bool
    #: which rows of an object the user sees, by its name; None: all
    row_filter: RowFilterOf
    #: how the children of one parent are wrapped
    envelope: Envelope

    def inner(self, obj: SObject, alias: str | None) -> Scope:
        """The scope of a subquery."""
        return replace(self, obj=obj, alias=alias)

    def bind(self, path: Path) -> Bound:
        """Raises INVALID_FIELD where the user has no such field or relationship."""
        parts = self._without_alias(path.parts)
        obj, spelled = self.obj, []
        if len(parts) > _MAX_LEVELS + 1:
            raise self.error(path, "INVALID_FIELD", f"relationships may be followed {_MAX_LEVELS} levels: {path.text}")
        for part in parts[:-1]:
            reference = obj.parents.get(part.lower())
            target = None if reference is None else next((t for t in reference.reference_to if t in self.objects), None)
            if reference is None or target is None:
                hint = _HINT.format(suffix="__r", what="custom relationship")
                message = (
                    f"Didn't understand relationship '{part}' in field path. If you are attempting to use a custom "
                    f"relationship, {hint}"
                )
                raise self.error(path, "INVALID_FIELD", message)
            assert reference.relationship_name is not None
            spelled.append(reference.relationship_name)
            obj = self.objects[target]
        field = obj.find(parts[-1])
        if field is None:
            hint = _HINT.format(suffix="__c", what="custom field")
            message = f"No such column '{parts[-1]}' on entity '{obj.name}'. If you are attempting to use a custom field, {hint}"
            raise self.error(path, "INVALID_FIELD", message)
        whole = (*spelled, field.name)
        return Bound(parts=whole, field=field, read=self.database.path_reader(self.obj.name, whole))

    def error(self, path: Path, code: str, message: str) -> ApiError:
        return located(self.text, path.position, code, message)

    def _without_alias(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        first = parts[0].lower()
        if len(parts) > 1 and (
            first == (self.alias or "").lower() or (first == self.obj.name.lower() and first not in self.obj.parents)
        ):
            return parts[1:]
        return parts


def find_object(objects: Mapping[str, SObject], source: Path, text: str) -> SObject:
    """The object of a FROM; raises INVALID_TYPE."""
    name = source.text
    found = objects.get(name) or next((obj for known, obj in objects.items() if known.lower() == name.lower()), None)
    if found is None:
        hint = _HINT.format(suffix="__c", what="entity")
        message = f"sObject type '{name}' is not supported. If you are attempting to use a custom object, {hint}"
        raise located(text, source.position, "INVALID_TYPE", message)
    return found


def find_children(scope: Scope, relationship: Path) -> tuple[SObject, Field]:
    """The child object and its reference behind a child relationship name; raises INVALID_TYPE."""
    wanted = relationship.text.lower()
    for obj in scope.objects.values():
        for field in obj.fields.values():
            name = field.child_relationship_name
            if name is not None and name.lower() == wanted and scope.obj.name in field.reference_to:
                return obj, field
    hint = _HINT.format(suffix="__r", what="custom relationship")
    message = (
        f"Didn't understand relationship '{relationship.text}' in FROM part of query call. If you are attempting to use "
        f"a custom relationship, {hint}"
    )
    raise scope.error(relationship, "INVALID_TYPE", message)
