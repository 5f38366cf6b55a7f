"""Every test of this folder runs on each database the store supports."""

from __future__ import annotations

import itertools
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY
from tests.support.postgres import NoPostgresError, fresh_database, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connector.store import SqlStore

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    try:
        with running_server() as url:
            yield url
    except NoPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory) -> Path:
    """A new store's file, made once and copied for each test."""
    path = tmp_path_factory.mktemp("template") / "connector.db"
    open_store(f"sqlite:///{path}", clock=ManualClock()).close()
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres_server) -> Iterator[str]:
    """The name of a database with a new store's tables, the template of each test's own."""
    name = _fresh_name()
    with fresh_database(postgres_server, name) as url:
        open_store(url, clock=ManualClock()).close()
        yield name


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
        shutil.copyfile(request.getfixturevalue("migrated_file"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("migrated_database")
    with fresh_database(request.getfixturevalue("postgres_server"), _fresh_name(), template=template) as fresh:
        yield fresh


def _fresh_name() -> str:
    return f"connector_test_{os.getpid()}_{next(_numbers)}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(url: str, clock: ManualClock) -> Iterator[SqlStore]:
    store = open_store(url, clock=clock, identity=IDENTITY, busy_timeout_s=5)
    yield store
    store.close()
