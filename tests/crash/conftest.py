"""One ground for all tests of a process: its systems and the process that forks the children cost seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.crash import Ground
from tests.support.databases import Sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    ground = Ground(folder, Sqlite(folder))
    yield ground
    ground.close()
