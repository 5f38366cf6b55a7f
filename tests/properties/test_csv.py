"""Whatever stands in a cell: a spreadsheet shows it and never carries it out, and it can be read back."""

from __future__ import annotations

import csv
import io
import unicodedata
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from connector.core.csv_text import csv_line, read_cell
from tests.properties.hostile import PIECES, many

STARTS = [*"=+-@'\t\r\n \0\x0b\x0c|%", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe62", "\ufe63", "\ufe66", "\ufe6b"]
STARTS += ["\u00a0", "\u2003", "\u3000", "\u200b", "\ufeff", "\u202e", "\u207a", "\u2028"]
texts = st.one_of(
    st.text(alphabet=st.characters(blacklist_categories=["Cs"])),
    st.sampled_from(PIECES),
    st.tuples(st.lists(st.sampled_from(STARTS), max_size=3).map("".join), st.text(max_size=5)).map("".join),
)


def is_formula(cell: str) -> bool:
    """As a generous program would see it: skips what cannot be seen, and folds what looks the same."""
    seen = [each for each in cell if unicodedata.category(each)[0] not in "ZC"]
    return bool(seen) and unicodedata.normalize("NFKC", seen[0]) in set("=+-@")


@many
@given(cells=st.lists(texts, min_size=1, max_size=6))
@example(cells=["=cmd|' /C calc'!A0"])
@example(cells=["\u3000=1+1"])
@example(cells=["\u200b=1+1"])
@example(cells=["\ufe66 1"])
@example(cells=['a"b,c\r\nd'])
@example(cells=[""])
@example(cells=["x" * 10_000_000])
def test_texts_come_back_and_none_is_a_formula(cells: list[str]) -> None:
    line = csv_line(cells)
    assert line.endswith("\r\n")
    [found] = csv.reader(io.StringIO(line, newline=""), strict=True) if len(line) < 100_000 else [[line[:-2]]]
    assert [read_cell(each) for each in found] == cells
    assert not any(is_formula(each) for each in found)


@many
@given(numbers=st.lists(st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False)), min_size=1))
def test_numbers_are_numbers_with_their_sign(numbers: list[int | Decimal]) -> None:
    [found] = csv.reader(io.StringIO(csv_line(numbers), newline=""), strict=True)
    assert [Decimal(each) for each in found] == numbers
