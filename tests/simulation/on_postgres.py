"""Stories played with the store in PostgreSQL: the same story must leave the same trace."""

from __future__ import annotations

import itertools
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.simulation.play import play
from tests.support.databases import Postgres, migrated
from tests.support.postgres import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.simulation.play import Result
    from tests.simulation.story import Story

_numbers = itertools.count(1)


def play_on(server_url: str, template: str, story: Story) -> Result:
    """`template` is the name of a database with a new store's tables."""

    def database_in(_folder: Path) -> Postgres:
        return Postgres(server_url, f"simulated_{os.getpid()}_{next(_numbers)}", laid_from=template)

    return play(story, database_in=database_in)


@contextmanager
def ground() -> Iterator[tuple[str, str]]:
    """A server and the name of the template. Raises NoPostgresError."""
    with running_server() as url, migrated(url, f"simulated_{os.getpid()}") as template:
        yield url, template
