"""The one dict every report is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from connector.core.model import Severity, Side
from connector.core.verify.checks import AcceptedRisk
from connector.core.verify.evidence import Unreadable
from connector.flows.verify.report import listed, topic_of
from connector.runtime.private_reports import for_people
from tests.support.verifications import ACCOUNT, NOW, attestation, check, report, result, rules

RISK = AcceptedRisk(check_id="SF-PKG-01", owner="Anna", reason="known", expires=date(2027, 2, 1), where="r.yaml:1")


def _only(told):
    [found] = told["checks"]
    return found


class TestTopics:
    def test_it_is_the_longest_known_beginning_of_the_id(self):
        known = replace(rules(), topics={"STR": "Stripe account", "STR-WH": "Webhooks", "MC": "Currencies"})
        assert topic_of("STR-WH-01", known) == "Webhooks"
        assert topic_of("STR-KEY", known) == "Stripe account"
        assert topic_of("MC", known) == "Currencies"
        assert topic_of("NEW-01", known) == "NEW"

    def test_checks_come_topic_by_topic_whatever_their_order_in_the_file(self):
        told = report(result("STR-01"), result("SF-PKG-01"), result("SF-ACC-01"), result("SF-PKG-02"))
        assert [each["id"] for each in told["checks"]] == ["SF-PKG-01", "SF-PKG-02", "SF-ACC-01", "STR-01"]


class TestLinks:
    def test_a_path_is_put_behind_the_orgs_address(self):
        found = _only(report(result(about=check(link="/lightning/setup/X/home"))))
        assert found["link"] == "https://acme.my.salesforce.com/lightning/setup/X/home"

    def test_without_an_address_there_is_no_link_and_a_whole_one_stays(self):
        absent = {Side.SALESFORCE: Unreadable(source="", reason="no"), Side.STRIPE: ACCOUNT}
        assert _only(report(result(about=check(link="/x")), sides=absent))["link"] is None
        whole = check("STR-01", side=Side.STRIPE, link="https://dashboard.stripe.com/apikeys")
        assert _only(report(result(about=whole), sides=absent))["link"] == "https://dashboard.stripe.com/apikeys"


class TestOneCheck:
    def test_the_promised_keys_are_there(self):
        found = _only(report(result("SF-PKG-01", "fail", evidence=("one",))))
        wanted = {"id", "outcome", "severity", "observed", "expected", "why", "fix", "evidence", "since", "new"}
        assert wanted <= found.keys()
        assert found["evidence"] == ["one"]

    def test_the_place_of_its_rule_is_the_same_on_every_machine(self):
        assert _only(report(result()))["place"] == "config/prerequisites.yaml:10"

    def test_who_answers_for_it_is_told(self):
        held = result("SF-PKG-01", "pass", attestation=attestation())
        told = for_people(report(held), hide=False)
        assert _only(told)["attestation"] == {"by": "Anna", "note": "seen in Setup", "expires": "2027-02-01"}
        risk = {"owner": "Anna", "reason": "known", "expires": "2027-02-01", "where": "r.yaml:1"}
        accepted = _only(for_people(report(result("SF-PKG-01", "fail", accepted=RISK)), hide=False))
        assert (accepted["accepted"], accepted["lapsed"], accepted["open"]) == (risk, None, False)
        lapsed = _only(for_people(report(result("SF-PKG-01", "fail", lapsed=RISK)), hide=False))
        assert (lapsed["accepted"], lapsed["lapsed"], lapsed["open"]) == (None, risk, True)

    def test_a_redacted_report_names_nobody_who_attested_or_accepted(self):
        held = result("SF-PKG-01", "pass", attestation=attestation(by="Zelda", note="asked Bert"))
        told = for_people(report(held, result("SF-PKG-02", "fail", accepted=RISK)), hide=True)
        for name in ("Zelda", "Bert", "Anna"):
            assert name not in str(told)

    def test_moments_are_iso_text(self):
        assert _only(report(result(since=NOW)))["since"] == "2026-11-21T20:22:00+00:00"


class TestSummary:
    def test_accepted_risks_are_counted_apart(self):
        summary = report(result("A", "fail"), result("B", "fail", accepted=RISK), result("C"))["summary"]
        assert (summary["counts"]["fail"], summary["counts"]["pass"], summary["accepted"]) == (1, 1, 1)
        assert set(summary["counts"]) == {"pass", "warn", "fail", "unknown", "manual", "not_applicable", "crashed"}

    def test_it_says_what_the_run_was_asked_and_how_it_ends(self):
        told = report(result("A", "unknown"), fail_on=Severity.WARNING, strict=True, whole=False)
        summary = told["summary"]
        assert (summary["fail_on"], summary["strict"], summary["whole"]) == ("warning", True, False)
        assert (summary["unsure"], summary["stopping"], summary["fails"]) == (["A"], ["A"], True)

    def test_what_it_is_compared_with_and_what_it_cost(self):
        summary = report(result(), compared_with=NOW - timedelta(days=1))["summary"]
        assert summary["compared_with"] == "2026-11-20T20:22:00+00:00"
        assert (summary["api_calls"], summary["seconds"]) == ({"salesforce": 12, "stripe": 5}, 6.1)

    def test_a_run_without_memory_says_why(self):
        assert report(result(), without_memory="disk full")["summary"]["without_memory"] == "disk full"
        assert report(result())["summary"]["without_memory"] is None


def test_a_rule_is_told_with_the_titles_of_its_steps():
    about = check(guide=("cpq-package",), needs=("SF-PKG-00",), attest="look")
    told = listed(about, rules(about))
    assert {"id", "title", "severity"} <= told.keys()
    assert (told["guide"], told["needs"], told["attest"]) == (["CPQ installed"], ["SF-PKG-00"], "look")
    assert listed(replace(about, side=None), rules(about))["side"] == "connector"
