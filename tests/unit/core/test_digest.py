"""Two listings compared from 32 bytes a record: whatever the order, whatever the size, the odd ones are named."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.core.digest import ENTRY_BYTES, UNDATED, Ledger, compare, name_of

COUNT = 100_000


def ledger_of(rows):
    ledger = Ledger()
    for record_id, content, period in rows:
        ledger.add(record_id, content, period=period)
    return ledger


def rows_of(count):
    return [
        (f"a0I{number:015d}", ("Acme", number, None, True), f"2026-{number % 12 + 1:02d}") for number in range(count)
    ]


@pytest.fixture(scope="module")
def many():
    return rows_of(COUNT)


@pytest.fixture(scope="module")
def whole(many):
    return ledger_of(many)


def shuffled(rows, seed=1):
    copy = list(rows)
    random.Random(seed).shuffle(copy)
    return copy


def test_the_order_of_a_listing_does_not_matter():
    rows = rows_of(500)
    found = compare(ledger_of(rows), ledger_of(shuffled(rows)))
    assert len(found.agreed) == 500
    assert not found.differing
    assert not found.alone
    assert len(found.periods) == 12
    assert all(period.agrees for period in found.periods.values())


def test_a_record_takes_32_bytes(whole):
    assert ENTRY_BYTES == 32
    assert whole.size_bytes == 32 * COUNT


@pytest.mark.parametrize("seed", range(2))
def test_one_altered_among_100_000_is_named_and_so_is_its_period(many, whole, seed):
    place = random.Random(seed).randrange(COUNT)
    record_id, _, period = many[place]
    altered = list(many)
    altered[place] = (record_id, ("Acme", place, None, False), period)
    found = compare(whole, ledger_of(shuffled(altered, seed)))
    assert found.differing == {name_of(record_id): period}
    assert not found.alone
    assert [name for name, both in found.periods.items() if not both.agrees] == [period]


@pytest.mark.parametrize("side", ["born", "mate"])
def test_one_deleted_among_100_000_is_named_and_so_is_its_period(many, whole, side):
    record_id, _, period = many[77_777]
    part = ledger_of(shuffled([row for row in many if row[0] != record_id]))
    found = compare(part, whole) if side == "born" else compare(whole, part)
    assert found.alone == {name_of(record_id): period}
    assert not found.differing
    assert [name for name, both in found.periods.items() if not both.agrees] == [period]


def test_a_pair_is_of_the_period_its_birthplace_says():
    found = compare(ledger_of([("a", (1,), "2026-10")]), ledger_of([("a", (1,), "2026-11")]))
    assert list(found.periods) == ["2026-10"]
    assert found.periods["2026-10"].agrees


def test_a_record_without_a_date_is_undated():
    found = compare(ledger_of([("a", (1,), None)]), ledger_of([("a", (1,), None)]))
    assert list(found.periods) == [UNDATED]


def test_a_record_listed_twice_counts_once():
    found = compare(ledger_of([("a", (1,), "2026-10")] * 2), ledger_of([("a", (1,), "2026-10")] * 3))
    assert (found.periods["2026-10"].born.count, found.periods["2026-10"].mate.count) == (1, 1)
    assert found.agreed == {name_of("a")}


@pytest.mark.parametrize("twice", ["born", "mate"])
def test_a_record_that_changed_while_it_was_listed_is_looked_at_again(twice):
    once, changed = ledger_of([("a", (1,), "p")]), ledger_of([("a", (1,), "p"), ("a", (2,), "p")])
    found = compare(changed, once) if twice == "born" else compare(once, changed)
    assert set(found.differing) == {name_of("a")}
    assert not found.agreed


def test_texts_and_numbers_that_look_alike_differ():
    for one, other in [((1,), ("1",)), ((None,), ("None",)), (("a", ""), ("", "a")), ((True,), (1,))]:
        assert compare(ledger_of([("a", one, "p")]), ledger_of([("a", other, "p")])).differing


content = st.tuples(st.text(max_size=3) | st.integers(-2, 2) | st.none() | st.booleans())
listing = st.dictionaries(st.sampled_from("abcdefgh"), content)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(born=listing, mate=listing, seed=st.integers(0, 9))
def test_exactly_what_differs_is_named(born, mate, seed):
    def of(rows):
        return ledger_of(shuffled([(name, value, "p") for name, value in rows.items()], seed))

    found = compare(of(born), of(mate))
    same = {name for name in born.keys() & mate.keys() if repr(born[name]) == repr(mate[name])}
    assert found.agreed == {name_of(name) for name in same}
    assert set(found.differing) == {name_of(name) for name in (born.keys() & mate.keys()) - same}
    assert set(found.alone) == {name_of(name) for name in born.keys() ^ mate.keys()}
    assert all(period.agrees for period in found.periods.values()) == (not found.differing and not found.alone)
