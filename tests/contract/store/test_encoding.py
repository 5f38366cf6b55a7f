"""A database that does not keep every name as it is written is refused, before anything is stored in it."""

from __future__ import annotations

import pytest

from connector.core.errors import ConfigError
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.postgres import fresh_database


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_without_every_letter_is_refused(postgres_server, encoding):
    made = f"ENCODING '{encoding}' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'"
    with (
        fresh_database(postgres_server, f"keeps_{encoding}".lower(), template="template0", more=made) as url,
        pytest.raises(ConfigError) as refused,
    ):
        open_store(url, clock=ManualClock())
    [problem] = refused.value.problems
    assert problem.where == "CONNECTOR_DATABASE__URL"
    assert f"keeps text as {encoding}" in problem.observed
    assert "ENCODING 'UTF8'" in problem.remedy
