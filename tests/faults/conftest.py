"""A server of these tests' own: it is killed, and what goes to it is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.program import Program, sandbox
from tests.support.databases import Postgres, migrated
from tests.support.postgres import NoPostgresError, or_skip, own_cluster
from tests.support.postgres_proxy import to_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    try:
        with own_cluster() as made:
            yield made
    except NoPostgresError as error:
        or_skip(error)


@pytest.fixture(scope="session")
def template(cluster) -> Iterator[str]:
    """The name of a database with a new store's tables."""
    with migrated(cluster.url, "template_of_faults") as name:
        yield name


@pytest.fixture
def box(tmp_path):
    with sandbox(tmp_path, "--stripe-rate", "0", "--latency-ms", "20") as served:
        yield served


@pytest.fixture
def program(tmp_path, box):
    return Program.for_sandbox(tmp_path / "home", box)


@pytest.fixture
def database(cluster, template):
    made = Postgres(cluster.url, "serving", laid_from=template)
    made.lay()
    yield made
    made.close()


@pytest.fixture
def postgres(cluster):
    with to_postgres(cluster.socket) as proxy:
        yield proxy
