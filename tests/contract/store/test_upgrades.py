"""From every earlier version to this one: nothing is lost, also when the program dies at any statement of the way."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from connector.core.errors import StoreError
from connector.core.model import Applied, Identity, LinkState, OperationState
from connector.ports import Settlement
from connector.store import migrate, open_store
from connector.store.tables import HEAD, metadata
from tests.support import old_versions as old
from tests.support.clock import ManualClock
from tests.support.memory import salesforce
from tests.support.trail import check, rows_of


def _versions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    return sorted(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


EARLIER = [version for version in _versions() if version != HEAD]


def _kept(before: dict, after: dict) -> None:
    """Every row of every table is there with the values it had; columns may have been added."""
    for name, rows in before.items():
        if name == migrate.VERSION_TABLE:
            continue
        columns = set(rows[0]) if rows else set()
        now = [{column: value for column, value in row.items() if column in columns} for row in after[name]]

        def key(row: dict) -> str:
            return repr(sorted(row.items()))

        assert sorted(now, key=key) == sorted(rows, key=key), name


def _goes_on(url: str) -> None:
    """The program of today finds what it needs: the write that was under way can be ended, the trail is whole."""
    store = open_store(url, clock=ManualClock(), identity=Identity(**old.IDENTITY))
    [operation] = store.load_unresolved()
    assert operation.body == '{"memo":"Größe"}'.encode()
    link = store.load_links([operation.born])[operation.born]
    ended = Settlement(
        link=replace(link, state=LinkState.OPEN, mate_id="in_x"),
        operation=replace(operation, state=OperationState.SETTLED),
        outcome=Applied(target_id="in_x"),
        event="invoice.create applied",
    )
    store.settle([ended])
    assert len(store.load_links_in(limit=old.LINKS + 1)) == old.LINKS
    parked = store.load_links([salesforce("invoice", "a0I00000000005")])[salesforce("invoice", "a0I00000000005")]
    assert (parked.state, parked.reason, parked.condition) == (LinkState.PARKED, "Größe ✓", None)
    report = check(store)
    assert (report.rows, report.faults) == (old.AUDIT_ROWS + 1, ())
    assert rows_of(store)[0].seq == 3
    with pytest.raises((DBAPIError, AssertionError), match="append-only"), store._database.write(1) as tx:
        tx.connection.execute(text("DELETE FROM audit"))
    store.close()


@pytest.mark.parametrize("version", EARLIER)
def test_a_filled_database_of_an_earlier_version_keeps_everything(empty_url, version, monkeypatch):
    old.make(empty_url, version, monkeypatch)
    before = old.content(empty_url)
    assert all(before.values()), "every table of that version holds something"
    open_store(empty_url, clock=ManualClock()).close()
    _kept(before, old.content(empty_url))
    with old.opened(empty_url) as database, database.read(1) as tx:
        context = MigrationContext.configure(
            tx.connection, opts={"version_table": migrate.VERSION_TABLE, "compare_type": False}
        )
        assert compare_metadata(context, metadata) == []
        assert set(inspect(tx.connection).get_table_names()) == {*metadata.tables, migrate.VERSION_TABLE}
    _goes_on(empty_url)


@pytest.mark.parametrize("start", ["nothing", "0001"])
def test_death_at_any_statement_of_the_way_leaves_the_old_version_whole(empty_url, start, monkeypatch, tmp_path):
    """The oldest version passes every migration, so each statement of all of them is one that is died at."""
    if start != "nothing":
        old.make(empty_url, start, monkeypatch)
    before = old.content(empty_url)
    die = _copies_of_each_statement if "sqlite" in empty_url else _deaths_at_each_statement
    explored = 0
    for url in die(empty_url, tmp_path):
        explored += 1
        assert old.content(url) == before
        if explored % 5 == 1:
            # what is left is not only unchanged: it can be upgraded, and is then as if nothing had happened
            _upgraded(url, tmp_path, start)
    assert explored > 20
    if start != "nothing":
        open_store(empty_url, clock=ManualClock()).close()
        _kept(before, old.content(empty_url))
        _goes_on(empty_url)


def _upgraded(url: str, tmp_path: Path, start: str) -> None:
    if "sqlite" in url:
        # the copy's own copy: it is looked at once more
        again = tmp_path / "again.db"
        for suffix in ("", "-wal"):
            source = Path(f"{make_url(url).database}{suffix}")
            if source.exists():
                shutil.copyfile(source, f"{again}{suffix}")
        open_store(f"sqlite:///{again}", clock=ManualClock()).close()
        if start != "nothing":
            _goes_on(f"sqlite:///{again}")
        for suffix in ("", "-wal", "-shm"):
            Path(f"{again}{suffix}").unlink(missing_ok=True)


def _copies_of_each_statement(url: str, tmp_path: Path):
    """What stands on the disk before each statement: what a process killed there leaves. The upgrade itself goes on
    in a copy, so that the database stays as it was.
    """
    place = Path(str(make_url(url).database))
    place.parent.mkdir(exist_ok=True)
    work = tmp_path / "work.db"
    if place.exists():
        shutil.copyfile(place, work)
    copies = []

    def before(_connection, _cursor, statement, *_rest):
        if not _changes(statement):
            return
        copy = tmp_path / f"{len(copies)}.db"
        for suffix in ("", "-wal"):
            if Path(f"{work}{suffix}").exists():
                shutil.copyfile(f"{work}{suffix}", f"{copy}{suffix}")
        copies.append(f"sqlite:///{copy}")

    with old.opened(f"sqlite:///{work}") as database:
        event.listen(database.engine, "before_cursor_execute", before)
        migrate.upgrade(database)
    yield from copies


def _changes(statement: str) -> bool:
    """Death before a statement that only reads is death before the next one that changes something."""
    return not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "SHOW", "BEGIN"))


def _break_when_writing(connection) -> None:
    if connection.get_execution_options().get("connector_writes"):
        connection.connection.driver_connection.close()


def _deaths_at_each_statement(url: str, _tmp_path: Path):
    """The connection breaks at the first statement, then at the second, until an upgrade comes through: that one
    is tried last, and only in a transaction that is broken at its end.
    """
    number = 0
    while True:
        number += 1
        seen = 0

        def before(connection, _cursor, statement, *_rest, last=number):
            nonlocal seen
            seen += _changes(statement)
            if seen == last:
                connection.connection.driver_connection.close()

        with old.opened(url) as database:
            event.listen(database.engine, "before_cursor_execute", before)
            event.listen(database.engine, "commit", _break_when_writing)
            with pytest.raises((StoreError, DBAPIError, AssertionError)):
                migrate.upgrade(database)
        yield url
        if seen < number:
            return
