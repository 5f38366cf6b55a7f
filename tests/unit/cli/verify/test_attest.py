"""`verify attest` and `verify history`, in process: what people say about checks no API can read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from connector import verification
from connector.cli.main import run
from connector.core.verify.memory import PastRun
from connector.runtime.clock import SystemClock
from connector.store import open_store
from tests.support.verifications import ORG, check, rules

NOW = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
TODAY = NOW.date()
SOON = (TODAY + timedelta(days=60)).isoformat()
ORDERS = check("SF-ORD-01", attest="the Order tab of the package's settings", attest_packages=("SBQQ", "blng"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home in which two runs are remembered."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONNECTOR_HOME", str(tmp_path))
    monkeypatch.setattr(verification, "shipped_rules", lambda: rules(check(), ORDERS))
    monkeypatch.setattr(SystemClock, "now", lambda _clock: NOW)
    store = open_store(f"sqlite:///{tmp_path}/state.sqlite", clock=SystemClock())
    memory = store.verify_memory(ORG.id)
    for number, verdict in enumerate(("pass", "fail")):
        memory.save_verification(
            PastRun(
                run_id=f"run-{number}",
                at=datetime(2026, 11, 19 + number, 8, 0, tzinfo=UTC),
                profile="connector-only",
                verdicts={"SF-PKG-01": verdict, "SF-ORD-01": "manual"},
                report={"packages": {"SBQQ": "250.3.0"}, "summary": {"ready": verdict == "pass"}},
            )
        )
    yield memory
    store.close()


@pytest.fixture
def say(capsys):
    """Runs `verify ...`; the code, the last line as JSON where there is one, and what was said on stderr."""

    def say(*words):
        code = run(["verify", *words, "--json"])
        printed = capsys.readouterr()
        return code, json.loads(printed.out.splitlines()[-1]), printed.err

    return say


def _attest(say, check_id="SF-ORD-01", by="Anna Admin", note="seen in Setup", expires=SOON):
    given = ["--by", by, "--note", note, *(["--expires", expires] if expires else [])]
    return say("attest", check_id, *given)


def test_it_is_stored_with_who_when_and_the_versions_it_is_bound_to(home, say):
    code, answer, _ = _attest(say, "sf-ord-01")
    assert code == 0
    assert (answer["by"], answer["expires"], answer["packages"]) == ("Anna Admin", SOON, {"SBQQ": "250.3.0"})
    [stored] = home.load_attestations()
    assert (stored.check_id, stored.note, stored.expires.isoformat()) == ("SF-ORD-01", "seen in Setup", SOON)
    assert dict(stored.packages) == {"SBQQ": "250.3.0"}, "of packages nobody could read nothing is claimed"


@pytest.mark.parametrize(
    "expires", [None, (TODAY - timedelta(days=1)).isoformat(), (TODAY + timedelta(days=400)).isoformat(), "soon"]
)
def test_a_day_that_is_missing_past_too_far_or_no_day_is_refused(home, say, expires):
    assert _attest(say, expires=expires)[0] == 64
    assert home.load_attestations() == []


def test_today_and_a_year_from_now_are_not_refused(home, say):
    assert _attest(say, expires=TODAY.isoformat())[0] == 0
    assert _attest(say, expires=(TODAY + timedelta(days=365)).isoformat())[0] == 0


@pytest.mark.parametrize(("by", "note"), [(" ", "seen"), ("Anna", "  "), ("Anna", "")])
def test_somebody_must_say_who_looked_and_what_was_seen(home, say, by, note):
    code, _, said = _attest(say, by=by, note=note)
    assert code == 64
    assert "--by" in said


def test_what_can_be_read_cannot_be_attested_nor_what_does_not_exist(home, say):
    assert "nothing to attest" in _attest(say, "SF-PKG-01")[2]
    assert "did you mean 'SF-ORD-01'" in _attest(say, "SF-ORD-1")[2]
    assert home.load_attestations() == []


def test_before_the_first_run_there_is_nothing_to_attest_about(tmp_path, home, say, monkeypatch):
    monkeypatch.setenv("CONNECTOR_DATABASE__URL", f"sqlite:///{tmp_path}/empty.sqlite")
    code, _, said = _attest(say)
    assert code == 64
    assert "run `connector verify` first" in said


def test_it_can_be_taken_back_and_both_stay_in_the_history(home, say):
    assert say("attest", "SF-ORD-01", "--by", "Bert", "--withdraw")[0] == 64, "nobody attested it yet"
    _attest(say)
    code, answer, _ = say("attest", "SF-ORD-01", "--by", "Bert", "--withdraw")
    assert (code, answer["event"]) == (0, "withdrawn")
    assert home.load_attestations() == []
    events = say("history")[1]["attestations"]
    assert [(event["event"], event["by"], event["expires"]) for event in events] == [
        ("withdrawn", "Bert", None),
        ("attested", "Anna Admin", SOON),
    ]


def test_the_history_counts_and_says_what_changed(home, say):
    runs = say("history")[1]["runs"]
    assert [(each["run_id"], each["ready"], each["changed"]) for each in runs] == [
        ("run-1", False, {"SF-PKG-01": "pass → fail"}),
        ("run-0", True, {}),
    ]
    assert runs[0]["counts"] == {"fail": 1, "manual": 1}
    [newest] = say("history", "--limit", "1")[1]["runs"]
    assert newest["changed"] == {"SF-PKG-01": "pass → fail"}, "compared with one that is not shown"


def test_people_read_the_same(home, say, capsys):
    _attest(say)
    assert run(["verify", "history"]) == 0
    text = capsys.readouterr().out
    assert "2026-11-20 08:00:00  not ready  connector-only: 1 fail, 1 manual" in text
    assert "SF-PKG-01: pass → fail" in text
    assert f"SF-ORD-01 attested by Anna Admin until {SOON}: seen in Setup" in text
