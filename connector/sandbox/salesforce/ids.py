"""Record ids as Salesforce forms them: three characters of key prefix, nine of counter, three of pod; and the checksum
suffix that makes the 15-character case-sensitive form safe where case is lost.
"""

from __future__ import annotations

import re

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?\Z")


def checksum_suffix(id15: str) -> str:
    """The three characters that encode which of the fifteen are upper case."""
    suffix = ""
    for start in (0, 5, 10):
        bits = 0
        for offset, char in enumerate(id15[start : start + 5]):
            if "A" <= char <= "Z":
                bits |= 1 << offset
        suffix += _CHECKSUM[bits]
    return suffix


def base62(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits


def new_id(prefix: str, pod: str, number: int) -> str:
    """The 18-character id number `number` of an object; ids of one object sort by their number."""
    id15 = prefix + pod + base62(number, 12 - len(pod))
    return id15 + checksum_suffix(id15)


def as_18(text: str) -> str | None:
    """The 18-character form of a well-formed id, None otherwise. A suffix that does not fit is not an id."""
    if not _SHAPE.match(text):
        return None
    if len(text) == 15:
        return text + checksum_suffix(text)
    if checksum_suffix(text[:15]) == text[15:].upper():
        return text[:15] + text[15:].upper()
    return None


def durable_id(name: str, key_prefix: str) -> str:
    """How Setup refers to an object: a standard one by its name, a custom one by an id of fifteen characters."""
    return f"01I000000000{key_prefix}" if name.endswith("__c") else name


def custom_key_prefix(number: int) -> str:
    """Key prefixes of custom objects run from a00 on, in the order the objects were installed."""
    return "a" + base62(number, 2)
