"""No value and no name ever breaks out of its place in a query, whatever it is.

The judge is the simulated org's own parser, which shares nothing with the builder.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.config.condition import read_condition
from connector.salesforce import soql
from connector.sandbox.salesforce.soql.ast import Comparison, Logical
from connector.sandbox.salesforce.soql.parser import parse
from tests.properties.hostile import PIECES, bounded, many, piece

BREAKERS = [
    "'",
    "\\",
    "\\'",
    "' OR Id != '",
    "\\\\' OR Name LIKE '%",
    "'--",
    "\u2019",
    "\uff07",
    "'\x00",
    "\n' OR ''='",
]
#: lone halves of a character come from no system: JSON and HTTP cannot carry them
texts = st.one_of(
    st.text(alphabet=st.characters(blacklist_categories=["Cs"])),
    st.sampled_from([*BREAKERS, *(each for each in PIECES if len(each) < 1_000)]),
    st.lists(st.sampled_from(BREAKERS), max_size=6).map("".join),
)


@many
@given(text=texts)
def test_a_text_is_one_value_and_the_same_one(text: str) -> None:
    query = parse(soql.select(["Id"], "Account", where=[f"Name = {soql.literal(text)}"]))
    condition = query.where
    assert isinstance(condition, Comparison)
    assert condition.right.value == text


@many
@given(values=st.lists(texts, min_size=1, max_size=5), other=texts)
def test_a_list_of_texts_stays_a_list_of_these(values: list[str], other: str) -> None:
    where = [soql.is_in("Name", values), f"Phone = {soql.literal(other)}"]
    condition = parse(soql.select(["Id"], "Account", where=where)).where
    assert isinstance(condition, Logical)
    names, phone = condition.operands
    assert [each.value for each in names.right] == values
    assert phone.right.value == other


@many
@given(name=st.one_of(texts, st.from_regex(r"[A-Za-z_.0-9]{1,20}", fullmatch=True)))
def test_a_name_is_a_name_or_refused(name: str) -> None:
    try:
        text = soql.select([name], "Account")
    except ValueError:
        return
    assert text == f"SELECT {name} FROM Account"
    assert all(step and step[0].isascii() and step[0].isalpha() for step in name.split("."))
    assert name.isascii()


@many
@given(text=st.one_of(texts, st.from_regex(r"[A-Za-z0-9]{14,19}", fullmatch=True)))
@example(text="\uff10\uff10\uff11000000000001AAA")
@example(text="001000000000001AAA\n")
@example(text="001000000000001\u0130")
def test_an_id_is_an_id_or_refused(text: str) -> None:
    try:
        found = soql.record_id(text)
    except ValueError:
        return
    assert len(found) == 18
    assert found.isascii()
    assert found.isalnum()
    assert found[:15] == text[:15]


@many
@given(
    value=st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.decimals(),
        st.dates(),
        st.datetimes(timezones=st.just(UTC)),
        st.datetimes(timezones=st.sampled_from([timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))])),
    )
)
@example(value=Decimal("1E+999999"))
@example(value=Decimal("-Infinity"))
@example(value=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))))
@example(value=datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-12))))
@example(value=date(1, 1, 1))
def test_a_typed_value_has_a_literal_without_room_for_anything_else(value: Any) -> None:
    try:
        with bounded(seconds=5):
            text = soql.literal(value)
    except ValueError:
        return
    assert len(text) < 5_000
    assert set(text) <= set("0123456789-+:.TZnulltruefalse")


@many
@given(values=st.lists(texts, max_size=30), fixed=st.sampled_from(["SELECT Id FROM Account", "x" * 20_000]))
def test_groups_hold_every_value_once_and_fit_where_one_can(values: list[str], fixed: str) -> None:
    groups = list(soql.value_chunks(values, fixed_text=fixed))
    assert [value for group in groups for value in group] == values
    assert all(groups)


@many
@given(text=st.one_of(texts, st.lists(piece, max_size=8).map(" ".join)))
@example(text="'" + "\\" * 50_000)
@example(text="(" * 20_000)
@example(text="a='" * 20_000)
@example(text="a = 1 AND " * 10_000)
def test_a_condition_of_a_mapping_is_read_or_its_slip_is_named(text: str) -> None:
    with bounded(seconds=10):
        condition = read_condition(text)
    assert condition.slips or condition.fields


@pytest.mark.parametrize("text", ["Name = 'a' OR Id != 'b'", "Id FROM User", "Id) FROM User --"])
def test_what_is_no_name_never_becomes_one(text: str) -> None:
    for build in (
        lambda: soql.select([text], "Account"),
        lambda: soql.select(["Id"], text),
        lambda: soql.is_in(text, []),
    ):
        with pytest.raises(ValueError, match="not a Salesforce name"):
            build()
