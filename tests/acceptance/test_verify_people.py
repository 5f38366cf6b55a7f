"""What people say about checks, and what becomes of it, in the installed program."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest


def day(later_days=0):
    """Asked when it is needed: modules are read long before their tests run, maybe on the day before."""
    return (datetime.now(UTC).date() + timedelta(days=later_days)).isoformat()


@pytest.fixture
def box(untouched):
    return untouched


def _outcome(program, check_id):
    [check] = program.run("verify", "--only", check_id, "--json").json["checks"]
    return check


def test_what_the_system_itself_says_cannot_be_attested(program):
    program.run("verify", "--only", "SF-PKG-01")
    said = ("--by", "Anna Admin", "--note", "seen in Setup", "--expires", day(60))
    answer = program.run("verify", "attest", "SF-PKG-01", *said)
    assert answer.code == 64
    assert "nothing to attest" in answer.err
    assert program.run("verify", "attest", "SF-NO-01", *said).code == 64


def test_an_accepted_risk_counts_until_its_day_and_is_shown_with_its_owner(program):
    home = program.home
    (home / "config").mkdir(parents=True)
    file = home / "config" / "accepted-risks.yaml"
    entry = "- {{check: SF-PKG-01, owner: Anna Admin, reason: it is being installed, expires: {day}}}\n"
    nobody = {"CONNECTOR_SALESFORCE__CLIENT_SECRET": "wrong"}
    file.write_text(entry.format(day=day()))
    accepted = program.run("verify", "--only", "SF-PKG-01", "--json", **nobody)
    assert accepted.json["checks"][0]["accepted"]["owner"] == "Anna Admin"
    assert (accepted.code, accepted.json["summary"]["ready"]) == (0, True)
    file.write_text(entry.format(day=day(-1)))
    lapsed = program.run("verify", "--only", "SF-PKG-01", "--json", **nobody)
    assert lapsed.json["checks"][0]["lapsed"]["owner"] == "Anna Admin"
    assert lapsed.code == 1
    file.write_text("- {check: SF-PKG-1}\n")
    broken = program.run("verify")
    assert broken.code == 64
    assert "accepted-risks.yaml:1" in broken.err


def test_a_changed_package_is_told_until_somebody_accepts_it(program, box):
    assert _outcome(program, "SF-PKG-09")["outcome"] == "pass"
    first = program.run("verify", "--json").json
    assert [check["outcome"] for check in first["checks"] if check["id"] == "SF-PKG-09"] == ["pass"]
    runs = program.run("verify", "history", "--json").json["runs"]
    assert len(runs) == 1, "--only leaves no trace"
    program.run("verify", "--skip", "SF-PKG-09", "--json")
    assert len(program.run("verify", "history", "--json").json["runs"]) == 1, "nor does a run that skips"
    assert program.run("verify", "--accept-packages", "--skip", "SF-PKG-09").code == 64
    assert program.run("verify", "--accept-packages", "--json").json["packages"] == first["packages"]


def test_status_tells_how_the_last_verification_ended(program):
    assert program.run("status", "--json").json["verified"] is None
    assert "Never verified" in program.run("status").out
    program.run("verify")
    told = program.run("status", "--json").json["verified"]
    assert (told["ready"], told["open"]) == (True, {})
    ready = program.run("status").out
    assert "ready" in ready
    assert "not ready" not in ready
    program.run("verify", CONNECTOR_VERIFY__STREAMING="true")
    again = program.run("status", "--json").json["verified"]
    assert again["ready"] is False
    assert again["open"]["SF-CDC-01"]["outcome"] == "fail"
    assert "not ready: SF-CDC-01 (fail since " in program.run("status").out
