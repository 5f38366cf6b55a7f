"""Values in messages: recognised by their beginning, whatever their length."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.core.words import plain, shortened, shown


@pytest.mark.parametrize("value", ["short", 7, None, Decimal("1.50"), ["a"]])
def test_a_short_value_is_shown_whole(value):
    assert shown(value) == repr(value)


@pytest.mark.parametrize("value", ["x" * 1_000_000, ["x"] * 100_000, {"a": "y" * 100_000}])
def test_a_long_value_is_known_by_its_beginning(value):
    text = shown(value)
    assert len(text) < 200
    assert text.endswith("…")
    assert repr(value).startswith(text[:50])


def test_a_number_stands_without_what_python_writes_around_it():
    assert plain(Decimal("5000.50")) == "5000.50"
    assert len(plain(Decimal("9" * 5_000))) < 200


def test_a_message_ends_somewhere():
    assert shortened("short") == "short"
    assert len(shortened("x" * 10_000)) == 500
