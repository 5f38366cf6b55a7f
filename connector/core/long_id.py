"""Salesforce ids in the form that is kept: eighteen characters, of which the last three say which letters are capitals.

A person may type or copy the short form of fifteen, into the metadata of a copy at Stripe for instance.
"""

from __future__ import annotations

import re
from typing import Final

_SHORT: Final = re.compile(r"[A-Za-z0-9]{15}")
_CHECKSUM_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_UPPER_CASE_BITS: Final = {code: "1" if chr(code).isupper() else "0" for code in range(128) if chr(code).isalnum()}


def long_id(text: str) -> str:
    """The long form of a short id; any other text as it is."""
    return text + id_checksum(text) if _SHORT.fullmatch(text) else text


def id_checksum(id_15: str) -> str:
    """The three characters that say which of the first fifteen are upper-case."""
    # Each block of five, read backwards, is a binary number.
    bits = id_15.translate(_UPPER_CASE_BITS)[::-1]
    return "".join(_CHECKSUM_ALPHABET[int(bits[end - 5 : end], 2)] for end in (15, 10, 5))
