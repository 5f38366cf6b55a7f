"""The day's calls: the catalogue stops first, money later, and nobody for want of news."""

from __future__ import annotations

import pytest

from connector.core.quota import Quota, QuotaShares


@pytest.mark.parametrize(
    ("used", "catalogue", "money"),
    [
        (0, True, True),
        (699, True, True),
        (700, False, True),
        (949, False, True),
        (950, False, False),
        (1001, False, False),
    ],
)
def test_money_goes_on_after_the_catalogue_has_stopped(used: int, catalogue: bool, money: bool) -> None:
    quota, shares = Quota(used=used, total=1000), QuotaShares()
    assert shares.may_go_on(quota, is_catalogue=True) is catalogue
    assert shares.may_go_on(quota, is_catalogue=False) is money


@pytest.mark.parametrize(
    ("used", "times"),
    [(0, 1), (699, 1), (700, 2), (762, 2), (763, 4), (826, 8), (888, 16), (949, 16), (950, 16), (2000, 16)],
)
def test_polls_lie_further_apart_the_fewer_calls_are_left(used: int, times: int) -> None:
    assert QuotaShares().stretch(Quota(used=used, total=1000)) == times


def test_without_a_span_between_the_shares_polls_lie_as_far_apart_as_they_may() -> None:
    assert QuotaShares(catalogue=0.7, money=0.7).stretch(Quota(used=700, total=1000)) == 16


@pytest.mark.parametrize("quota", [None, Quota(used=0, total=0)])
def test_what_is_not_known_stops_nobody(quota: Quota | None) -> None:
    assert QuotaShares().may_go_on(quota, is_catalogue=True)
    assert QuotaShares().stretch(quota) == 1


def test_the_shares_are_a_setting() -> None:
    assert not QuotaShares(catalogue=0.1).may_go_on(Quota(used=1, total=10), is_catalogue=True)
