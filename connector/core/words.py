"""Values in messages: a person reads the beginning of one, whatever somebody has put there."""

from __future__ import annotations

from typing import Final

#: characters of a value in a message, and of a whole message about a file
_VALUE_MAX: Final = 120
_MESSAGE_MAX: Final = 500


def shown(value: object) -> str:
    """The value as Python writes it, its beginning when it is long."""
    if isinstance(value, str):
        # a million characters need not be written out to be cut
        return repr(value) if len(value) <= _VALUE_MAX else f"{value[:_VALUE_MAX]!r}…"
    return _cut(repr(value), _VALUE_MAX)


def plain(value: object) -> str:
    """The same for a number, without what Python writes around it."""
    return _cut(str(value), _VALUE_MAX)


def shortened(text: str) -> str:
    return _cut(text, _MESSAGE_MAX)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
