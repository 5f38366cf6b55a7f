"""JSON bytes of what the account answers; decimals stay exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson


def render(value: Any) -> bytes:
    return orjson.dumps(value, default=_plain)


def trimmed(rendered: bytes) -> bytes:
    """A copy of exactly its size, for keeping: orjson's own bytes hold on to a far larger buffer."""
    return bytes(memoryview(rendered))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        # A JSON number written from the decimal's own digits: no float in between.
        return orjson.Fragment(format(value, "f"))
    raise TypeError(type(value).__name__)
