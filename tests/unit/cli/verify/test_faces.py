"""The report on the screen, as a page, as JUnit and as SARIF."""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from connector.cli.verify.html import html
from connector.cli.verify.junit import junit
from connector.cli.verify.sarif import sarif
from connector.cli.verify.text import print_report
from connector.core.model import Severity, Side
from connector.core.verify.checks import AcceptedRisk
from connector.core.verify.evidence import Unreadable
from connector.core.verify.private import private
from connector.runtime.private_reports import for_people
from tests.support.verifications import ORG, check, report, result

RISK = AcceptedRisk(check_id="SF-ACC-02", owner="Anna", reason="known <b>", expires=date(2027, 2, 1), where="r.yaml:1")
#: one of each, in the order of a report
EVERYTHING = (
    result("SF-PKG-01", "pass", observed="Salesforce CPQ 250.3.0"),
    result(
        "SF-PKG-02",
        "fail",
        about=check("SF-PKG-02", severity=Severity.BLOCKER, link="/lightning/setup/ImportedPackage/home"),
        observed="no package <blng> & more",
        evidence=("asked for blng",),
    ),
    result("SF-ACC-01", "warn"),
    result("SF-ACC-02", "fail", accepted=RISK),
    result("SF-ACC-03", "unknown"),
    result("SF-ACC-04", "manual", about=check("SF-ACC-04", attest="look")),
    result("SF-ACC-05", "not_applicable"),
    result("STR-01", "crashed", observed="the check broke: KeyError"),
)


def _screen(told, *, width=120, terminal=False, no_color=False):
    out = StringIO()
    # what Output.console() makes, on a page that can be read back
    console = Console(
        file=out,
        width=width,
        force_terminal=terminal,
        no_color=no_color,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
    )
    print_report(console, for_people(told, hide=False))
    return out.getvalue()


class TestScreen:
    def test_every_check_has_a_line_with_its_sign(self):
        lines = _screen(report(*EVERYTHING)).splitlines()
        for check_id, sign in (
            ("SF-PKG-01", "✓"),
            ("SF-PKG-02", "✗"),
            ("SF-ACC-01", "!"),
            ("SF-ACC-03", "?"),
            ("SF-ACC-04", "☞"),
            ("SF-ACC-05", "-"),
            ("STR-01", "☠"),
        ):
            assert any(line.startswith(f" {sign} {check_id}") for line in lines), check_id

    def test_it_groups_by_topic_and_explains_only_what_is_open(self):
        text = _screen(report(*EVERYTHING))
        assert text.index("\nPackages\n") < text.index("\nAccess\n") < text.index("\nStripe account\n")
        after_pass = text[text.index("SF-PKG-01") : text.index("SF-PKG-02")]
        assert "Why" not in after_pass
        assert "Fix" in text[text.index("SF-PKG-02") : text.index("SF-ACC-01")]
        assert "https://acme.my.salesforce.com/lightning/setup/ImportedPackage/home" in text

    @pytest.mark.parametrize("width", [60, 80, 100, 200])
    def test_no_line_is_wider_than_the_terminal(self, width):
        long = result(
            "SF-PKG-02", "fail", about=check("SF-PKG-02", title="a long title " * 12), observed="long words " * 30
        )
        lines = _screen(report(*EVERYTHING, long), width=width, terminal=True, no_color=True).splitlines()
        plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
        # an address is never broken: it could not be clicked
        assert max(len(line) for line in plain if "https://" not in line) <= width

    def test_a_pipe_gets_whole_lines_without_colour(self, monkeypatch):
        # who runs the tests may have said a width: pytest-xdist's workers are told one
        monkeypatch.delenv("COLUMNS", raising=False)
        text = _screen(report(result("SF-PKG-01", "fail", observed="long words " * 60)), width=80)
        assert "\x1b" not in text
        assert ("long words " * 60).strip() in text

    def test_a_side_nobody_reached_is_explained_once(self):
        absent = Unreadable(source="settings", reason="stripe.api_key is not set", fix="set CONNECTOR_STRIPE__API_KEY")
        silent = [result(about=check(f"STR-0{n}", side=Side.STRIPE), verdict="unknown") for n in range(3)]
        text = _screen(report(*silent, sides={Side.SALESFORCE: ORG, Side.STRIPE: absent}))
        assert text.count("set CONNECTOR_STRIPE__API_KEY") == 1
        assert "Why" not in text

    def test_ready_stands_alone_in_green_and_not_beside_a_failure(self):
        assert "✓ Ready." in _screen(report(result()))
        assert "Ready" not in _screen(report(*EVERYTHING))


class _Page(HTMLParser):
    """Collects what a browser would fetch, and whether every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.fetched, self.open, self.links = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.fetched += [value for name, value in attrs if name in {"src", "srcset", "background", "poster", "data"}]
        self.fetched += [value for name, value in attrs if tag == "link" and name == "href"]
        self.links += [value for name, value in attrs if tag == "a" and name == "href"]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


class TestPage:
    def _text(self, told=None, *, hide=True):
        return html(for_people(told or report(*EVERYTHING), hide=hide))

    def test_it_stands_alone(self):
        text = self._text()
        page = _Page(text)
        assert page.open == []
        assert page.fetched == []
        assert not {"script", "link", "iframe", "img", "object"} & set(page.tags)
        assert "url(" not in text
        assert "@import" not in text
        assert "default-src 'none'" in text

    def test_what_an_org_says_is_text_and_no_markup(self):
        text = self._text()
        assert "no package &lt;blng&gt; &amp; more" in text
        assert "known &lt;b&gt;" in text

    def test_it_is_made_for_light_dark_and_paper(self):
        text = self._text()
        assert "prefers-color-scheme: dark" in text
        assert "@media print" in text

    def test_every_check_and_what_to_do_is_in_it(self):
        text = self._text()
        for each in EVERYTHING:
            assert f'id="{each.check.id}"' in text
        assert 'href="https://acme.my.salesforce.com/lightning/setup/ImportedPackage/home"' in text
        assert "Not ready" in text

    def test_an_address_that_is_none_becomes_no_link(self):
        bad = result(about=check(side=Side.STRIPE, link="javascript:alert(1)"), verdict="fail")
        page = _Page(self._text(report(bad)))
        assert page.links == ["#SF-PKG-01"]

    def test_a_link_leads_to_a_check_of_the_page_or_to_an_address(self):
        assert "https://acme.my.salesforce.com/lightning/setup/ImportedPackage/home" in _Page(self._text()).links


class TestJunit:
    def _cases(self, told):
        root = ET.fromstring(junit(for_people(told, hide=True)))  # our own text
        assert root.tag == "testsuites"
        [suite] = root
        assert suite.get("name")
        cases = suite.findall("testcase")
        assert [int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")] == [
            len(cases),
            len(suite.findall("testcase/failure")),
            len(suite.findall("testcase/error")),
            len(suite.findall("testcase/skipped")),
        ]
        return {case.get("name").split()[0]: [child.tag for child in case] for case in cases if case.get("classname")}

    def test_there_is_one_case_per_check_and_red_is_what_fails_the_run(self):
        assert self._cases(report(*EVERYTHING)) == {
            "SF-PKG-01": ["system-out"],
            "SF-PKG-02": ["failure"],
            "SF-ACC-01": ["skipped"],
            "SF-ACC-02": ["skipped"],
            "SF-ACC-03": ["skipped"],
            "SF-ACC-04": ["skipped"],
            "SF-ACC-05": ["skipped"],
            "STR-01": ["error"],
        }

    def test_strict_makes_unknown_and_manual_red(self):
        cases = self._cases(report(*EVERYTHING, strict=True))
        assert cases["SF-ACC-03"] == cases["SF-ACC-04"] == ["failure"]
        assert cases["SF-ACC-02"] == ["skipped"], "somebody answers for it"

    def test_characters_xml_cannot_hold_do_not_break_it(self):
        odd = result("SF-PKG-01", "fail", observed="bell \x07, null \x00, <tag> & 🦄")
        text = junit(for_people(report(odd), hide=True))
        assert "🦄" in ET.fromstring(text).find(".//failure").get("message")


class TestSarif:
    def _run(self, told):
        log = json.loads(sarif(for_people(told, hide=True)))
        assert log["version"] == "2.1.0"
        assert log["$schema"]
        [run] = log["runs"]
        assert run["tool"]["driver"]["name"]
        return run

    def test_every_result_has_a_place_in_the_rules_file(self):
        run = self._run(report(*EVERYTHING))
        assert run["results"]
        for each in run["results"]:
            assert each["message"]["text"]
            [location] = each["locations"]
            place = location["physicalLocation"]
            assert place["artifactLocation"]["uri"] == "config/prerequisites.yaml"
            assert place["region"]["startLine"] >= 10
            assert run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"]

    def test_a_result_that_is_no_failure_has_no_level(self):
        found = {each["ruleId"]: (each["kind"], each["level"]) for each in self._run(report(*EVERYTHING))["results"]}
        assert found == {
            "SF-PKG-02": ("fail", "error"),
            "SF-ACC-01": ("fail", "warning"),
            "SF-ACC-02": ("fail", "error"),
            "SF-ACC-03": ("open", "none"),
            "SF-ACC-04": ("review", "none"),
            "STR-01": ("fail", "error"),
        }

    def test_strict_makes_unknown_a_failure(self):
        found = {each["ruleId"]: each["kind"] for each in self._run(report(*EVERYTHING, strict=True))["results"]}
        assert found["SF-ACC-03"] == found["SF-ACC-04"] == "fail"

    def test_an_accepted_risk_is_a_suppressed_result(self):
        told = self._run(for_people(report(*EVERYTHING), hide=False))
        found = {each["ruleId"]: each.get("suppressions") for each in told["results"]}
        assert found["SF-ACC-02"] == [
            {"kind": "external", "justification": "accepted by Anna until 2027-02-01: known <b>"}
        ]
        assert found["SF-PKG-02"] is None


class TestNames:
    SECRET = "sk_" + "live_" + "51NxQ2aBcDeFgHiJkLmNoPqRs"
    TOLD = result(
        "SF-PKG-01",
        "fail",
        observed=f"{private('Anna Admin')} (anna@acme.com) lacks it, key {SECRET}",
        evidence=(private("INV-0009"),),
    )

    @pytest.mark.parametrize("face", [html, junit, sarif, json.dumps, _screen])
    def test_no_face_shows_a_mark_or_a_secret(self, face):
        told = for_people(report(self.TOLD), hide=False)
        text = face(told)
        assert "\ue000" not in text
        assert "\\ue000" not in text
        assert self.SECRET not in text

    def test_names_are_shown_or_hidden(self):
        shown = for_people(report(self.TOLD), hide=False)["checks"][0]
        assert shown["observed"].startswith("Anna Admin (anna@acme.com) lacks it")
        assert shown["evidence"] == ["INV-0009"]
        told = for_people(report(self.TOLD), hide=True)
        assert told["checks"][0]["observed"].startswith("A*** (a***@acme.com) lacks it")
        assert told["checks"][0]["evidence"] == ["I***"]
        assert told["salesforce"]["user"] == "s***@acme.com"

    def test_nothing_else_is_changed(self):
        told = for_people(report(*EVERYTHING), hide=True)
        assert [each["id"] for each in told["checks"]] == [each.check.id for each in EVERYTHING]
        assert told["summary"] == report(*EVERYTHING)["summary"]
