"""Which checks a run is about."""

from __future__ import annotations

import pytest

from connector.flows.verify.choose import NoSuchCheck, choose
from tests.support.verifications import PROFILE, check, rules

RULES = rules(
    check("SF-PKG-01"),
    check("SF-PKG-02", needs=("SF-PKG-01",)),
    check("SF-ACC-01", needs=("SF-PKG-02",)),
    check("STR-01"),
    check("STR-02", profiles=("legacy",)),
)


def _ids(choice):
    return [each.id for each in choice.checks]


def test_without_a_wish_everything_of_the_profile_is_looked_at():
    choice = choose(RULES, PROFILE)
    assert _ids(choice) == ["SF-PKG-01", "SF-PKG-02", "SF-ACC-01", "STR-01"]
    assert choice.shown == set(_ids(choice))
    assert choice.whole


def test_what_a_check_needs_is_judged_with_it_and_not_shown():
    choice = choose(RULES, PROFILE, only=["sf-acc-01"])
    assert _ids(choice) == ["SF-PKG-01", "SF-PKG-02", "SF-ACC-01"]
    assert choice.shown == {"SF-ACC-01"}
    assert not choice.whole


def test_globs_name_several():
    assert choose(RULES, PROFILE, only=["SF-PKG-*", "STR-01"]).shown == {"SF-PKG-01", "SF-PKG-02", "STR-01"}


def test_what_is_left_out_is_still_judged_where_another_check_needs_it():
    choice = choose(RULES, PROFILE, skip=["SF-PKG-*"])
    assert choice.shown == {"SF-ACC-01", "STR-01"}
    assert "SF-PKG-01" in _ids(choice)
    assert not choice.whole


def test_a_name_that_names_nothing_is_refused_in_both_places():
    for wish in ({"only": ["SF-NO"]}, {"skip": ["X*"]}):
        with pytest.raises(NoSuchCheck):
            choose(RULES, PROFILE, **wish)


def test_a_check_of_another_profile_is_said_and_not_run():
    choice = choose(RULES, PROFILE, only=["STR-02", "STR-01"])
    assert (choice.shown, choice.elsewhere) == ({"STR-01"}, ("STR-02",))
