"""The request side of the derived API description: which operations exist and what each accepts.

Reads `connector/data/stripe/spec.json.gz` once per process. Parameters are compiled on first use to
a small tree of functions, so that checking a request costs microseconds.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from connector.sandbox.stripe.errors import (
    StripeError,
    empty_parameter,
    invalid_integer,
    missing_parameter,
    unknown_parameter,
)

DATA = Path(__file__).parents[2] / "data" / "stripe"
#: "" where the schema offers it: the caller asks to unset the parameter.
UNSET = ""
#: Longer ones are no amount, count or time; sums of the rest stay within 64 bits.
_INTEGER = re.compile(r"-?\d{1,13}\Z")
_FORM = "application/x-www-form-urlencoded"

Coerce = Callable[[Any, str], Any]


@cache
def document() -> dict[str, Any]:
    """The pruned API description (PROVENANCE.md in its folder says how it was made)."""
    with gzip.open(DATA / "spec.json.gz") as file:
        loaded: dict[str, Any] = orjson.loads(file.read())
    return loaded


@cache
def schemas() -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    id: str
    method: str
    #: e.g. `/v1/invoices/{invoice}/pay`
    template: str
    #: checks and types the parameters that came in the query (GET, DELETE) or the body (POST)
    coerce: Callable[[dict[str, Any]], dict[str, Any]]
    #: the schema of a 200 answer
    response: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    operation: Operation
    path_params: dict[str, str]


class Routes:
    """Finds the operation of a method and a path; fixed segments win over `{placeholders}`."""

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}
        for template, operations in document()["paths"].items():
            for method in operations:
                node = self._root
                names = []
                for segment in template.strip("/").split("/"):
                    if segment.startswith("{"):
                        names.append(segment[1:-1])
                        node = node.setdefault("{}", {})
                    else:
                        node = node.setdefault(segment, {})
                node.setdefault("", {})[method.upper()] = (template, method, names)

    def match(self, method: str, segments: list[str]) -> Match | None:
        found = _walk(self._root, segments, 0, [])
        if found is None or method not in found[0]:
            return None
        by_method, values = found
        template, spec_method, names = by_method[method]
        return Match(operation=operation(template, spec_method), path_params=dict(zip(names, values, strict=True)))


def _walk(
    node: dict[str, Any], segments: list[str], at: int, values: list[str]
) -> tuple[dict[str, Any], list[str]] | None:
    if at == len(segments):
        return (node[""], values) if "" in node else None
    segment = segments[at]
    if segment and segment in node:
        found = _walk(node[segment], segments, at + 1, values)
        if found is not None:
            return found
    if "{}" in node and segment:
        return _walk(node["{}"], segments, at + 1, [*values, segment])
    return None


@cache
def routes() -> Routes:
    return Routes()


@cache
def operation(template: str, method: str) -> Operation:
    raw = document()["paths"][template][method]
    if method == "post":
        schema = raw["requestBody"]["content"][_FORM]["schema"]
    else:
        queried = [parameter for parameter in raw.get("parameters", ()) if parameter["in"] == "query"]
        schema = {
            "properties": {parameter["name"]: parameter["schema"] for parameter in queried},
            "required": [parameter["name"] for parameter in queried if parameter.get("required")],
            "additionalProperties": False,
        }
    coerce_object = _object({"properties": {}, "additionalProperties": False} | schema)
    return Operation(
        id=raw["operationId"],
        method=method.upper(),
        template=template,
        coerce=lambda params: coerce_object(params, ""),
        response=raw["responses"]["200"]["content"].get("application/json", {}).get("schema", {}),
    )


def _compile(schema: Mapping[str, Any]) -> Coerce:
    if "anyOf" in schema:
        return _any_of(_flat_options(schema))
    kind = schema.get("type")
    if "enum" in schema:
        return _enum(schema["enum"])
    if kind == "object":
        return _object(schema)
    if kind == "array":
        return _array(_compile(schema["items"]))
    return {"integer": _integer, "boolean": _boolean, "number": _number}.get(str(kind), _string)


def _flat_options(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    options: list[Mapping[str, Any]] = []
    for option in schema["anyOf"]:
        options.extend(_flat_options(option) if "anyOf" in option else [option])
    return options


def _any_of(options: list[Mapping[str, Any]]) -> Coerce:
    may_unset = any(option.get("enum") == [UNSET] for option in options)
    real = [option for option in options if option.get("enum") != [UNSET]]
    objects = [_compile(option) for option in real if option.get("type") == "object"]
    arrays = [_compile(option) for option in real if option.get("type") == "array"]
    scalars = [_compile(option) for option in real if option.get("type") not in {"object", "array"}]

    def coerce(value: Any, path: str) -> Any:
        if value == UNSET and may_unset:
            return UNSET
        if isinstance(value, str):
            fitting = scalars or arrays or objects
        elif arrays and (isinstance(value, list) or all(key.isdigit() for key in value)):
            fitting = arrays
        else:
            fitting = objects or arrays or scalars
        if not fitting:
            raise StripeError(f"Invalid value for {path}", param=path)
        return fitting[0](value, path)

    return coerce


def _object(schema: Mapping[str, Any]) -> Coerce:
    properties: dict[str, Coerce] = {}
    schemas_by_name: Mapping[str, Any] = schema.get("properties", {})
    required: list[str] = list(schema.get("required", ()))
    open_ended = not schemas_by_name and schema.get("additionalProperties") is not False

    def coerce(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise StripeError("Invalid object", param=path)
        result: dict[str, Any] = {}
        for name, item in value.items():
            at = f"{path}[{name}]" if path else name
            if open_ended:
                result[name] = _string(item, at)
                continue
            compiled = properties.get(name)
            if compiled is None:
                if name not in schemas_by_name:
                    raise unknown_parameter(at)
                compiled = properties[name] = _compile(schemas_by_name[name])
            result[name] = compiled(item, at)
        for name in required:
            if name not in result:
                raise missing_parameter(f"{path}[{name}]" if path else name)
        return result

    return coerce


def _array(item: Coerce) -> Coerce:
    def coerce(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            if not all(key.isdigit() for key in value):
                raise StripeError("Invalid array", param=path)
            return [item(value[key], f"{path}[{key}]") for key in sorted(value, key=int)]
        if not isinstance(value, list):
            raise StripeError("Invalid array", param=path)
        return [item(each, f"{path}[{index}]") for index, each in enumerate(value)]

    return coerce


def _enum(values: list[Any]) -> Coerce:
    allowed = frozenset(values)
    spoken = values[0] if len(values) == 1 else f"{', '.join(map(str, values[:-1]))} or {values[-1]}"

    def coerce(value: Any, path: str) -> Any:
        if not isinstance(value, str) or value not in allowed:
            raise StripeError(f"Invalid {path}: must be one of {spoken}", param=path)
        return value

    return coerce


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise StripeError("Invalid string", param=path)
    return value


def _integer(value: Any, path: str) -> int:
    if value == "":
        raise empty_parameter(path)
    if not isinstance(value, str) or not _INTEGER.match(value):
        raise invalid_integer(str(value), path)
    return int(value)


def _boolean(value: Any, path: str) -> bool:
    if value == "":
        raise empty_parameter(path)
    if value not in ("true", "false"):
        raise StripeError(f"Invalid boolean: {value}", param=path)
    return bool(value == "true")


def _number(value: Any, path: str) -> Decimal:
    try:
        number = Decimal(_string(value, path))
    except InvalidOperation as error:
        raise StripeError(f"Invalid decimal: {value}", param=path) from error
    if not number.is_finite():
        raise StripeError(f"Invalid decimal: {value}", param=path)
    return number
