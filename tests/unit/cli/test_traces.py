"""One trace id leads from a log line to what was written: `audit trace`, `runs show`, `events show`."""

from __future__ import annotations

import json

import pytest

from connector.cli.main import run
from connector.core.chain import AuditEntry
from connector.core.service import ReceivedEvent
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY, link_of, mirror, salesforce

TRACE, OTHER = "a" * 32, "b" * 32
INVOICE = salesforce("invoice", "a0I000000000001AAA")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home in which one unit of work wrote an invoice, made a run and took in an event; its store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONNECTOR_HOME", str(tmp_path))
    store = open_store(f"sqlite:///{tmp_path}/state.sqlite", clock=ManualClock(), identity=IDENTITY)
    mirror(store.traced(OTHER), link_of(salesforce("invoice", "a0I000000000002AAA")), "in_2")
    unit = store.traced(TRACE)
    unit.start_run("sync", ManualClock().now())
    mirror(unit, link_of(INVOICE), "in_1")
    unit.audit.append([AuditEntry(event="note", cause="person ann", detail={"message": "ask ap@acme.com"})])
    event = ReceivedEvent(
        id="evt_1", type="invoice.paid", created=1, livemode=False, account="", api_version="v", body=b"{}"
    )
    unit.events.receive([(event, [])], shard_of=lambda _: 0)
    yield store
    store.close()


def said(capsys, *words) -> str:
    assert run(words) == 0
    return capsys.readouterr().out


def test_what_a_unit_wrote_is_shown_with_what_finds_it_in_the_systems(home, capsys):
    rows = json.loads(said(capsys, "audit", "trace", TRACE, "--json"))["rows"]
    assert [row["event"] for row in rows] == ["run started", "invoice.create begun", "invoice.create applied", "note"]
    applied = rows[2]
    assert applied["record"] == f"salesforce:invoice:{INVOICE.id}"
    assert (applied["detail"]["request_id"], applied["detail"]["result_id"]) == ("req_1", "in_1")
    text = said(capsys, "audit", "trace", TRACE)
    for shown in (applied["detail"]["idempotency_key"], "req_1", "in_1", INVOICE.id):
        assert shown in text
    assert "a0I000000000002AAA" not in text
    assert "ap@acme.com" not in json.dumps(rows), "personal data that a message quotes is taken out"


def test_a_limit_is_kept_and_nothing_is_nothing(home, capsys):
    assert len(json.loads(said(capsys, "audit", "trace", TRACE, "--limit", "1", "--json"))["rows"]) == 1
    assert "nothing was written" in said(capsys, "audit", "trace", "c" * 32)


@pytest.mark.parametrize("text", ["", "req_1", "A" * 32, "%"])
def test_what_is_no_trace_id_is_refused(home, capsys, text):
    assert run(["audit", "trace", text]) == 64
    assert "copy it from a log line" in capsys.readouterr().err


def test_runs_and_events_show_theirs(home, capsys):
    number = home.load_runs(1)[0]["id"]
    assert TRACE in said(capsys, "runs", "show", str(number))
    assert json.loads(said(capsys, "runs", "list", "--json"))["runs"][0]["trace_id"] == TRACE
    assert TRACE in said(capsys, "events", "show", "evt_1")
    assert json.loads(said(capsys, "events", "list", "--json"))["events"][0]["trace_id"] == TRACE
