"""`connector verify` as an admin runs it, against the simulated systems over real HTTP."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def box(untouched):
    return untouched


def test_it_says_who_answered_and_judges_every_check(program):
    answer = program.run_cold("verify", "--json")
    report = answer.json
    assert report["command"] == "verify"
    assert report["salesforce"]["name"]
    assert report["salesforce"]["is_live"] is False
    assert report["stripe"]["id"].startswith("acct_")
    assert {check["id"] for check in report["checks"]} >= {"SF-PKG-01"}
    assert answer.code == (1 if report["summary"]["fails"] else 0)
    assert "asking" in answer.err


def test_a_side_without_credentials_costs_the_other_one_nothing(program):
    report = program.run("verify", "--json", CONNECTOR_STRIPE__API_KEY=None).json
    assert report["stripe"]["reached"] is False
    assert "CONNECTOR_STRIPE__API_KEY" in report["stripe"]["fix"]
    assert report["salesforce"]["reached"] is True


def test_refused_credentials_and_an_unreachable_host_are_explained(program):
    report = program.run(
        "verify",
        "--json",
        CONNECTOR_SALESFORCE__CLIENT_SECRET="wrong",
        CONNECTOR_STRIPE__API_BASE="http://127.0.0.1:9",
    ).json
    assert "CONNECTOR_SALESFORCE__AUTH" in report["salesforce"]["fix"]
    assert "CONNECTOR_STRIPE__API_BASE" in report["stripe"]["fix"]
    assert report["summary"]["fails"] is True
    assert report["summary"]["api_calls"] == {}


def test_without_a_database_it_still_runs_and_says_so(program, tmp_path):
    (tmp_path / "file").touch()
    answer = program.run("verify", "--json", CONNECTOR_DATABASE__URL=f"sqlite:///{tmp_path}/file/state.sqlite")
    assert answer.json["checks"]
    assert "file" in answer.json["summary"]["without_memory"]


def test_broken_settings_end_it_before_anybody_is_asked(program):
    answer = program.run("verify", "--json", CONNECTOR_VERIFY__PROFILE="nothing-like-that")
    assert answer.code == 64
    assert "connector-only" in answer.err


def test_the_second_run_knows_since_when_and_the_history_both(program):
    first = program.run("verify", "--json").json
    second = program.run("verify", "--json").json
    assert {check["since"] for check in first["checks"]} == {None}
    assert {check["since"] for check in second["checks"]} == {first["at"]}
    runs = program.run("verify", "history", "--json").json["runs"]
    assert [run["run_id"] for run in runs] == [second["run_id"], first["run_id"]]


def test_files_are_written_and_hold_no_secret(program, tmp_path):
    paths = [tmp_path / name for name in ("a.html", "a.xml", "a.sarif")]
    arguments = [str(part) for pair in zip(("--html", "--junit", "--sarif"), paths, strict=True) for part in pair]
    program.run("verify", *arguments)
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert "SF-PKG-01" in text
        for name in ("CONNECTOR_STRIPE__API_KEY", "CONNECTOR_SALESFORCE__CLIENT_SECRET"):
            assert program.settings[name] not in text
    assert json.loads(paths[2].read_text())["version"] == "2.1.0"


def test_checks_are_listed_and_explained_without_asking_anybody(program):
    nowhere = {"CONNECTOR_STRIPE__API_KEY": None, "CONNECTOR_SALESFORCE__CLIENT_ID": None}
    listed = program.run("verify", "--list", "--json", **nowhere).json
    assert {"id", "title", "severity"} <= listed["checks"][0].keys()
    explained = program.run("verify", "--explain", "sf-pkg-01", "--json", **nowhere).json
    assert explained["check"]["id"] == "SF-PKG-01"
    assert program.run("verify", "--explain", "SF-PGK-01").code == 64
    assert program.run("verify", "--only", "SF-NO-*").code == 64


def test_a_run_that_would_look_at_nothing_is_wrong_usage_and_never_ready(program):
    other = program.run("verify", "--only", "SF-STR-01", "--json")
    assert (other.code, "connector-only" in other.err) == (64, True)
    assert program.run("verify", "--skip", "*").code == 64
    assert program.run("verify", "history", "--json").json["runs"] == []


def test_a_file_that_cannot_be_written_is_told_before_anybody_is_asked(program, tmp_path):
    answer = program.run("verify", "--html", str(tmp_path / "nowhere" / "a.html"))
    assert answer.code == 64
    assert "nowhere" in answer.err
    assert "asking" not in answer.err


def test_two_reports_into_one_file_are_wrong_usage(program, tmp_path):
    twice = str(tmp_path / "a.xml")
    assert program.run("verify", "--html", twice, "--junit", twice).code == 64


def test_a_watch_writes_its_files_at_every_look(program, tmp_path):
    page = tmp_path / "a.html"
    with program.running_cold("verify", "--only", "STR-VER", "--watch", "5s", "--html", str(page)) as process:
        for line in process.stderr:
            if line.startswith("looked at"):
                break
        assert page.exists()


def test_topics_of_the_list_come_once(program):
    lines = [line for line in program.run("verify", "--list").out.splitlines() if line and line[0] != " "]
    assert len(lines) == len(set(lines))


def test_a_check_asked_for_alone_is_not_ready_when_what_it_hangs_on_failed_out_of_sight(program):
    """With a dead key nobody knows whether it may write; the check that says so stands not in this report."""
    answer = program.run("verify", "--only", "STR-KEY-WRITE", "--json", CONNECTOR_STRIPE__API_KEY="sk_test_of_nobody12")
    (check,) = answer.json["checks"]
    assert (check["outcome"], answer.json["summary"]["ready"]) == ("unknown", False)
    assert "STR-KEY" in check["observed"]


def test_somebody_without_any_settings_is_told_where_to_begin(program):
    nothing = dict.fromkeys(["CONNECTOR_STRIPE__API_KEY", "CONNECTOR_SALESFORCE__CLIENT_ID"], "")
    told = program.run("verify", "--only", "SF-PKG-01", **nothing)
    assert "`connector init`" in told.err
    assert "`connector init`" not in program.run("verify", "--only", "SF-PKG-01").err
