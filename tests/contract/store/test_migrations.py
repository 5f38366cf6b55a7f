"""Opening makes, upgrades or refuses a schema; never half of one."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, inspect, text

from connector.core.errors import SchemaTooNew, StoreUnusable
from connector.store import migrate, open_store
from connector.store.database import open_database
from connector.store.tables import HEAD, metadata
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY


def _execute(url: str, *statements: str) -> None:
    database = open_database(url, clock=ManualClock(), busy_timeout_s=60)
    with database.write(0) as tx:
        for statement in statements:
            tx.connection.execute(text(statement))
    database.close()


def test_the_newest_migration_is_the_one_the_program_expects():
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_the_migrations_build_the_tables_the_code_uses(store):
    with store._database.read(1) as tx:
        context = MigrationContext.configure(
            tx.connection, opts={"version_table": migrate.VERSION_TABLE, "compare_type": False}
        )
        assert compare_metadata(context, metadata) == []
        indexes = {
            index["name"]: bool(index["unique"])
            for table in metadata.tables
            for index in inspect(tx.connection).get_indexes(table)
        }
    assert indexes["operation_one_unresolved"]
    assert indexes["link_one_per_mate"]


def test_opening_again_keeps_what_is_there(store, url):
    store.save_note("a", "b")
    store.close()
    reopened = open_store(url, clock=ManualClock(), identity=IDENTITY)
    assert reopened.load_note("a") == "b"
    reopened.close()


def test_a_newer_schema_is_refused_and_left_alone(store, url):
    store.save_note("a", "b")
    store.close()
    _execute(url, f"UPDATE {migrate.VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match=f"schema 9999, this one knows up to {HEAD}"):
        open_store(url, clock=ManualClock())
    _execute(url, f"UPDATE {migrate.VERSION_TABLE} SET version_num = '{HEAD}'")
    reopened = open_store(url, clock=ManualClock())
    assert reopened.load_note("a") == "b"
    reopened.close()


def test_a_database_of_the_first_version_is_upgraded_and_keeps_its_rows(empty_url, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(migrate, "HEAD", "0001")
        first = open_store(empty_url, clock=ManualClock())
    first.save_note("a", "b")
    with first._database.read(1) as tx:
        assert "verification" not in inspect(tx.connection).get_table_names()
    first.close()
    reopened = open_store(empty_url, clock=ManualClock())
    assert reopened.load_note("a") == "b"
    with reopened._database.read(1) as tx:
        assert "operation_of_link" in {index["name"] for index in inspect(tx.connection).get_indexes("operation")}
        assert "verification" in inspect(tx.connection).get_table_names()
    reopened.close()


def test_somebody_elses_tables_are_not_taken_over(empty_url):
    _execute(empty_url, "CREATE TABLE link (id INTEGER)")
    with pytest.raises(StoreUnusable, match=r"tables of another program \(link\)"):
        open_store(empty_url, clock=ManualClock())


def test_a_migration_that_breaks_off_leaves_nothing_behind(empty_url, monkeypatch):
    """A crash at any statement: the transaction takes everything back, the revision included."""
    statements: list[str] = []

    class CrashError(Exception):
        pass

    def crash_at(number: int):
        count = 0

        def before(_conn, _cursor, statement, *_rest):
            nonlocal count
            if statement.lstrip().startswith(("CREATE", "INSERT")):
                statements.append(statement)
                count += 1
                if count == number:
                    raise CrashError

        return before

    for number in (2, 5, 14, 20):
        database = open_database(empty_url, clock=ManualClock(), busy_timeout_s=60)
        event.listen(database.engine, "before_cursor_execute", crash_at(number))
        with pytest.raises(CrashError):
            migrate.upgrade(database)
        database.close()
        check = open_database(empty_url, clock=ManualClock(), busy_timeout_s=60)
        with check.read(0) as tx:
            assert inspect(tx.connection).get_table_names() == []
        check.close()
    store = open_store(empty_url, clock=ManualClock())
    assert store.load_runs() == []
    store.close()


def test_two_processes_may_open_a_new_database_together(empty_url):
    """Each waits for the other's migration instead of running it twice."""
    barrier = threading.Barrier(3)
    results: list[object] = []

    def first_opening() -> None:
        barrier.wait(timeout=60)
        try:
            store = open_store(empty_url, clock=ManualClock(), identity=IDENTITY, busy_timeout_s=60)
            results.append(store.load_note("x"))
            store.close()
        except BaseException as error:  # noqa: BLE001 -- compared below
            results.append(error)

    threads = [threading.Thread(target=first_opening) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert results == [None, None, None]
