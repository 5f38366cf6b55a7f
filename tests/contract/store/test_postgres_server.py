"""The PostgreSQL of the tests: also a machine without one tests the store on both databases."""

from __future__ import annotations

import sys

import pytest

from connector.store import open_store
from tests.support import postgres
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY
from tests.support.trail import check


@pytest.fixture(scope="module")
def programs():
    found = postgres.carried()
    if not found and sys.platform == "darwin":
        pytest.skip("the package has no build for Macs with Intel processors")
    assert found, "the development lock carries the programs of a PostgreSQL"
    return found[0].parent


def test_the_server_that_the_lock_carries_runs_the_store(programs):
    with postgres.own_server(programs) as server, postgres.fresh_database(server, "connector_test_carried") as url:
        store = open_store(url, clock=ManualClock(), identity=IDENTITY)
        assert store.place.startswith("postgresql://")
        assert check(store).faults == ()
        store.close()


def test_without_a_server_of_the_machine_it_is_the_one_that_is_used(programs, monkeypatch):
    monkeypatch.setattr(postgres.shutil, "which", lambda _name: None)
    monkeypatch.setattr(postgres, "_INSTALLED", "/nowhere")
    assert postgres._find_binaries() == programs


def test_programs_in_a_folder_that_only_root_may_enter_are_copied(programs, tmp_path, monkeypatch):
    monkeypatch.setattr(postgres.os, "geteuid", lambda: 0)
    private = tmp_path / "private"
    (private / "pg" / "bin").mkdir(parents=True)
    (private / "pg" / "bin" / "initdb").write_text("x")
    private.chmod(0o700)
    copied = postgres._within_reach(private / "pg" / "bin", tmp_path / "there")
    assert copied == tmp_path / "there" / "program" / "bin"
    assert (copied / "initdb").read_text() == "x"
