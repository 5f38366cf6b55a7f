"""What the audit trail hears of commands that set a system up."""

from __future__ import annotations

import getpass

import pytest

from connector.app import open_own_store
from connector.cli.told import told
from connector.config.settings_loader import load_settings
from tests.support.trail import details
from tests.support.trail import told as rows

#: in two parts: no file of ours may look as if it held a key
_KEY = "sk_live" + "_" + "c" * 24


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    return load_settings({"CONNECTOR_HOME": str(tmp_path)}, folder=tmp_path)


def test_it_is_told_before_and_after_with_what_was_changed(settings):
    with told(settings, "setup stripe", changes=True) as facts, open_own_store(settings) as store:
        assert rows(store) == [("setup stripe begun", "person ann")]
        facts["changes"] = ["create"]
    with open_own_store(settings) as store:
        assert rows(store)[-1] == ("setup stripe ended", "person ann")
        assert details(store, "setup stripe ended") == [{"cause": "person ann", "changes": ["create"]}]


def test_a_failure_is_told_without_its_secrets(settings):
    with pytest.raises(ValueError, match="broken"), told(settings, "setup stripe", changes=True):
        raise ValueError("broken by " + _KEY)
    with open_own_store(settings) as store:
        [detail] = details(store, "setup stripe failed")
        assert detail["error"] == "ValueError: broken by sk_live_***"


def test_what_changes_nothing_is_not_told_and_needs_no_database(settings, tmp_path):
    with told(settings, "setup stripe", changes=False) as facts:
        facts["changes"] = []
    assert list(tmp_path.iterdir()) == []


def test_where_nobody_is_known_the_command_is(settings, monkeypatch):
    def nobody():
        raise KeyError("uid")

    monkeypatch.setattr(getpass, "getuser", nobody)
    with told(settings, "setup stripe", changes=True):
        pass
    with open_own_store(settings) as store:
        assert rows(store)[0] == ("setup stripe begun", "command setup stripe")
