"""PostgreSQL that does not answer, and a client that does not go on: neither end waits for ever for the other."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from connector.core.errors import StoreAway, StoreBusy
from connector.store import open_store, postgresql
from connector.store.timeouts import Timeouts
from tests.support.clock import ManualClock
from tests.support.memory import raise_signals, salesforce, waiting_keys

INVOICE = salesforce("invoice", "a0I000000000001AAA")
SHORT = Timeouts(statement_timeout_s=2, idle_timeout_s=2)
#: far more than any of it takes, far less than for ever
SOON_S = 60.0


@pytest.fixture
def hasty(postgres_url, clock):
    """A store whose patience is short."""
    store = open_store(postgres_url, clock=clock, busy_timeout_s=0.2, timeouts=SHORT)
    yield store
    store.close()


@pytest.fixture
def other(postgres_url, clock):
    store = open_store(postgres_url, clock=clock, busy_timeout_s=10)
    yield store
    store.close()


def execute(store, *steps):
    """Statements, and what is done between them, in one transaction."""
    with store._database.write(1) as tx:
        for step in steps:
            if callable(step):
                step()
            else:
                tx.connection.execute(text(step))


def test_both_ends_are_told_how_long_to_wait(hasty):
    with hasty._database.read(1) as tx:

        def told(name):
            return tx.connection.execute(text(f"SHOW {name}")).scalar_one()

        assert told("lock_timeout") == "200ms"
        assert told("statement_timeout") == "2s"
        assert told("idle_in_transaction_session_timeout") == "2s"
        assert told("synchronous_commit") == "on"
        parameters = tx.connection.connection.driver_connection.info.get_parameters()
    assert parameters["connect_timeout"] == "10"
    assert parameters["tcp_user_timeout"] == "20000"


def test_a_statement_that_takes_too_long_is_ended_and_nothing_is_stored(hasty):
    with pytest.raises(StoreBusy, match="STATEMENT_TIMEOUT_S"):
        execute(hasty, "UPDATE scope SET signal_seq = 99", "SELECT pg_sleep(30)")
    assert raise_signals(hasty, INVOICE) == 1


def test_a_process_that_stands_still_in_a_transaction_keeps_nobody_out(hasty, other):
    """SIGSTOP, or a network that swallows everything: its locks are freed, and when it wakes it is told."""

    def stand_still():
        began_s = time.monotonic()
        assert raise_signals(other, INVOICE) == 1
        assert time.monotonic() - began_s < SOON_S

    with pytest.raises((StoreBusy, StoreAway)):
        execute(hasty, "UPDATE scope SET signal_seq = 99", stand_still, "SELECT 1")
    assert waiting_keys(hasty) == [INVOICE]


def test_a_server_that_does_not_answer_is_given_up(hasty, monkeypatch):
    monkeypatch.setattr(postgresql, "_GRACE_S", 0)
    store = open_store(
        hasty._database.engine.url.render_as_string(hide_password=False),
        clock=ManualClock(),
        timeouts=Timeouts(statement_timeout_s=2),
    )
    with pytest.raises(StoreAway, match=r"no answer from the server within 2 s"):
        # the server itself would end it first
        execute(store, "SET LOCAL statement_timeout = 0", "SELECT pg_sleep(30)")
    # a connection that may still be answered is not used again
    assert store.load_cursors(INVOICE.side) == {}
    store.close()


def test_an_upgrade_may_take_longer_than_anything_else(hasty):
    with hasty._database.write(1) as tx, postgresql.unhurried(tx.connection):
        tx.connection.execute(text("SELECT pg_sleep(2.4)"))
        assert tx.connection.connection.driver_connection.patience_s is None
    with hasty._database.write(1) as tx:
        assert tx.connection.execute(text("SHOW statement_timeout")).scalar_one() == "2s"
        assert tx.connection.connection.driver_connection.patience_s == 7


def test_of_two_that_wait_for_each_other_one_is_told_to_try_again_and_can(other, postgres_url, clock):
    second = open_store(postgres_url, clock=clock, busy_timeout_s=10)
    for name in ("a", "b"):
        other.save_note(name, "nobody")
    meet = threading.Barrier(2, timeout=SOON_S)

    def write(store, who, names):
        with store._database.write(1) as tx:
            for name in names:
                tx.connection.execute(
                    text("UPDATE note SET value = :who WHERE name = :name"), {"who": who, "name": name}
                )
                if name == names[0]:
                    meet.wait()

    def outcome(work):
        try:
            work.result(SOON_S)
        except StoreBusy:
            return "busy"
        return "stored"

    with ThreadPoolExecutor() as pool:
        works = {
            "first": pool.submit(write, other, "first", "ab"),
            "second": pool.submit(write, second, "second", "ba"),
        }
        ended = {who: outcome(work) for who, work in works.items()}
    assert sorted(ended.values()) == ["busy", "stored"]
    [loser] = [who for who, how in ended.items() if how == "busy"]
    [winner] = set(ended) - {loser}
    assert {other.load_note(name) for name in ("a", "b")} == {winner}
    other.save_note("a", loser)
    assert other.load_note("a") == loser
    second.close()
