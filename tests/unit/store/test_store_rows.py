"""Whatever a link holds comes back from its row as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from connector.core.model import Key, Link, LinkState, Side
from connector.store.batches import IN_LIST, chunks
from connector.store.rows import link_from_row, link_row
from connector.store.tables import UtcDateTime

MOMENT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TX = SimpleNamespace(scope_id=1, now=MOMENT)

# Lone surrogates are no text that either system or a database can hold.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
neutrals = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
sides = st.sampled_from(Side)
keys = st.builds(Key, side=sides, kind=st.sampled_from(["customer", "invoice"]), id=texts)
remembered = st.recursive(
    neutrals | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, min_size=2, max_size=3),
    max_leaves=8,
)
links = st.builds(
    Link,
    born=keys,
    mate_id=st.none() | texts,
    earlier_mates=st.lists(texts, max_size=3).map(tuple),
    shadow=st.dictionaries(texts, st.tuples(neutrals, neutrals), max_size=4),
    revision=st.integers(0, 2**31 - 1),
    state=st.sampled_from(LinkState),
    reason=st.none() | texts,
    reason_code=st.none() | texts,
    waiting_on=st.none() | keys,
    shard=st.integers(0, 63),
    versions=st.dictionaries(sides, texts),
    progress=st.dictionaries(texts, remembered, min_size=2, max_size=3) | st.just({}),
)


@given(links)
def test_a_link_survives_its_row(link):
    assert link_from_row(SimpleNamespace(**link_row(TX, link))) == link


def test_true_and_one_stay_different_values():
    link = Link(born=Key(side=Side.STRIPE, kind="invoice", id="in_1"), shadow={"paid": (True, 1)})
    shadow = link_from_row(SimpleNamespace(**link_row(TX, link))).shadow
    assert shadow["paid"][0] is True
    assert shadow["paid"][1] is not True


def test_money_a_lifecycle_remembers_stays_decimal():
    link = Link(born=Key(side=Side.STRIPE, kind="invoice", id="in_1"), progress={"rest": Decimal("1.10")})
    rest = link_from_row(SimpleNamespace(**link_row(TX, link))).progress["rest"]
    assert (type(rest), str(rest)) == (Decimal, "1.10")


class TestMoments:
    def test_sqlite_keeps_text_that_sorts_like_time(self):
        stored = [
            UtcDateTime().process_bind_param(MOMENT + timedelta(microseconds=step), sqlite.dialect())
            for step in (0, 1, 10**6, 10**10)
        ]
        assert stored == sorted(stored)
        assert len({len(text) for text in stored}) == 1

    @pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()])
    def test_a_moment_comes_back_in_utc(self, dialect):
        in_berlin = MOMENT.astimezone(timezone(timedelta(hours=1)))
        kept = UtcDateTime().process_bind_param(in_berlin, dialect)
        loaded = UtcDateTime().process_result_value(kept, dialect)
        assert loaded == MOMENT
        assert loaded.tzinfo is UTC or loaded.utcoffset() == timedelta()

    def test_a_moment_without_zone_is_a_bug(self):
        with pytest.raises(AssertionError, match="aware"):
            UtcDateTime().process_bind_param(MOMENT.replace(tzinfo=None), sqlite.dialect())


def test_chunks_hold_each_value_once_and_fit_one_statement():
    values = [str(number) for number in range(IN_LIST * 2 + 1)]
    pieces = list(chunks(values + values))
    assert [value for piece in pieces for value in piece] == values
    assert max(len(piece) for piece in pieces) == IN_LIST
    assert list(chunks([])) == []
