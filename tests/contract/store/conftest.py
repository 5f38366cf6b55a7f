"""Every test of this folder runs on each database the store supports."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import pytest

from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY
from tests.support.postgres import fresh_database
from tests.support.stores import lay_new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.store import SqlStore

_numbers = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path) -> Iterator[str]:
    """A database nobody has opened yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/home/connector.db"
        return
    with fresh_database(request.getfixturevalue("postgres_server"), _fresh_name()) as fresh:
        yield fresh


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path) -> Iterator[str]:
    """A database with an empty store in it."""
    if request.param == "sqlite":
        path = tmp_path / "connector.db"
        lay_new_store(path)
        yield f"sqlite:///{path}"
        return
    yield request.getfixturevalue("postgres_url")


@pytest.fixture
def postgres_url(postgres_server, migrated_database) -> Iterator[str]:
    """For what is about PostgreSQL alone."""
    with fresh_database(postgres_server, _fresh_name(), template=migrated_database) as fresh:
        yield fresh


def _fresh_name() -> str:
    return f"connector_test_{os.getpid()}_{next(_numbers)}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(url: str, clock: ManualClock) -> Iterator[SqlStore]:
    store = open_store(url, clock=clock, identity=IDENTITY, busy_timeout_s=60)
    yield store
    store.close()
