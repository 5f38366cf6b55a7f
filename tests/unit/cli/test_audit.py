"""`connector audit`, in process: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from connector.cli import audit_file
from connector.cli.main import run
from connector.core.chain import AuditEntry, Seal
from connector.core.csv_text import read_cell
from connector.core.model import Key, Side
from connector.ports import Settlement
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY, link_of
from tests.support.trail import forge, rows_of

ROOT = Path(__file__).parents[3]
INVOICE = Key(side=Side.SALESFORCE, kind="invoice", id="a0I000000000001AAA")
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with a trail of four rows; its store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONNECTOR_HOME", str(tmp_path))
    store = open_store(f"sqlite:///{tmp_path}/state.sqlite", clock=ManualClock(), identity=IDENTITY)
    store.settle([Settlement(link=link_of(INVOICE), event="invoice park", cause="poll")])
    store.audit.append([AuditEntry(event="=cmd|' /C calc'!A0", cause="person Ann", detail={"note": "Größe\n-1"})])
    store.settle([Settlement(link=link_of(INVOICE), event="invoice ignore", cause="event")])
    yield store
    store.close()


@pytest.fixture
def say(capsys):
    """Runs `audit ...`: exit code, the answer, what was said to people instead."""

    def say(*words):
        code = run(["audit", *words, "--json"])
        printed = capsys.readouterr()
        return code, json.loads(printed.out.splitlines()[-1])

    return say


def _people(capsys, *words):
    code = run(["audit", *words])
    return code, capsys.readouterr().out


class TestVerify:
    def test_a_whole_trail_is_said_to_be_and_what_that_does_not_mean(self, home, say, capsys):
        code, answer = say("verify")
        assert (code, answer["rows"], answer["faults"], answer["fault_count"]) == (0, 4, [], 0)
        code, text = _people(capsys, "verify")
        assert code == 0
        assert "4 rows, 1 to 4: no row was edited, moved or taken out" in text
        assert "Not shown without --anchor" in text

    def test_a_changed_row_is_named_and_the_exit_code_is_1(self, home, say, capsys):
        forge(home, "UPDATE audit SET event = 'nothing happened' WHERE seq = 3")
        code, answer = say("verify")
        assert (code, answer["fault_count"]) == (1, 1)
        assert (answer["faults"][0]["seq"], answer["faults"][0]["what"]) == (3, "edited")
        code, text = _people(capsys, "verify")
        assert code == 1
        assert "row 3: was edited" in text
        assert "The trail was changed" in text

    def test_an_anchor_shows_what_was_cut_off(self, home, say):
        _, anchor = say("head")
        assert say("verify", "--anchor", anchor["anchor"])[0] == 0
        forge(
            home,
            "DELETE FROM audit WHERE seq = 4",
            "UPDATE scope SET audit_seq = 3, audit_hash = (SELECT hash FROM audit WHERE seq = 3)",
        )
        assert say("verify")[0] == 0
        code, answer = say("verify", "--anchor", anchor["anchor"])
        assert code == 1
        assert [(fault["seq"], fault["what"]) for fault in answer["faults"]] == [(4, "cut_off")]

    @pytest.mark.parametrize(
        "anchor", ["", "4", "4:", "x:sha256:00", "-1:sha256:00", "0:sha256:00", "\uff14:sha256:0", "4:md5:0"]
    )
    def test_what_is_no_anchor_is_a_wrong_argument(self, home, say, anchor):
        code, answer = say("verify", "--anchor", anchor)
        assert code == 64
        assert "audit head" in answer["error"]["message"]

    def test_a_trail_sealed_with_a_key_needs_it(self, home, say, monkeypatch):
        sealed = open_store(f"sqlite:///{home.place[10:]}", clock=ManualClock(), seal=Seal((KEY.encode(),)))
        sealed.audit.append([AuditEntry(event="sealed", cause="person Ann")])
        sealed.close()
        code, answer = say("verify")
        assert (code, answer["faults"][0]["what"]) == (1, "key_missing")
        monkeypatch.setenv("CONNECTOR_AUDIT__KEYS", KEY)
        code, answer = say("verify")
        assert (code, answer["sealed_from"]) == (0, 5)

    def test_rows_appended_while_it_reads_are_no_fault(self, home, monkeypatch):
        from connector.flows import audit

        monkeypatch.setattr(audit, "PAGE", 2)
        seen = []

        def each(row):
            seen.append(row.seq)
            if len(seen) <= 3:
                home.audit.append([AuditEntry(event="meanwhile", cause="poll")])

        report = audit.check_trail(home.audit, home.seal, each=each)
        assert (report.rows, report.faults) == (4, ())
        assert len(rows_of(home)) == 7


class TestHead:
    def test_of_an_empty_trail_there_is_none(self, tmp_path, monkeypatch, say):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CONNECTOR_HOME", str(tmp_path))
        assert say("head") == (
            0,
            {"schema_version": 1, "command": "audit head", "anchor": None, "seq": 0, "hash": None},
        )
        assert say("verify")[1]["rows"] == 0

    def test_it_prints_one_line_to_keep(self, home, capsys):
        _, text = _people(capsys, "head")
        assert re.fullmatch(r"4:sha256:[0-9a-f]{64}\n", text)


class TestExport:
    def test_the_recipe_of_the_documents_checks_the_file(self, home, say):
        code, _ = say("export")
        assert code == 0
        [recipe] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "audit.md").read_text(), re.DOTALL)
        exec(compile(recipe, "docs/audit.md", "exec"), {})
        path = Path("connector-audit.jsonl")
        path.write_text(path.read_text().replace("person Ann", "person Bob"))
        with pytest.raises(AssertionError, match="row 3 was changed"):
            exec(compile(recipe, "docs/audit.md", "exec"), {})

    def test_the_manifest_says_what_the_file_holds(self, home, say):
        _, answer = say("export", "--out", "trail.jsonl")
        manifest = json.loads(Path(answer["manifest_file"]).read_text())
        assert manifest == answer["manifest"]
        assert (manifest["rows"], manifest["first_seq"], manifest["last_seq"], manifest["faults"]) == (4, 1, 4, 0)
        assert manifest["sha256"] == hashlib.sha256(Path("trail.jsonl").read_bytes()).hexdigest()
        assert manifest["last_hash"] == rows_of(home)[-1].hash
        assert manifest["identity"]["org_id"] == IDENTITY.org_id
        assert Path("trail.jsonl").stat().st_mode & 0o777 == 0o600

    def test_csv_shows_everything_and_carries_out_nothing(self, home, say):
        say("export", "--format", "csv")
        with Path("connector-audit.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["seq"] for row in rows] == ["1", "2", "3", "4"]
        assert rows[2]["event"] == "'=cmd|' /C calc'!A0"
        assert [read_cell(row["event"]) for row in rows] == [row.event for row in rows_of(home)]
        assert [read_cell(row["detail_json"]) for row in rows] == [row.detail_json for row in rows_of(home)]

    def test_since_begins_with_the_first_row_of_that_time(self, home, say):
        later = ManualClock(rows_of(home)[0].at.replace(year=2027))
        store = open_store(f"sqlite:///{home.place[10:]}", clock=later)
        store.audit.append([AuditEntry(event="later", cause="poll")])
        store.close()
        _, answer = say("export", "--since", "2027-01-01")
        manifest = answer["manifest"]
        assert (manifest["rows"], manifest["first_seq"]) == (1, 5)
        assert manifest["first_previous_hash"] == rows_of(home)[3].hash

    def test_an_existing_file_is_not_written_over(self, home, say):
        Path("trail.jsonl").write_text("evidence")
        code, answer = say("export", "--out", "trail.jsonl")
        assert (code, answer["error"]["problems"][0]["observed"]) == (64, "cannot be written: it exists")
        assert Path("trail.jsonl").read_text() == "evidence"

    @pytest.mark.parametrize("failing", [1, 2], ids=["the trail", "its manifest"])
    def test_a_disk_that_fills_up_leaves_no_part_of_a_trail_behind(self, home, say, monkeypatch, failing):
        opened = []

        def full(descriptor, mode):
            opened.append(mode)
            if len(opened) == failing:
                os.close(descriptor)
                descriptor = os.open("/dev/full", os.O_WRONLY)
            return os.fdopen(descriptor, mode)

        monkeypatch.setattr(audit_file, "os", SimpleNamespace(**{**vars(os), "fdopen": full}))
        code, answer = say("export", "--out", "trail.jsonl")
        assert (code, answer["error"]["problems"][0]["observed"]) == (64, "cannot be written: No space left on device")
        assert list(Path().glob("trail.jsonl*")) == []

    def test_a_folder_that_is_not_there_is_named(self, home, say):
        code, answer = say("export", "--out", "nowhere/trail.jsonl")
        assert code == 64
        assert "nowhere/trail.jsonl" in answer["error"]["message"]

    def test_a_changed_trail_is_exported_and_said_to_be(self, home, say):
        forge(home, "DELETE FROM audit WHERE seq = 2")
        code, answer = say("export")
        assert (code, answer["manifest"]["rows"], answer["manifest"]["faults"]) == (1, 3, 1)


def test_a_short_key_is_refused_without_showing_it(home, say, monkeypatch):
    monkeypatch.setenv("CONNECTOR_AUDIT__KEYS", "hunter2")
    code, answer = say("head")
    assert code == 64
    assert "32 characters or more" in answer["error"]["message"]
    assert "hunter2" not in json.dumps(answer)
