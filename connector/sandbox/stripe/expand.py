"""`expand[]`: ids replaced by their objects, parts that are only given on demand; up to four levels.

Which fields may be expanded is read from the response schemas, so a typing mistake is an error here
as it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector.sandbox.stripe.engine import Engine, Fields
from connector.sandbox.stripe.errors import StripeError
from connector.sandbox.stripe.spec import schemas
from connector.sandbox.stripe.store import Object

MAX_LEVELS = 4
#: (object, field) -> the value of a part that is left out unless expanded
Includable = Callable[[Engine, Object], Any]


class Expander:
    def __init__(self, includable: dict[tuple[str, str], Includable]) -> None:
        self._includable = includable

    def expand(self, engine: Engine, body: Any, paths: list[str], *, is_list: bool) -> Any:
        """The body with every path expanded; the stored objects stay as they are."""
        for path in paths:
            parts = path.split(".")
            if len(parts) > MAX_LEVELS:
                raise StripeError(
                    f"You cannot expand more than {MAX_LEVELS} levels of a property. Property: {path}", param="expand"
                )
            if is_list:
                if parts[0] != "data" or len(parts) == 1:
                    raise _cannot(path)
                body = {**body, "data": [self._object(engine, item, parts[1:], path) for item in body["data"]]}
            else:
                body = self._object(engine, body, parts, path)
        return body

    def _object(self, engine: Engine, item: Fields, parts: list[str], path: str) -> Fields:
        return self._fields(engine, item, schemas()[item["object"]], parts, path)

    def _fields(self, engine: Engine, item: Fields, schema: Fields, parts: list[str], path: str) -> Fields:
        name, rest = parts[0], parts[1:]
        prop = schema.get("properties", {}).get(name)
        if prop is None:
            raise _cannot(path)
        include = self._includable.get((item.get("object", ""), name))
        if include is not None:
            value = item[name] if name in item else include(engine, item)
            expanded = self._inside(engine, value, prop, rest, path) if rest else value
        else:
            expanded = self._value(engine, item.get(name), prop, rest, path)
        return {**item, name: expanded}

    def _value(self, engine: Engine, value: Any, prop: Fields, rest: list[str], path: str) -> Any:
        if "x-expansionResources" in prop:
            if isinstance(value, str):
                value = _object_of(engine, value, prop)
            return self._inside(engine, value, prop, rest, path) if rest and value is not None else value
        if prop.get("type") == "array" and "x-expansionResources" in prop.get("items", {}):
            return [self._value(engine, each, prop["items"], rest, path) for each in value or []]
        if not rest:
            raise _cannot(path)
        return self._inside(engine, value, prop, rest, path)

    def _inside(self, engine: Engine, value: Any, prop: Fields, rest: list[str], path: str) -> Any:
        if value is None:
            return None
        if isinstance(value, list):
            return [self._inside(engine, each, prop.get("items", {}), rest, path) for each in value]
        if not isinstance(value, dict):
            raise _cannot(path)  # also inside an event, which is a record of the past
        if value.get("object") == "list":
            if rest[0] != "data" or len(rest) == 1:
                raise _cannot(path)
            return {**value, "data": [self._object(engine, each, rest[1:], path) for each in value["data"]]}
        if value.get("object") in schemas():
            return self._object(engine, value, rest, path)
        return self._fields(engine, value, _inline_schema(prop), rest, path)


def _inline_schema(prop: Fields) -> Fields:
    for option in [prop, *prop.get("anyOf", ())]:
        if "$ref" in option:
            found: Fields = schemas()[option["$ref"].rsplit("/", 1)[1]]
            return found
        if "properties" in option:
            inline: Fields = dict(option)
            return inline
    return {}


def _object_of(engine: Engine, object_id: str, prop: Fields) -> Object | str:
    for option in prop["x-expansionResources"]["oneOf"]:
        kind = option["$ref"].rsplit("/", 1)[1]
        if kind in engine.collections:
            found = engine.find(kind, object_id)
            if found is not None:
                return found
            if engine.deleted.get(object_id) == kind:
                return {"id": object_id, "object": kind, "deleted": True}
    return object_id


def _cannot(path: str) -> StripeError:
    return StripeError(
        f"This property cannot be expanded ({path}). You may want to try expanding with a different property.",
        param="expand",
    )
