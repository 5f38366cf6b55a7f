"""Bad input gets a clear error and loses nothing: exit code, words, no traceback."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3

import pytest

from tests.acceptance.program import ROOT, Program, sandbox
from tests.support.ports import kept_port


@pytest.fixture
def box(untouched):
    return untouched


def assert_clear(answer, code, *words):
    assert answer.code == code, answer.out + answer.err
    assert "Traceback" not in answer.err
    for word in words:
        assert word in answer.err, answer.err
    assert "fix:" in answer.err


def test_no_settings_at_all(program):
    cleared = dict.fromkeys([name for name in program.settings if name != "CONNECTOR_HOME"])
    answer = program.run_cold("sync", "--once", **cleared)
    assert_clear(answer, 64, "CONNECTOR_STRIPE__API_KEY", "CONNECTOR_GO_LIVE", "CONNECTOR_SALESFORCE__CLIENT_ID")


def test_a_misspelled_setting_is_named_with_the_right_one(program):
    answer = program.run("sync", "--once", CONNECTOR_STRIPE__API_KEYS="x")
    assert_clear(answer, 64, "CONNECTOR_STRIPE__API_KEYS", "did you mean", "CONNECTOR_STRIPE__API_KEY")


CASES = {
    "a wrong Stripe key": ({"CONNECTOR_STRIPE__API_KEY": "sk_test_wrongwrongwrong"}, 69, "CONNECTOR_STRIPE__API_KEY"),
    "a wrong secret": ({"CONNECTOR_SALESFORCE__CLIENT_SECRET": "wrong"}, 69, "CONNECTOR_SALESFORCE__AUTH"),
    "no such time zone": ({"CONNECTOR_TIME_ZONE": "Mars/Olympus"}, 64, "time_zone"),
    "no such day": ({"CONNECTOR_GO_LIVE": "2026-02-30"}, 64, "go_live"),
    "no mapping there": ({"CONNECTOR_MAPPINGS": "/nonexistent"}, 64, "CONNECTOR_MAPPINGS"),
    "a secret file that is not there": ({"CONNECTOR_STRIPE__API_KEY": "file:/nonexistent"}, 64, "cannot be read"),
}


@pytest.mark.parametrize("case", CASES)
def test_wrong_settings(program, box, case):
    changes, code, word = CASES[case]
    answer = program.run("sync", "--once", **changes)
    assert_clear(answer, code, word)
    assert box.writes()["stripe"] == 0


@pytest.mark.parametrize(
    ("setting", "found", "right"),
    [
        ("CONNECTOR_SALESFORCE__API_VERSION", "21.0", "67.0"),  # retired
        ("CONNECTOR_SALESFORCE__API_VERSION", "99.0", "67.0"),  # to come
        ("CONNECTOR_SALESFORCE__API_VERSION", "v67", "67.0"),
        ("CONNECTOR_STRIPE__API_VERSION", "2025-03-31.basil", "2026-10-28.endive"),  # other fields
        ("CONNECTOR_STRIPE__API_VERSION", "2026-10-29.endive", "2026-10-28.endive"),  # no such day
        ("CONNECTOR_STRIPE__API_VERSION", "endive", "2026-10-28.endive"),
    ],
)
def test_a_wrong_api_version_is_named_with_the_setting_and_the_right_one(program, box, setting, found, right):
    answer = program.run("sync", "--once", **{setting: found})
    assert_clear(answer, 64, setting, found, right)
    assert box.writes()["stripe"] == 0


@pytest.mark.parametrize(
    ("setting", "side"), [("CONNECTOR_STRIPE__API_BASE", "stripe"), ("CONNECTOR_SALESFORCE__LOGIN_URL", "salesforce")]
)
def test_an_unreachable_host(program, setting, side):
    answer = program.run("sync", "--once", **{setting: f"http://127.0.0.1:{kept_port()}"})
    assert_clear(answer, 69, side, "reachable", f"{side.title()} cannot be reached, trying again in ", "(2 of ")
    assert len(answer.err.splitlines()) < 12


def test_an_unreachable_host_in_json_logs(program):
    """One line per wait, in words a machine reads; no second one for people."""
    changes = {"CONNECTOR_STRIPE__API_BASE": f"http://127.0.0.1:{kept_port()}", "CONNECTOR_LOG__FORMAT": "json"}
    answer = program.run("sync", "--once", **changes)
    assert answer.code == 69
    lines = [json.loads(line) for line in answer.err.splitlines() if line.startswith("{")]
    tried = [line for line in lines if line["event"] == "trying_again"]
    assert [line["attempt"] for line in tried] == [2, 3, 4, 5, 6]
    assert {(line["side"], line["error"], line["attempts"]) for line in tried} == {("stripe", "Unreachable", 6)}
    assert all(line["wait_ms"] > 0 for line in tried)
    assert "trying again in" not in answer.err


def test_a_live_key_with_a_sandbox_org_is_refused(program, box):
    """The account of the sandbox knows no live key, and answers as Stripe does; nothing is written before."""
    answer = program.run("sync", "--once", CONNECTOR_STRIPE__API_KEY="sk_live_" + "0" * 16)
    assert_clear(answer, 69, "CONNECTOR_STRIPE__API_KEY")
    assert box.writes() == {"salesforce": box.writes()["salesforce"], "stripe": 0}


def test_every_problem_of_a_broken_mapping_at_once(program, tmp_path, box):
    pack = tmp_path / "pack"
    shutil.copytree(ROOT / "mappings" / "cpq-billing", pack)
    customer = pack / "customer.yaml"
    customer.write_text(customer.read_text().replace("as: email", "as: emial").replace("stripe: phone", "strpe: phone"))
    answer = program.run("sync", "--once", CONNECTOR_MAPPINGS=str(pack))
    assert_clear(answer, 64, "customer.yaml:", "emial", "did you mean", "strpe")
    checked = program.run("mapping", "check", "--json", CONNECTOR_MAPPINGS=str(pack))
    assert checked.code == 1
    assert len(checked.json["problems"]) >= 2
    assert box.writes()["stripe"] == 0


def test_the_shipped_mapping_is_whole(program):
    assert program.run("mapping", "check").code == 0
    tested = program.run("mapping", "test", "--json")
    assert tested.code == 0
    assert len(tested.json["examples"]) > 20


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written(program):
    program.home.mkdir()
    program.home.chmod(0o500)
    try:
        answer = program.run("sync", "--once")
    finally:
        program.home.chmod(0o700)
    assert answer.code == 1
    assert "Traceback" not in answer.err
    assert str(program.home) in answer.err


def test_a_home_that_is_a_file(program, box):
    program.home.write_text("not a folder")
    answer = program.run("sync", "--once")
    assert answer.code == 1, answer.err
    assert "Traceback" not in answer.err
    assert box.writes()["stripe"] == 0


def test_a_database_that_is_none(program):
    program.home.mkdir()
    (program.home / "state.sqlite").write_bytes(b"this is no database" * 100)
    answer = program.run("sync", "--once")
    assert answer.code == 1, answer.err
    assert "Traceback" not in answer.err
    assert "state.sqlite" in answer.err


def test_a_locked_database_asks_for_another_try(program):
    program.run("status")
    with sqlite3.connect(program.home / "state.sqlite", isolation_level=None) as held:
        held.execute("BEGIN EXCLUSIVE")
        answer = program.run("sync", "--once")
        held.execute("ROLLBACK")
    held.close()
    assert_clear(answer, 75, "locked", "run again")


def test_the_store_of_another_pair_is_refused(program, box, tmp_path):
    program.run("plan")
    other = tmp_path / "other"
    other.mkdir()
    with sandbox(other, "--seed", "2", "--scale", "0") as second:
        elsewhere = Program.for_sandbox(program.home, second)
        answer = elsewhere.run("sync", "--once")
        assert_clear(answer, 64, "belongs to Salesforce org")
        assert second.writes()["stripe"] == 0
