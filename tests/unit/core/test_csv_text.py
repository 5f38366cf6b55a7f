"""CSV: what is written comes back, and no spreadsheet takes a text for a formula."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.csv_text import csv_line, read_cell

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def _read(line):
    [cells] = csv.reader(io.StringIO(line, newline=""))
    return cells


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "'=1"]
)
def test_what_looks_like_a_formula_gets_an_apostrophe(text):
    assert _read(csv_line([text])) == ["'" + text]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [(-5, "-5"), (Decimal("-1.10"), "-1.10"), (None, ""), ("", ""), ("a=b", "a=b"), ("Größe", "Größe")],
)
def test_everything_else_is_written_as_it_is(cell, shown):
    assert _read(csv_line([cell, "x"])) == [shown, "x"]


def test_a_line_ends_as_the_standard_says():
    assert csv_line(["a", 'say "x"', "two\nlines"]) == 'a,"say ""x""","two\nlines"\r\n'


@given(st.lists(TEXTS, min_size=2, max_size=5))
def test_every_text_comes_back(texts):
    assert [read_cell(cell) for cell in _read(csv_line(texts))] == texts


@given(TEXTS)
def test_no_cell_begins_like_a_formula(text):
    assert _read(csv_line([text, ""]))[0][:1] not in {*"=+-@\t\r\uff1d\uff0b\uff0d\uff20"} - {""}
