"""The loader reads what it is given: the variables of this process are none of its business."""

from __future__ import annotations

from connector.config.settings_loader import load_settings


def test_the_processs_own_environment_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("CONNECTOR_SHARDS", "17")
    monkeypatch.setenv("CONNECTOR_STRIPE__API_KEYS", "no setting at all")
    settings = load_settings({"CONNECTOR_STRIPE__OVERLAP_S": "3"}, folder=tmp_path)
    assert (settings.shards, settings.stripe.overlap_s) == (4, 3)
