"""From evidence to results: needs, crashes, attestations, accepted risks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from connector.core.model import Severity
from connector.core.verify.checks import AcceptedRisk, Verdict
from connector.core.verify.evidence import Broken, Seen, Unreadable
from connector.core.verify.private import shown
from connector.flows.verify.judge import Given, judge_all
from tests.support.verifications import NOW, PROFILE, attestation, check, says, situation

TODAY = NOW.date()


def _judge(*checks, evidence=None, attested=(), accepted=(), versions=None, **conditions):
    results = judge_all(
        checks,
        conditions=conditions,
        evidence=evidence or {},
        profile=PROFILE,
        situation=situation(),
        given=Given(
            attestations={each.check_id: each for each in attested},
            accepted={each.check_id: each for each in accepted},
            versions=versions or {},
        ),
        now=NOW,
    )
    return {each.check.id: each for each in results}


def _read(facts):
    facts.read("packages", str)
    raise AssertionError("it could be read")


def _explode(_facts):
    raise KeyError("a name nobody foresaw, with anna@acme.com in it")


class TestOneCheck:
    def test_what_the_judgement_leaves_open_the_check_says(self):
        [found] = _judge(check(), asked=says("fail", "no package")).values()
        assert (found.observed, found.expected, found.fix) == ("no package", "what is right", "what to click")
        assert found.severity is Severity.ERROR

    def test_a_judgement_may_say_it_better(self):
        better = says("fail", expected="this", why="that", fix="so", severity=Severity.BLOCKER)
        [found] = _judge(check(), asked=better).values()
        assert (found.expected, found.why, found.fix, found.severity) == ("this", "that", "so", Severity.BLOCKER)

    def test_a_question_nobody_answered_is_unknown_with_the_missing_permission(self):
        unreadable = Unreadable(source="Tooling query X", reason="INVALID_TYPE", permission="View Setup")
        [found] = _judge(check(), evidence={"packages": unreadable}, asked=_read).values()
        assert found.verdict is Verdict.UNKNOWN
        assert "INVALID_TYPE" in found.observed
        assert "View Setup" in found.fix

    def test_a_side_that_could_not_be_reached_is_unknown_with_its_own_fix(self):
        unreadable = Unreadable(source="signing in", reason="no key", fix="set CONNECTOR_STRIPE__API_KEY")
        [found] = _judge(check(), evidence={"packages": unreadable}, asked=_read).values()
        assert (found.verdict, found.fix) == (Verdict.UNKNOWN, "set CONNECTOR_STRIPE__API_KEY")

    def test_a_broken_probe_and_a_broken_condition_crash_that_check_only(self):
        broken = {"packages": Broken(source="probe packages", error="KeyError")}
        found = _judge(
            check("A", condition="reads"),
            check("B", condition="explodes"),
            check("C"),
            evidence=broken,
            reads=_read,
            explodes=_explode,
            asked=says("pass"),
        )
        assert [each.verdict.value for each in found.values()] == ["crashed", "crashed", "pass"]
        assert found["B"].observed == "the check broke: KeyError", "messages may quote data"


class TestNeeds:
    @pytest.mark.parametrize("verdict", ["fail", "not_applicable"])
    def test_what_hangs_on_something_missing_is_not_looked_at(self, verdict):
        found = _judge(check("A", condition="first"), check("B", needs=("A",)), first=says(verdict), asked=says("pass"))
        assert found["B"].verdict is Verdict.NOT_APPLICABLE
        assert found["B"].observed == "not looked at: needs A"

    @pytest.mark.parametrize("verdict", ["unknown", "manual", "crashed"])
    def test_what_hangs_on_something_unknown_is_unknown(self, verdict):
        found = _judge(check("A", condition="first"), check("B", needs=("A",)), first=says(verdict), asked=says("pass"))
        assert found["B"].verdict is Verdict.UNKNOWN

    @pytest.mark.parametrize("verdict", ["pass", "warn"])
    def test_what_hangs_on_something_that_holds_is_judged(self, verdict):
        found = _judge(check("A", condition="first"), check("B", needs=("A",)), first=says(verdict), asked=says("pass"))
        assert found["B"].verdict is Verdict.PASS

    def test_what_hangs_on_an_accepted_failure_is_unknown_and_no_silent_pass(self):
        found = _judge(
            check("A", condition="first"),
            check("B", needs=("A",)),
            accepted=[_risk("A")],
            first=says("fail"),
            asked=says("pass"),
        )
        assert found["B"].verdict is Verdict.UNKNOWN
        assert found["B"].is_open

    def test_it_goes_on_through_several_checks(self):
        found = _judge(
            check("A", condition="first"),
            check("B", needs=("A",)),
            check("C", needs=("B",)),
            first=says("fail"),
            asked=says("pass"),
        )
        assert found["C"].observed == "not looked at: needs B"


class TestAttestations:
    MANUAL = check("SF-ORD-01", attest="look at the Order tab", attest_packages=("SBQQ",))
    HELD = attestation(packages={"SBQQ": "250.3.0"})

    def _attested(self, about, given, **versions):
        [found] = _judge(about, attested=[given], versions=versions, asked=says("manual", "no API")).values()
        return found

    def test_a_named_person_makes_a_manual_check_a_pass(self):
        found = self._attested(self.MANUAL, self.HELD, SBQQ="250.3.0")
        assert (found.verdict, found.attestation) == (Verdict.PASS, self.HELD)
        assert shown(found.observed) == "attested by Anna on 2026-11-21, until 2027-02-01"

    def test_it_counts_to_the_end_of_its_last_day(self):
        assert self._attested(self.MANUAL, replace(self.HELD, expires=TODAY), SBQQ="250.3.0").verdict is Verdict.PASS
        yesterday = replace(self.HELD, expires=TODAY - timedelta(days=1))
        found = self._attested(self.MANUAL, yesterday, SBQQ="250.3.0")
        assert (found.verdict, found.attestation) == (Verdict.MANUAL, None)
        assert shown(found.observed) == "no API; the attestation of Anna ended on 2026-11-20"

    def test_an_upgrade_of_the_package_voids_it(self):
        found = self._attested(self.MANUAL, self.HELD, SBQQ="252.0.0")
        assert found.verdict is Verdict.MANUAL
        assert "was for SBQQ 250.3.0, now it is 252.0.0" in shown(found.observed)

    def test_a_version_that_cannot_be_read_any_more_voids_it_too(self):
        assert "now it is unknown" in shown(self._attested(self.MANUAL, self.HELD).observed)

    def test_only_a_manual_check_that_allows_it_can_be_attested(self):
        assert self._attested(check("SF-ORD-01"), attestation()).verdict is Verdict.MANUAL
        [found] = _judge(self.MANUAL, attested=[self.HELD], versions={"SBQQ": "250.3.0"}, asked=says("fail")).values()
        assert found.verdict is Verdict.FAIL


def _risk(check_id="SF-PKG-01", expires=date(2027, 2, 1)):
    return AcceptedRisk(check_id=check_id, owner="Anna", reason="known", expires=expires, where="risks.yaml:1")


class TestAcceptedRisks:
    @pytest.mark.parametrize("verdict", ["fail", "warn", "unknown", "manual"])
    def test_an_open_check_may_be_accepted(self, verdict):
        [found] = _judge(check(), accepted=[_risk()], asked=says(verdict)).values()
        assert (found.accepted, found.lapsed, found.is_open) == (_risk(), None, False)

    def test_it_counts_to_the_end_of_its_last_day_and_is_shown_afterwards(self):
        [last] = _judge(check(), accepted=[_risk(expires=TODAY)], asked=says("fail")).values()
        assert last.accepted is not None
        past = _risk(expires=TODAY - timedelta(days=1))
        [found] = _judge(check(), accepted=[past], asked=says("fail")).values()
        assert (found.accepted, found.lapsed, found.is_open) == (None, past, True)

    @pytest.mark.parametrize("verdict", ["pass", "not_applicable"])
    def test_what_is_in_order_needs_no_acceptance(self, verdict):
        [found] = _judge(check(), accepted=[_risk()], asked=says(verdict)).values()
        assert (found.accepted, found.lapsed) == (None, None)

    def test_a_crash_cannot_be_accepted(self):
        [found] = _judge(check(), accepted=[_risk()], asked=_explode).values()
        assert found.is_open


def test_evidence_is_handed_on():
    seen = {"packages": Seen(value="SBQQ", source="Tooling query")}
    [found] = _judge(
        check(), evidence=seen, asked=lambda facts: says("pass", facts.read("packages", str))(facts)
    ).values()
    assert found.observed == "SBQQ"
