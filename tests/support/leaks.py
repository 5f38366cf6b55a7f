"""Looks for what must not be there: secrets and card numbers, in everything a program printed and left on the disk."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

#: shortest part of a secret that is looked for: whoever has this much of it can guess who it belongs to
PART = 12
#: 13 to 19 digits, apart or not, that stand alone: digests and ids have letters beside their digits
_DIGITS = re.compile(r"(?<![0-9A-Za-z_.+-])\d(?:[ -]?\d){12,18}(?![0-9A-Za-z_]|\.\d)")
#: (lowest, highest) first six digits of the card brands
_BRANDS = (
    (400000, 499999),
    (510000, 559999),
    (222100, 272099),
    (340000, 349999),
    (370000, 379999),
    (300000, 305999),
    (360000, 369999),
    (380000, 399999),
    (601100, 601199),
    (644000, 659999),
    (352800, 358999),
    (620000, 629999),
)


def secrets_in(content: Mapping[str, bytes], secrets: Iterable[str]) -> list[str]:
    """Where a secret, or a large part of one, stands; itself it is not told."""
    found = []
    for number, secret in enumerate(secrets):
        # what every key of its sort begins with is no secret
        body = re.sub(r"^(?:(?:sk|rk)_(?:test|live)_|whsec_|00D[0-9A-Za-z]{12,15}!)", "", secret)
        assert len(body) >= PART, "too short to be looked for"
        parts = {body[start : start + PART].encode() for start in range(len(body) - PART + 1)}
        found += [f"secret {number} in {name}" for name, text in content.items() if any(part in text for part in parts)]
    return found


def card_numbers_in(content: Mapping[str, bytes]) -> list[str]:
    return [
        f"{name}: {text[:6]}…" for name, whole in content.items() for text in _card_numbers(whole.decode("latin-1"))
    ]


def files_below(*folders: Path) -> dict[str, bytes]:
    """Every file, and every part of those that are zips: what is in there is compressed."""
    found = {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}
    for path, content in list(found.items()):
        if content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(content)) as file:
                found |= {f"{path}/{name}": file.read(name) for name in file.namelist()}
    return found


def _card_numbers(text: str) -> Iterator[str]:
    for match in _DIGITS.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        brand = int(digits[:6])
        if any(lowest <= brand <= highest for lowest, highest in _BRANDS) and _luhn(digits):
            yield digits


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
