"""Many processes need PostgreSQL: a file has no queue, and says what to set instead."""

from __future__ import annotations

import pytest

from connector.core.errors import ConfigError
from tests.support.clock import ManualClock
from tests.support.stores import open_new_store


def test_a_file_has_no_queue_and_says_what_to_set(tmp_path):
    store = open_new_store(tmp_path / "state.sqlite", clock=ManualClock())
    with pytest.raises(ConfigError, match="CONNECTOR_DATABASE__URL"):
        store.queue.open()
    store.close()
