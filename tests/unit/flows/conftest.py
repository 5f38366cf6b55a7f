"""A clock that stands still and a store of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.clock import ManualClock
from tests.support.stores import open_new_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connector.ports import Store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    opened = open_new_store(tmp_path / "state.sqlite", clock=clock)
    yield opened
    opened.close()
