"""Names of people and of records inside a sentence: marked where they are written, shown or hidden where they are read.

The marks are two characters of Unicode's private use area, which no system of record stores; a
report never lets them through.
"""

from __future__ import annotations

import re
from typing import Final

_OPEN: Final = "\ue000"
_CLOSE: Final = "\ue001"
_MARKED: Final = re.compile(f"{_OPEN}([^{_OPEN}{_CLOSE}]*){_CLOSE}")
_HIDDEN: Final = "***"


def private(name: str) -> str:
    """The name, marked as one that a redacted report hides."""
    return f"{_OPEN}{name.replace(_OPEN, '').replace(_CLOSE, '')}{_CLOSE}"


def shown(text: str) -> str:
    """The text as it was meant, without marks."""
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def hidden(text: str) -> str:
    """The text with the first letter of each marked name left: `A***`."""
    return shown(_MARKED.sub(lambda found: found[1][:1] + _HIDDEN, text))
