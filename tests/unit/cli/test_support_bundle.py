"""A bundle tells what helps and nothing about a person, and it is made whatever is broken."""

from __future__ import annotations

import json
import os
import zipfile
from datetime import timedelta

import pytest

from connector.cli.main import run
from connector.core.brake import TrippedBrake
from connector.core.model import Finding, Severity
from connector.core.service import Pause, ReceivedEvent
from connector.store import migrate, open_store
from connector.store.tables import HEAD
from tests.support import old_versions as old
from tests.support.clock import ManualClock

#: what a customer or a person would be known by, put wherever the store keeps words
PERSON = "Annegret Ohlsen-Freud"
SECRET = "an-ordinary-looking-password-of-ours-0123456789"
PARTS = {
    "about",
    "settings",
    "database",
    "mapping",
    "health",
    "schedule",
    "runs",
    "records",
    "brakes",
    "events",
    "certificates",
    "verification",
    "trail",
}


@pytest.fixture
def bundle(tmp_path, monkeypatch, capsys):
    """Runs the command; its answer, and the parts of the file."""
    for name in [name for name in os.environ if name.startswith("CONNECTOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONNECTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CONNECTOR_AUDIT__KEYS", SECRET)

    def bundle(*arguments):
        path = tmp_path / "bundle.zip"
        path.unlink(missing_ok=True)
        code = run(["support-bundle", "--out", str(path), "--json", *arguments])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        assert path.stat().st_mode & 0o777 == 0o600
        with zipfile.ZipFile(path) as file:
            texts = {name: file.read(name).decode() for name in file.namelist()}
        parts = {name.removesuffix(".json"): json.loads(text) for name, text in texts.items() if name.endswith(".json")}
        return json.loads(printed.out.splitlines()[-1]), parts, texts

    return bundle


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/home/state.sqlite"


@pytest.fixture
def store(url, monkeypatch):
    """Something of everything, with a person's name in every free text."""
    old.make(url, HEAD, monkeypatch)
    store = open_store(url, clock=ManualClock())
    now = ManualClock().now()
    number = store.start_run("sync", now)
    error = f"Refused: salesforce invoice.create: 400 FIELD_CUSTOM_VALIDATION_EXCEPTION: {PERSON} is not allowed"
    store.finish_run(
        number, now, {"writes": 7, "outcome": "failed", "error": error, "kinds": {"invoice": {"created": 3}}}
    )
    store.schedule.pause(Pause(subject="invoice", reason=f"{PERSON} asked", person=PERSON, since=now))
    later = now + timedelta(minutes=1)
    store.schedule.claim("poll", later, holder="host pid 1")
    store.schedule.finish("poll", later, outcome="failed", reason=error.removeprefix("Refused: "))
    store.report(
        [
            Finding(
                code="invoice.balance_fell",
                subject="a0I",
                severity=Severity.ERROR,
                observed=PERSON,
                wanted="",
                why="",
                remedy="",
            )
        ]
    )
    store.brakes.trip(
        [TrippedBrake(name="mass_change", subject="", tripped_at=now, observed=f"9 {SECRET}", allowed="1", plan={})]
    )
    body = json.dumps({"email": "annegret@example.com", "name": PERSON}).encode()
    event = ReceivedEvent(
        id="evt_9", type="customer.updated", created=1, livemode=False, account="", api_version="v", body=body
    )
    store.events.receive([(event, [])], shard_of=lambda _signal: 0)
    yield store
    store.close()


def test_it_tells_what_helps_and_nothing_about_a_person(bundle, store):
    answer, parts, texts = bundle()
    assert answer["unavailable"] == {}
    assert parts.keys() == PARTS
    everything = "\n".join(texts.values())
    for secret in (PERSON, "Annegret", "annegret@", SECRET, "Größe"):
        assert secret not in everything
    assert parts["database"]["tables"]["link"] == old.LINKS
    assert parts["database"]["soundness"] == ["ok"]
    assert parts["runs"][0]["summary"] == {
        "writes": 7,
        "outcome": "failed",
        "error": "Refused: salesforce invoice.create: 400 FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "kinds": {"invoice": {"created": 3}},
    }
    failed = "salesforce invoice.create: 400 FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert parts["schedule"]["last"]["poll"]["reason"] == failed
    assert {each["subject"] for each in parts["schedule"]["paused"]} == {"invoice", "quote"}
    assert {each["job"] for each in parts["schedule"]["jobs"]} >= {"poll"}
    assert [each["observed"] for each in parts["brakes"] if each["brake"] == "mass_change"] == ["9 ***"]
    assert parts["records"]["findings"] == [{"code": "invoice.balance_fell", "severity": "error", "count": 2}]
    assert parts["records"]["parked"][0]["code"] == "invoice.too_many_lines"
    assert parts["events"]["types"] == {"invoice.paid": 3, "customer.updated": 1}
    assert parts["health"]["health"] == "degraded"
    assert parts["health"]["leases"][0]["epoch"] == 7
    assert parts["trail"]["rows"] > old.AUDIT_ROWS
    assert parts["settings"]["settings"]["audit.keys"]["source"] == "environment"


def test_a_database_that_is_damaged_is_told_and_the_rest_is_there(bundle, store, url, tmp_path):
    store.close()
    path = tmp_path / "home" / "state.sqlite"
    content = bytearray(path.read_bytes())
    content[4096 * 3 :] = b"\xff" * (len(content) - 4096 * 3)
    path.write_bytes(content)
    answer, parts, _ = bundle()
    assert "malformed" in json.dumps(parts["database"])
    assert parts["about"]["connector"]
    assert parts["settings"]["settings"]
    assert parts["mapping"]["kinds"]["invoice"] == "salesforce"
    assert "health" in answer["unavailable"]
    path.write_bytes(b"a letter")
    assert "not a database" in bundle()[1]["database"]["unavailable"]


@pytest.mark.parametrize(("version", "state"), [("0002", "older"), ("9999", "newer")])
def test_a_database_of_another_version_is_told_and_left_as_it_is(bundle, url, monkeypatch, version, state):
    old.make(url, HEAD if version == "9999" else version, monkeypatch)
    if version == "9999":
        with old.opened(url) as database, database.write(1) as tx:
            tx.connection.exec_driver_sql(f"UPDATE {migrate.VERSION_TABLE} SET version_num = '9999'")
    before = old.content(url)
    _, parts, _ = bundle()
    assert (parts["database"]["schema"], parts["database"]["state"]) == (version, state)
    assert parts["database"]["tables"]["link"] == old.LINKS
    assert f"schema {version}" in parts["health"]["unavailable"]
    assert old.content(url) == before


def test_without_a_database_none_is_made(bundle, tmp_path):
    _, parts, _ = bundle()
    assert parts["database"]["state"] == "empty"
    assert not (tmp_path / "home").exists()


def test_settings_that_are_wrong_are_told_without_their_secret(bundle, monkeypatch):
    monkeypatch.setenv("CONNECTOR_STRIPE__API_KEEY", "sk_test_0123456789abcdef")
    answer, parts, texts = bundle()
    assert "CONNECTOR_STRIPE__API_KEEY" in answer["unavailable"]["settings"]
    assert parts["about"]["python"]
    assert "0123456789abcdef" not in "".join(texts.values())


def test_the_end_of_a_log_is_put_in_with_personal_data_hidden(bundle, store, tmp_path):
    log = tmp_path / "service.log"
    lines = [json.dumps({"event": f"drain {number}", "email": "annegret@example.com"}) for number in range(3000)]
    log.write_text("\n".join([*lines, f"not JSON, of annegret@example.com with {SECRET}"]))
    _, _, texts = bundle("--log", str(log))
    told = texts["log.jsonl"].splitlines()
    assert len(told) == 2000
    assert json.loads(told[-2]) == {"event": "drain 2999", "email": "a***@example.com"}
    assert told[-1] == "not JSON, of a***@example.com with ***"


def test_a_log_that_is_not_there_and_a_bundle_that_is_are_refused(bundle, tmp_path, capsys):
    assert run(["support-bundle", "--log", str(tmp_path / "none.log")]) == 64
    (tmp_path / "there.zip").write_text("x")
    assert run(["support-bundle", "--out", str(tmp_path / "there.zip")]) == 64
    assert (tmp_path / "there.zip").read_text() == "x"
    assert "cannot be written: it exists" in capsys.readouterr().err


def test_the_default_name_says_when(bundle, tmp_path, capsys):
    assert run(["support-bundle"]) == 0
    [made] = tmp_path.glob("connector-support-*Z.zip")
    assert made.name in capsys.readouterr().out
