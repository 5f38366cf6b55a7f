"""A pooler before PostgreSQL that takes away what the store relies on is refused by name, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from connector.core.errors import ConfigError
from connector.store import open_store, pooler, postgresql
from connector.store.errors import translated
from tests.support.clock import ManualClock
from tests.support.pgbouncer import PROGRAM, pooled

LENDS = "lends one connection of the server to several"


def refusal(url) -> str:
    with pytest.raises(ConfigError) as refused:
        open_store(url, clock=ManualClock(), busy_timeout_s=5)
    [problem] = refused.value.problems
    assert (problem.where, "PostgreSQL itself" in problem.remedy) == ("CONNECTOR_DATABASE__URL", True)
    return problem.observed


def test_limits_that_did_not_arrive_at_the_server_are_missed(postgres_url, monkeypatch):
    monkeypatch.setattr(postgresql, "connect_arguments", lambda **_: {})
    words = refusal(postgres_url)
    assert "idle_in_transaction_session_timeout, lock_timeout, statement_timeout is off" in words


def test_two_connections_that_are_one_at_the_server_are_found_out(postgres_url, monkeypatch):
    """The server tells which of its processes answers; a pooler named another one, and lends it to both."""
    monkeypatch.setattr(pooler, "server_pid", lambda _made: 7)
    assert LENDS in refusal(postgres_url)


def test_a_pooler_that_gives_each_connection_one_of_its_own_is_none_of_our_business(postgres_url, monkeypatch):
    monkeypatch.setattr(pooler, "told_pid", lambda _made: 7)
    store = open_store(postgres_url, clock=ManualClock(), busy_timeout_s=5)
    store.save_note("a", "b")
    store.close()


def test_the_server_itself_is_asked_for_no_second_connection(postgres_url, monkeypatch):
    monkeypatch.setattr(pooler, "_is_lent", lambda *_: pytest.fail("it was"))
    open_store(postgres_url, clock=ManualClock(), busy_timeout_s=5).close()


def test_one_that_refuses_the_startup_parameter_is_told_so():
    class OperationalError(Exception):
        sqlstate = None

    told = OperationalError("connection failed: FATAL:  unsupported startup parameter: options")
    with pytest.raises(ConfigError, match="takes no startup parameter `options`"), translated("postgresql://db"):
        raise DBAPIError("", None, told)


IGNORES = "ignore_startup_parameters = options"
#: as somebody may who knows what is asked for
LIMITS = "SET lock_timeout = 5000; SET statement_timeout = 60000; SET idle_in_transaction_session_timeout = 15000"


@pytest.mark.skipif(PROGRAM is None, reason="no PgBouncer here; what it does is tried one by one above")
@pytest.mark.parametrize(
    ("mode", "changes", "limits", "says"),
    [
        pytest.param("session", (), "", "takes no startup parameter `options`", id="as it is installed"),
        pytest.param("session", (IGNORES,), "", "statement_timeout is off", id="told to ignore it"),
        pytest.param("transaction", (IGNORES,), LIMITS, LENDS, id="pools transactions"),
    ],
)
def test_a_real_pgbouncer_is_refused(postgres_url, mode, changes, limits, says):
    _within_reach(postgres_url)
    with pooled(postgres_url, mode, *changes, limits=limits) as url:
        assert says in refusal(url)


@pytest.mark.skipif(PROGRAM is None, reason="no PgBouncer here")
def test_a_real_pgbouncer_that_pools_sessions_with_our_limits_is_taken(postgres_url):
    _within_reach(postgres_url)
    with pooled(postgres_url, "session", IGNORES, limits=LIMITS) as url:
        store = open_store(url, clock=ManualClock(), busy_timeout_s=5)
        store.save_note("a", "b")
        assert store.load_note("a") == "b"
        store.close()


def _within_reach(url):
    """The pooler is another user than the one the server's folder belongs to."""
    Path(make_url(url).query["host"]).chmod(0o755)
