"""CSV that a spreadsheet shows and never carries out (RFC 4180; OWASP ASVS 1.2.10).

A text that a spreadsheet would take for a formula gets an apostrophe in front, and so does one that begins
with an apostrophe, so that `read_cell` gives back every text as it was. Numbers are written as numbers: a
negative amount keeps its sign.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell: TypeAlias = str | int | Decimal | None

#: what begins a formula
_DANGEROUS: Final = frozenset("=+-@")
#: Unicode categories of blanks, controls and marks that are not shown
_UNSEEN: Final = frozenset("ZC")
#: our own mark, told apart from a person's
_MARK: Final = "'"


def csv_line(cells: Sequence[Cell]) -> str:
    """One line with its end (CR LF). None is an empty cell."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_shown(cell) for cell in cells])
    return text.getvalue()


def read_cell(text: str) -> str:
    """The text as it was given to `csv_line`."""
    return text.removeprefix(_MARK)


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, int | Decimal):
        return str(cell)
    return _MARK + cell if _looks_like_formula(cell) else cell


def _looks_like_formula(text: str) -> bool:
    """As the most generous program would see it: skips what cannot be seen, folds full-width and small forms.

    What begins with something that cannot be seen is marked as well: programs differ in what they skip.
    """
    if not text:
        return False
    first = text[0]
    return (
        first == _MARK
        or unicodedata.category(first)[0] in _UNSEEN
        or not _DANGEROUS.isdisjoint(unicodedata.normalize("NFKC", first))
    )
