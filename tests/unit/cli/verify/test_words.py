"""Sentences every face of a report shares."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from connector.cli.verify.words import counts, day, details, how_long, label, masked_id, news, side_words, verdict
from connector.core.model import Severity, Side
from connector.core.verify.checks import AcceptedRisk
from connector.core.verify.evidence import Unreadable
from connector.runtime.private_reports import for_people
from tests.support.verifications import ACCOUNT, NOW, ORG, check, report, result

RISK = AcceptedRisk(check_id="A-1", owner="Anna", reason="known", expires=date(2027, 2, 1), where="risks.yaml:1")
BLOCKER = check("B-1", severity=Severity.BLOCKER)


def _one(**fields):
    told = for_people(report(result("A-1", **fields)), hide=False)
    return told["checks"][0], told


class TestTheAnswer:
    def test_ready_is_said_only_when_nothing_is_open_at_the_limit(self):
        assert verdict(report(result("A-1"), result("A-2", "not_applicable"))) == ["Ready"]

    def test_of_some_checks_only_that_is_said_too(self):
        assert verdict(report(result("A-1"), whole=False)) == ["Ready (of the checks that were asked for)"]

    def test_nothing_at_all_is_not_ready(self):
        assert verdict(report()) == ["Nothing was looked at"]

    def test_what_is_left_is_named_by_what_has_to_be_done(self):
        told = report(
            result("A-1", "fail"), result("A-2", "unknown"), result("A-3", "manual"), result("A-4", "crashed")
        )
        assert verdict(told) == [
            "Not ready",
            "to correct: A-1, A-4",
            "to make readable: A-2",
            "to look at and attest: A-3",
        ]

    def test_nothing_failed_and_not_everything_known_is_neither(self):
        first, *rest = verdict(report(result("A-1", "unknown")))
        assert first == "Nothing failed, but not ready: 1 not known"
        assert rest == ["to make readable: A-1"]


def test_the_closing_line_counts_everything_and_never_hides_a_failure():
    told = report(
        result("A-1"),
        result("A-2", "warn"),
        result("A-3", "fail"),
        result(about=BLOCKER, verdict="fail"),
        result("A-4", "fail", accepted=RISK),
    )
    assert counts(told) == "1 passed · 1 warning · 2 failed (1 blocker) · 0 unknown · 0 crashed · 1 accepted risk"


class TestLabels:
    @pytest.mark.parametrize(
        ("verdict_", "about", "says"),
        [
            ("pass", None, ""),
            ("not_applicable", None, ""),
            ("fail", None, "error"),
            ("fail", BLOCKER, "blocker"),
            ("warn", BLOCKER, "warning"),
            ("warn", check("A-1", severity=Severity.INFO), "info"),
            ("unknown", None, "unknown"),
            ("unknown", BLOCKER, "unknown, blocker"),
            ("manual", None, "to attest"),
            ("crashed", None, "crashed"),
        ],
    )
    def test_one_word_says_how_bad_it_is(self, verdict_, about, says):
        assert label(report(result("A-1", verdict_, about=about))["checks"][0]) == says

    def test_an_accepted_risk_is_called_so(self):
        assert label(_one(verdict="fail", accepted=RISK)[0]) == "accepted"


class TestSince:
    def test_an_open_check_says_since_when_by_day_and_today_by_hour(self):
        assert how_long(*_one(verdict="fail", since=NOW - timedelta(days=2))) == "since 19 Nov 2026"
        assert how_long(*_one(verdict="fail", since=NOW - timedelta(hours=2))) == "since 18:22 UTC"

    def test_what_is_in_order_or_changed_in_this_run_says_nothing(self):
        assert how_long(*_one(since=NOW - timedelta(days=2))) == ""
        assert how_long(*_one(verdict="fail", since=NOW)) == ""
        assert how_long(*_one(verdict="fail")) == ""

    def test_what_became_worse_is_new(self):
        assert how_long(*_one(verdict="fail", since=NOW, is_new=True)) == "NEW"
        told = report(result("A-1", "fail", is_new=True), result("A-2"), compared_with=NOW - timedelta(days=2))
        assert news(told) == "NEW since 19 Nov 2026: A-1"
        assert news(report(result("A-1", "fail"))) == ""


class TestWhoAnswered:
    def test_an_org_and_an_account_are_named_and_the_account_is_masked(self):
        told = report(result())
        assert (
            side_words("Salesforce", told["salesforce"])
            == "Acme (acme.my.salesforce.com, production, API 67.0, user sync@acme.com)"
        )
        assert side_words("Stripe", told["stripe"]) == "Acme Inc (acct_1Ja…xY, live, 2026-10-28.endive)"
        assert masked_id(None) == "account not readable"
        assert ACCOUNT.id not in side_words("Stripe", told["stripe"])

    def test_a_side_nobody_reached_says_why(self):
        absent = Unreadable(source="settings", reason="no key", fix="set it")
        told = report(result(), sides={Side.SALESFORCE: ORG, Side.STRIPE: absent})
        assert side_words("Stripe", told["stripe"]) == "not looked at: no key"
        assert side_words("Stripe", None) == "not asked"


class TestDetails:
    def _names(self, told):
        return [name for name, _ in told]

    def test_an_open_check_says_everything(self):
        about = check("A-1", link="/lightning/setup/X/home")
        made = report(result(about=about, verdict="fail", evidence=("one", "two")))["checks"][0]
        told = details(made, silent=())
        assert self._names(told) == ["Seen", "Expected", "Why", "Fix", "Page", "Evidence", ""]
        assert ("Page", "https://acme.my.salesforce.com/lightning/setup/X/home") in told

    def test_a_check_in_order_says_nothing_and_an_accepted_one_who_answers_for_it(self):
        assert details(_one()[0], silent=()) == []
        told = details(_one(verdict="fail", accepted=RISK)[0], silent=())
        assert told == [("Accepted", "by Anna until 2027-02-01: known (risks.yaml:1)")]

    def test_a_risk_whose_day_has_passed_is_shown_beside_what_is_open(self):
        told = details(_one(verdict="fail", lapsed=RISK)[0], silent=())
        assert told[0] == ("Accepted", "by Anna until 2027-02-01, which has passed: known (risks.yaml:1)")
        assert "Fix" in self._names(told)

    def test_a_manual_check_says_where_to_look_and_how_to_attest(self):
        made = report(result(about=check("A-1", attest="the Order tab"), verdict="manual"))["checks"][0]
        told = dict(details(made, silent=()))
        assert told["Look at"] == "the Order tab"
        assert told["Then"].startswith("connector verify attest A-1 --by")

    def test_a_crash_does_not_send_anybody_to_setup(self):
        told = dict(details(_one(verdict="crashed")[0], silent=()))
        assert "bug of connector" in told["Fix"]
        assert "Why" not in told

    def test_much_evidence_is_shortened(self):
        told = details(_one(verdict="fail", evidence=tuple(str(number) for number in range(9)))[0], silent=())
        assert told[-1] == ("", "… and 4 more: --json and --html have all")

    def test_a_silent_side_is_not_explained_again_at_every_check(self):
        assert details(_one(verdict="unknown")[0], silent={"salesforce"}) == []
        assert details(_one(verdict="unknown")[0], silent={"stripe"}) != []


def test_days_are_written_for_people():
    assert day("2026-11-09T08:00:00+00:00") == "9 Nov 2026"
