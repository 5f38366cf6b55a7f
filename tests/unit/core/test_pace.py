"""Counts by size add up, and a percentile says no more than they know."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.pace import BOUNDS_S, Done, Pace, Tally, bound_s, done, span_of

AT = datetime(2026, 11, 21, 12, 4, 59, 999_999, tzinfo=UTC)


def pace(counts: dict[int, int], kind: str = "invoice") -> Pace:
    return Pace(kind=kind, began_at=span_of(AT), counts=counts)


@pytest.mark.parametrize(
    ("waited_s", "bound"), [(-3, 1), (0, 1), (1, 1), (1.001, 2), (15, 15), (16, 20), (604_800, 604_800), (9e6, 604_800)]
)
def test_a_wait_counts_at_the_bound_it_stayed_within(waited_s, bound):
    assert bound_s(timedelta(seconds=waited_s)) == bound


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        ({}, Done(number=0, p95_s=None)),
        ({5: 1}, Done(number=1, p95_s=5)),
        ({1: 95, 60: 5}, Done(number=100, p95_s=1)),
        ({1: 94, 60: 6}, Done(number=100, p95_s=60)),
        ({1: 18, 300: 1}, Done(number=19, p95_s=300)),
        ({1: 19, 300: 1}, Done(number=20, p95_s=1)),
    ],
)
def test_by_when_95_of_100_were_worked_off(counts, wanted):
    assert done([pace(counts)]) == wanted


def test_spans_add_up():
    assert done([pace({1: 10}), pace({1: 9, 600: 1})]) == Done(number=20, p95_s=1)


def test_a_span_begins_every_five_minutes_in_every_process():
    assert span_of(AT) == datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert span_of(AT + timedelta(microseconds=1)) == datetime(2026, 11, 21, 12, 5, tzinfo=UTC)


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=200))
def test_no_count_is_lost_and_the_p95_is_never_too_small(waits_s):
    tally = Tally()
    for waited_s in waits_s:
        tally.add("invoice", timedelta(seconds=waited_s))
    found = done([pace(dict(tally.counts["invoice"]))])
    assert found.number == len(waits_s)
    within = sum(min(waited_s, BOUNDS_S[-1]) <= found.p95_s for waited_s in waits_s)
    assert within * 100 >= len(waits_s) * 95


def test_two_tallies_are_one():
    first, second = Tally(), Tally()
    first.add("invoice", timedelta(seconds=1))
    second.add("invoice", timedelta(seconds=1))
    second.add("payment", timedelta(hours=2))
    first.merge(second)
    assert first.counts == {"invoice": Counter({1: 2}), "payment": Counter({10_800: 1})}
