"""What tests of several rooms need once in each process that runs them."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.databases import migrated
from tests.support.postgres import NoPostgresError, or_skip, running_server
from tests.support.temporary import keep_in_memory

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

#: new objects until garbage is looked for; Python's own 700 spend a tenth of a run on it
_GARBAGE_AFTER = 10_000

# Hypothesis fails an example that takes longer than 200 ms, and a search for examples that takes longer than a second:
# on a busy machine either may, whatever it is that is tried.
settings.register_profile(
    "a busy machine", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("a busy machine")

# before pytest, or a worker, makes its first folder
keep_in_memory()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """The modules and cases that are collected live for good: no search for garbage goes through them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GARBAGE_AFTER)
        gc.enable()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    try:
        with running_server() as url:
            yield url
    except NoPostgresError as error:
        or_skip(error)


@pytest.fixture(scope="session")
def migrated_database(postgres_server) -> Iterator[str]:
    """The name of a database with a new store's tables, the template of each test's own."""
    with migrated(postgres_server, f"connector_template_{os.getpid()}") as name:
        yield name
