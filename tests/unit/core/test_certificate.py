"""Whether a run may be called green: by a whole certificate that is young, and no sweep since that found anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.core.certificate import Certificate, standing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KINDS = ("customer", "invoice")


def certificate(*, hours_ago=1.0, unexplained=0, kinds=KINDS, period=None, stopped=None):
    as_of = NOW - timedelta(hours=hours_ago)
    return Certificate(
        started_at=as_of,
        as_of=as_of,
        is_complete=not unexplained and not stopped,
        detail={
            "period": period,
            "kinds": {kind: {} for kind in kinds},
            "unexplained": unexplained,
            "differences": [],
            "stopped_kinds": stopped or {},
        },
    )


def stand(*newest_first):
    numbered = [(len(newest_first) - place, each) for place, each in enumerate(newest_first)]
    return standing(numbered, kinds=KINDS, now=NOW, max_age=timedelta(hours=26))


def test_a_whole_young_certificate_is_green():
    found = stand(certificate())
    assert (found.is_green, found.number, found.as_of) == (True, 1, NOW - timedelta(hours=1))
    assert found.words == "certified: both systems agree as of 2026-11-21 11:00 (UTC), certificate 1"


@pytest.mark.parametrize(("hours", "is_green"), [(26, True), (26.01, False)])
def test_it_grows_old(hours, is_green):
    assert stand(certificate(hours_ago=hours)).is_green is is_green


def test_never_swept_is_not_green():
    assert not stand().is_green
    assert "never swept" in stand().words


@pytest.mark.parametrize("part", [{"kinds": ("invoice",)}, {"period": "2026-11"}])
def test_a_part_that_agrees_says_nothing_about_the_rest(part):
    assert not stand(certificate(**part)).is_green
    found = stand(certificate(**part), certificate(hours_ago=2))
    assert (found.is_green, found.number) == (True, 1)


@pytest.mark.parametrize("part", [{}, {"kinds": ("invoice",)}, {"period": "2026-11"}])
def test_a_difference_found_later_in_any_part_is_not_green(part):
    found = stand(certificate(**part, unexplained=2), certificate(hours_ago=2))
    assert not found.is_green
    assert "2 records differ" in found.words
    assert "certificate show 2" in found.words


def test_a_later_whole_certificate_makes_up_for_it():
    assert stand(certificate(), certificate(unexplained=1, hours_ago=2)).is_green


def test_a_kind_that_could_not_be_compared_is_not_green():
    found = stand(certificate(stopped={"invoice": "a field is hidden"}))
    assert not found.is_green
    assert "invoice could not be compared" in found.words
