"""What people read: findings grouped, tables, progress without a terminal, the demo's home."""

from __future__ import annotations

import csv
import io
import re
import stat
import threading
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import rich.progress
from rich.console import Console

from connector.cli.commands.status import run_line
from connector.cli.demo.home import first_day_of_last_month, fresh_home, write_settings
from connector.cli.demo.sandbox_process import Connection
from connector.cli.findings import grouped, need_a_person, print_findings
from connector.cli.held_view import print_held
from connector.cli.limits_view import brakes_answer, print_brakes
from connector.cli.output import Output, to_json
from connector.cli.parked import parked_groups, print_parked
from connector.cli.parked_table import COLUMNS, parked_table
from connector.cli.progress import Progress
from connector.cli.report_view import print_kinds, print_report
from connector.cli.retry_view import print_retry, retry_answer
from connector.config.brake_limits import load_brake_settings
from connector.config.retry_policies import load_retry_settings
from connector.config.settings_loader import load_settings
from connector.core.errors import ConfigError
from connector.core.model import Condition, ConditionType, Finding, Key, Link, LinkState, Severity, Side

MOMENT = "2026-11-21T12:30:05+00:00"
LATER = "2026-11-21T13:00:00+00:00"


def finding(code, subject, severity=Severity.WARNING, count=1):
    return Finding(
        code=code,
        subject=subject,
        severity=severity,
        observed="seen",
        wanted="right",
        why="money",
        remedy="do",
        count=count,
    )


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=120, highlight=False, markup=False)


class TestFindings:
    FOUND = (
        finding("drift.customer.phone", "001a"),
        finding("drift.customer.phone", "001b", count=4),
        finding("invoice.balance_fell", "a0F1", Severity.ERROR),
        finding("salesforce.field_missing", "quote", Severity.BLOCKER),
        finding("note", "x", Severity.INFO),
    )

    def test_worst_first_counted_with_an_example(self):
        groups = grouped(self.FOUND)
        assert [(group["code"], group["count"]) for group in groups] == [
            ("salesforce.field_missing", 1),
            ("invoice.balance_fell", 1),
            ("drift.customer.phone", 5),
            ("note", 1),
        ]
        assert groups[2]["example"]["subject"] == "001a"

    @pytest.mark.parametrize(
        ("severity", "needed"),
        [(Severity.INFO, False), (Severity.WARNING, False), (Severity.ERROR, True), (Severity.BLOCKER, True)],
    )
    def test_errors_need_a_person(self, severity, needed):
        assert need_a_person([finding("x", "y", severity)]) is needed

    def test_each_is_printed_with_its_remedy(self, console):
        print_findings(console, grouped(self.FOUND))
        text = console.file.getvalue()
        assert text.count("fix: do") == 4
        assert "drift.customer.phone  (5)" in text

    def test_none_is_said(self, console):
        print_findings(console, [])
        assert console.file.getvalue() == "Findings: none\n"


def test_the_table_has_one_row_per_kind(console):
    print_kinds(console, {"invoice": {"created": 15, "updated": 7, "waiting": 1, "parked": 2}})
    header, row = console.file.getvalue().splitlines()
    assert header.split() == ["kind", "mirrored", "updated", "waiting", "parked"]
    assert row.split() == ["invoice", "15", "7", "1", "2"]


def test_progress_without_a_terminal_is_a_line_per_step_and_now_and_then(capsys):
    with Progress(Output(command="sync")) as progress:
        for done in range(1, 1201):
            progress("invoice", done, 1200)
        progress("payment", 1, 0)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.split("\n") == [
        "  invoice: 1 of 1200",
        "  invoice: 501 of 1200",
        "  invoice: 1001 of 1200",
        "  payment: 1 records so far",
        "",
    ]


def test_two_threads_share_one_bar(monkeypatch):
    """Both systems are read at once; a second bar would never be stopped and run into later lines."""
    started, both = [], threading.Barrier(2)

    class Counted(rich.progress.Progress):
        def start(self):
            started.append(self)
            super().start()

    monkeypatch.setattr(rich.progress, "Progress", Counted)
    terminal = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(Output, "error_console", lambda _: terminal)

    def report(what):
        both.wait()
        for done in range(50):
            progress(what, done, 0)

    with Progress(Output(command="sync")) as progress:
        threads = [threading.Thread(target=report, args=(f"reading {side}",)) for side in ("salesforce", "stripe")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(started) == 1


def test_json_is_one_line_and_keeps_every_digit():
    from decimal import Decimal

    assert to_json({"amount": Decimal("12400.10"), "name": "Müller\n"}) == '{"amount": "12400.10", "name": "Müller\\n"}'


class TestDemoHome:
    CONNECTION = Connection(
        salesforce={
            "instance_url": "http://127.0.0.1:7101",
            "login_url": "http://127.0.0.1:7101",
            "client_id": "3MVG9",
            "client_secret": "hidden-secret",
            "api_version": "67.0",
        },
        stripe={"api_base": "http://127.0.0.1:7102", "api_key": "sk_test_hidden"},
    )

    def test_its_settings_are_read_by_the_ordinary_loader(self, tmp_path):
        home = tmp_path / "demo"
        fresh_home(home)
        write_settings(home, self.CONNECTION, go_live=date(2026, 10, 1))
        settings = load_settings({"CONNECTOR_HOME": str(home)}, folder=tmp_path)
        assert settings.go_live == date(2026, 10, 1)
        assert settings.salesforce.client_secret.get_secret_value() == "hidden-secret"
        assert settings.stripe.api_key.get_secret_value() == "sk_test_hidden"
        assert settings.stripe.api_base == "http://127.0.0.1:7102"

    def test_secrets_lie_in_files_of_their_own(self, tmp_path):
        home = tmp_path / "demo"
        fresh_home(home)
        write_settings(home, self.CONNECTION, go_live=date(2026, 10, 1))
        assert "hidden" not in (home / "config" / "connector.yaml").read_text()
        modes = {stat.S_IMODE(path.stat().st_mode) for path in (home / "secrets").iterdir()}
        assert modes == {0o600}

    def test_it_is_emptied_at_every_start(self, tmp_path):
        home = tmp_path / "demo"
        fresh_home(home)
        (home / "state.sqlite").write_text("old")
        fresh_home(home)
        assert not (home / "state.sqlite").exists()

    @pytest.mark.parametrize("precious", ["file", "folder"])
    def test_what_is_not_a_demos_is_never_emptied(self, tmp_path, precious):
        path = tmp_path / "mine"
        letter = path if precious == "file" else path / "letter"
        letter.parent.mkdir(exist_ok=True)
        letter.write_text("keep")
        with pytest.raises(ConfigError, match="not made by a demo"):
            fresh_home(path)
        assert letter.read_text() == "keep"

    @pytest.mark.parametrize(
        ("today", "first"), [(date(2026, 11, 21), date(2026, 10, 1)), (date(2026, 1, 31), date(2025, 12, 1))]
    )
    def test_go_live_is_the_first_day_of_last_month(self, today, first):
        assert first_day_of_last_month(today) == first


ENDED = {
    "id": 3,
    "command": "sync",
    "started_at": "2026-11-21 23:40:42.000+00:00",
    "finished_at": "2026-11-21 23:40:45.251+00:00",
    "summary": {"outcome": "done", "looked_at": 67, "writes": 76, "recovered": 0, "duration_ms": 3251, "kinds": {}},
}


class TestStatus:
    def test_a_run_is_one_line(self):
        assert run_line(ENDED) == "2026-11-21 23:40:42  sync   done, 67 looked at, 76 writes, 3251 ms"

    def test_a_failed_run_says_why(self):
        failed = {**ENDED, "summary": {"outcome": "failed", "error": "StoreUnusable: disk is full"}}
        assert run_line(failed).endswith("failed: StoreUnusable: disk is full")

    def test_a_run_that_was_killed_is_not_called_done(self):
        line = run_line({**ENDED, "finished_at": None, "summary": None})
        assert "did not end" in line
        assert "done" not in line


class FakeStore:
    """Parked links in pages, as the real store gives them."""

    def __init__(self, *links):
        self.links = sorted(links, key=lambda link: link.born.id)

    def load_links_in(self, *, kind, states, limit, after_born_id):
        found = [link for link in self.links if link.kind == kind and link.born.id > after_born_id]
        return [link for link in found if link.state.value in states][:limit]


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def parked_link(number, code="quote.expired", kind="quote"):
    born = Key(side=Side.SALESFORCE, kind=kind, id=f"a03{number:06d}")
    return Link(born=born, state=LinkState.PARKED, reason=f"reason {number}", reason_code=code)


class TestParked:
    def test_counted_per_reason_over_all_pages_with_the_first_as_example(self):
        links = [parked_link(number) for number in range(1, 2502)]
        store = FakeStore(*links, parked_link(1, "invoice.no_lines", "invoice"))
        told = ("code", "count", "example")
        assert [{name: group[name] for name in told} for group in parked_groups(store, ["quote", "invoice"])] == [
            {
                "code": "quote.expired",
                "count": 2501,
                "example": {"kind": "quote", "id": "a03000001", "reason": "reason 1"},
            },
            {
                "code": "invoice.no_lines",
                "count": 1,
                "example": {"kind": "invoice", "id": "a03000001", "reason": "reason 1"},
            },
        ]

    def test_a_cause_is_a_group_with_what_would_release_it(self):
        condition = Condition(type=ConditionType.LIMIT, subject="lines", wanted="fewer lines", look_at=NOON)
        links = [replace(parked_link(number), condition=condition, parked_at=NOON) for number in (1, 2)]
        other = replace(condition, subject="allocations")
        first, second = parked_groups(FakeStore(*links, replace(parked_link(3), condition=other)), ["quote"])
        assert (first["count"], second["count"]) == (2, 1)
        assert first["condition"] == {"type": "limit", "subject": "lines", "wanted": "fewer lines"}
        assert first["since"] == first["next_look"] == NOON.isoformat()
        assert first["group"] != second["group"]

    def test_printed_with_the_reason(self, console):
        print_parked(console, parked_groups(FakeStore(parked_link(7)), ["quote"]))
        assert "quote.expired  (1)\n    e.g. quote a03000007: reason 7\n" in console.file.getvalue()

    def test_nothing_parked_prints_nothing(self, console):
        print_parked(console, [])
        assert console.file.getvalue() == ""


def test_a_pass_that_found_nothing_says_so_instead_of_an_empty_table(console):
    answer = {
        "kinds": {},
        "stopped_kinds": {},
        "held_back": [],
        "short_of_calls": [],
        "parked": [],
        "findings": [],
        "api_calls": {"salesforce": 4, "stripe": 3},
        "recovered": 0,
        "looked_at": 0,
        "writes": 0,
        "seconds": 1.2,
    }
    print_report(console, answer)
    first = console.file.getvalue().splitlines()[0]
    assert first == "Nothing has changed on either side since the last pass."


def test_what_is_held_back_is_told_with_its_number_its_cause_and_the_next_attempt(console):
    print_held(
        console,
        [
            {"kind": "invoice", "code": "stripe.throttled.rate_limit", "count": 3, "next_attempt_at": MOMENT},
            {"kind": "payment", "code": "salesforce.row_lock.UNABLE_TO_LOCK_ROW", "count": 1, "next_attempt_at": LATER},
        ],
    )
    text = console.file.getvalue()
    assert "Held back after a failure: 4, tried again by the passes from 2026-11-21 12:30:05 UTC on" in text
    assert "invoice  3  stripe asks to wait (rate_limit), next 2026-11-21 12:30:05 UTC" in text
    assert "payment  1  salesforce has the record locked (UNABLE_TO_LOCK_ROW)" in text


def test_the_brakes_that_hold_are_told_with_where_each_was_said(console, tmp_path):
    path = tmp_path / "brakes.yaml"
    path.write_text("voids: {percent: 5}\n", encoding="utf-8")
    answer = brakes_answer(load_brake_settings(path), files=[path])
    assert answer["files"] == [str(path)]
    assert {"name": "voids.percent", "value": 5, "source": f"{path}:1"} in answer["limits"]
    assert {"name": "release_hours", "value": 24, "source": "default"} in answer["limits"]
    print_brakes(console, answer)
    assert re.search(rf"voids.percent +5  {re.escape(str(path))}:1\n", console.file.getvalue())


def test_a_run_is_told_with_who_gave_the_command():
    run = {"command": "adopt", "started_at": MOMENT, "finished_at": None, "summary": {"by": "kim"}}
    assert " adopt  by kim did not end" in run_line(run)
    ended = run_line({**run, "finished_at": LATER, "summary": {"by": "kim", "writes": 2}})
    assert ended.endswith(" by kim done, 2 writes")


def test_parked_records_are_a_table_that_no_spreadsheet_carries_out():
    condition = Condition(type=ConditionType.OTHER, subject="=cmd()", wanted="a rule")
    links = [
        Link(
            born=Key(side=Side.SALESFORCE, kind="invoice", id=f"a0I{number}"),
            state=LinkState.PARKED,
            reason='says "no", and why',
            reason_code="invoice.refused",
            condition=condition,
            parked_at=datetime(2026, 11, 21, tzinfo=UTC),
        )
        for number in (2, 1)
    ]
    head, *rows = csv.reader(io.StringIO(parked_table(links)))
    assert head == list(COLUMNS)
    first = dict(zip(head, rows[0], strict=True))
    assert [row[2] for row in rows] == ["a0I1", "a0I2"]
    assert (first["subject"], first["reason"], first["mate"]) == ("'=cmd()", 'says "no", and why', "")
    assert first["since"] == "2026-11-21T00:00:00+00:00"


def test_nothing_held_back_is_no_news(console):
    print_held(console, [])
    assert console.file.getvalue() == ""


def test_the_policies_that_hold_are_a_row_each_with_those_of_named_kinds(console, tmp_path):
    path = tmp_path / "retry.yaml"
    path.write_text("rules: [{kind: invoice, error: row_lock, to: stripe, now: {attempts: 9}}]\n", encoding="utf-8")
    answer = retry_answer(load_retry_settings(path), files=[path])
    [row] = [each for each in answer["policies"] if each["now"]["attempts"] == 9]
    assert (row["to"], row["error"], row["kind"]) == ("stripe", "row_lock", "invoice")
    assert {each["kind"] for each in answer["policies"]} == {None, "invoice"}
    print_retry(console, answer)
    assert "9 attempts" in console.file.getvalue()
