"""What holds for each check of config/prerequisites.yaml, whatever it is about."""

import re

import pytest

from connector.core.verify.checks import Verdict
from connector.core.verify.evidence import Broken
from connector.flows.verify.conditions import CONDITIONS
from connector.flows.verify.run import side_of
from connector.salesforce.inspect.probes import PROBES as SALESFORCE
from connector.stripe.inspect.probes import PROBES as STRIPE
from tests.support.verify import NOT_READABLE, judged, shipped_rules, situation

RULES = shipped_rules()
CHECKS = {check.id: check for check in RULES.checks}
OWN = {name for check in RULES.checks for name in check.evidence if side_of(name) is None}
#: about our own settings: nothing has to be read while the feature is off
EVERYTHING_ON = {"ach": True, "streaming": True, "webhook_url": "https://connector.example.com/stripe"}


def with_all(check, found):
    return judged(check, about=situation(**EVERYTHING_ON), **dict.fromkeys(CHECKS[check].evidence, found))


@pytest.mark.parametrize("check", CHECKS)
def test_without_any_evidence_nothing_passes(check):
    result = with_all(check, NOT_READABLE)
    assert result.verdict in (Verdict.UNKNOWN, Verdict.MANUAL, Verdict.NOT_APPLICABLE)
    if result.verdict is Verdict.MANUAL:
        assert CHECKS[check].attest


@pytest.mark.parametrize("check", [check.id for check in RULES.checks if check.evidence])
def test_a_probe_that_broke_is_a_crash_and_never_a_pass(check):
    result = with_all(check, Broken(source="probe x", error="ValueError"))
    assert result.verdict in (Verdict.CRASHED, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE)


@pytest.mark.parametrize("check", CHECKS)
def test_a_manual_check_says_where_to_look_and_only_such_a_check_can_be_attested(check):
    attest = CHECKS[check].attest
    assert attest is None or len(attest) > 20
    assert not (CHECKS[check].attest_packages and attest is None)


@pytest.mark.parametrize("check", CHECKS)
def test_texts_are_for_people(check):
    rule = CHECKS[check]
    for text in (rule.title, rule.expected, rule.why, rule.fix):
        assert text == text.strip()
        assert "  " not in text
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)
    assert rule.title[0].isupper()
    assert rule.link is None or rule.link.startswith(("/lightning/", "https://"))


def test_every_condition_is_used_and_every_piece_of_evidence_has_a_probe():
    assert {check.condition for check in RULES.checks} == set(CONDITIONS)
    wanted = {name for check in RULES.checks for name in check.evidence}
    assert wanted - OWN <= {*SALESFORCE, *STRIPE}


def test_every_probe_is_asked_for_by_a_check_or_by_another_probe():
    wanted = {name for check in RULES.checks for name in check.evidence}
    earlier = {name for probe in (*SALESFORCE.values(), *STRIPE.values()) for name in getattr(probe, "after", ())}
    assert {*SALESFORCE, *STRIPE} <= wanted | earlier


def test_every_row_of_the_list_of_facts_is_a_check():
    """platform.md A3, row by row."""
    rows = {
        "SF-CONN": 5,
        "SF-PKG": 7,
        "SF-LIC": 2,
        "SF-ACC": 5,
        "SF-NET": 2,
        "SF-CALC": 1,
        "SF-ORD": 2,
        "SF-BILL": 2,
        "SF-STR": 1,
        "SF-YA": 3,
        "SF-SEC": 1,
        "SF-CDC": 1,
    }
    wanted = {f"{topic}-{number:02}" for topic, count in rows.items() for number in range(1, count + 1)}
    assert wanted <= set(CHECKS)


def test_every_step_of_the_guide_has_a_check():
    assert {step for check in RULES.checks for step in check.guide} == {step.id for step in RULES.guide}
