"""JSON in and out. Numbers never pass through a float in either direction."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from connector.sandbox.salesforce.errors import ApiError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer before it is JSON; `body` None is an empty answer."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def dump(value: Any) -> bytes:
    return orjson.dumps(value, default=_default)


def load(body: bytes) -> Any:
    """A JSON body. Raises JSON_PARSER_ERROR."""
    try:
        if b"\\ud" in body.lower():
            orjson.loads(body)  # refuses half a surrogate pair, which no answer could carry
        return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "JSON_PARSER_ERROR", f"Unexpected input: {error}") from None


def load_object(body: bytes) -> dict[str, Any]:
    value = load(body)
    if not isinstance(value, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _default(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return _number(value)
    raise TypeError(type(value).__name__)


@functools.lru_cache(maxsize=8192)
def _number(value: Decimal) -> orjson.Fragment:
    """Every non-integer field is written with a decimal point and without padding: 100.00 is 100.0."""
    text = format(value, "f")
    whole, _, fraction = text.partition(".")
    if whole == "-0" and not fraction.strip("0"):
        whole = "0"
    return orjson.Fragment(f"{whole}.{fraction.rstrip('0') or '0'}".encode())
