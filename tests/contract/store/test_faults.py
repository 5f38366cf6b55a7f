"""A database that is locked, full, read-only, damaged or away: a clear error, and nothing lost."""

from __future__ import annotations

import os
import shutil
import signal as posix_signals
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, make_url, text

from connector.core.errors import ConfigError, StoreAway, StoreBusy, StoreUnusable
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY, link_of, mirror, raise_signals, remember, salesforce
from tests.support.stores import lay_new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

INVOICE = salesforce("invoice", "a0I000000000001AAA")
NOBODY = 65534


def _open(url: str, busy_timeout_s: float = 0.1):
    return open_store(url, clock=ManualClock(), identity=IDENTITY, busy_timeout_s=busy_timeout_s)


class TestLocked:
    def test_a_writer_waits_and_then_says_who_is_in_the_way(self, store, url):
        other = _open(url)
        raise_signals(store, INVOICE)
        with store._database.write(1) as tx:
            # On PostgreSQL writers meet at this row, on SQLite at the file.
            tx.connection.execute(text("UPDATE scope SET signal_seq = signal_seq"))
            with pytest.raises(StoreBusy, match="another process is writing"):
                raise_signals(other, INVOICE)
        assert raise_signals(other, INVOICE) == 1
        other.close()

    def test_a_writer_does_not_disturb_readers(self, store, url):
        other = _open(url)
        remember(store, link_of(INVOICE))
        with store._database.write(1) as tx:
            tx.connection.execute(text("UPDATE link SET shard = 7"))
            assert other.load_links([INVOICE])[INVOICE].shard == 0
        assert other.load_links([INVOICE])[INVOICE].shard == 7
        other.close()

    def test_a_thread_of_our_own_that_never_ends_is_named_too(self, url):
        store = _open(url)
        with store._database.write(1), pytest.raises(StoreBusy, match="another thread"):
            store.save_note("a", "b")
        store.close()


class TestCrash:
    def test_what_was_acknowledged_is_there_after_kill_9(self, store, url):
        """The child is killed with one transaction committed and one open."""
        child = """
import os, signal, sys
from sqlalchemy import text
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.memory import *
store = open_store(sys.argv[1], clock=ManualClock(), identity=IDENTITY)
begun = raised(link_of(salesforce("invoice", "a0I000000000001AAA")))
store.begin([begun], [operation_on(begun)])
with store._database.write(1) as tx:
    tx.connection.execute(text("UPDATE link SET revision = 99"))
    os.kill(os.getpid(), signal.SIGKILL)
"""
        ended = subprocess.run([sys.executable, "-c", child, url], check=False, cwd=Path(__file__).parents[3])
        assert ended.returncode == -posix_signals.SIGKILL
        [operation] = store.load_unresolved()
        assert operation.born == INVOICE
        assert store.load_links([INVOICE])[INVOICE].revision == 1
        assert mirror(store, link_of(salesforce("invoice", "a0I000000000002AAA")), "in_2")


class TestSqliteFile:
    @pytest.fixture
    def path(self, tmp_path) -> Path:
        path = tmp_path / "connector.db"
        lay_new_store(path)
        return path

    @pytest.fixture
    def folder_of_nobody(self) -> Iterator[Path]:
        """Permissions say nothing to root: there the test goes on as an ordinary user."""
        folder = Path(tempfile.mkdtemp())
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield folder
        folder.chmod(0o700)
        shutil.rmtree(folder)

    def test_the_connection_is_set_up_as_promised(self, path):
        store = _open(f"sqlite:///{path}")
        with store._database.read(1) as tx:
            pragmas = {
                name: tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 100}
        store.close()

    def test_folder_and_file_are_made_for_the_owner_alone(self, tmp_path):
        path = tmp_path / "new" / "home" / "connector.db"
        _open(f"sqlite:///{path}").close()
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert path.stat().st_mode & 0o777 == 0o600

    def test_a_full_disk_says_so_and_keeps_what_was_there(self, path):
        store = _open(f"sqlite:///{path}")
        remember(store, link_of(INVOICE))

        @event.listens_for(store._database.engine, "checkout")
        def _no_room(connection, _record, _proxy):
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()

        big = {f"field{number}": ("x" * 1000, None) for number in range(200)}
        with pytest.raises(StoreUnusable, match=r"full.*free disk space"):
            remember(store, *(link_of(salesforce("invoice", f"a{n}"), shadow=big) for n in range(20)))
        assert store.count_links() == {"invoice": {"open": 1}}
        event.remove(store._database.engine, "checkout", _no_room)
        store.close()
        roomy = _open(f"sqlite:///{path}")
        remember(roomy, link_of(salesforce("invoice", "a1"), shadow=big))
        assert roomy.count_links() == {"invoice": {"open": 2}}
        roomy.close()

    def test_a_read_only_file(self, path, folder_of_nobody):
        moved = Path(shutil.copyfile(path, folder_of_nobody / "connector.db"))
        moved.chmod(0o444)
        with _as_ordinary_user(), pytest.raises(StoreUnusable, match=r"readonly.*writable"):
            _open(f"sqlite:///{moved}").save_note("a", "b")

    def test_a_folder_that_cannot_be_made(self, folder_of_nobody):
        folder_of_nobody.chmod(0o555)
        with _as_ordinary_user(), pytest.raises(StoreUnusable, match=r"Permission denied.*permissions"):
            _open(f"sqlite:///{folder_of_nobody}/home/connector.db")

    def test_a_read_only_folder(self, path, folder_of_nobody):
        moved = Path(shutil.copyfile(path, folder_of_nobody / "connector.db"))
        moved.chmod(0o666)
        folder_of_nobody.chmod(0o555)
        with _as_ordinary_user(), pytest.raises(StoreUnusable, match="writable for the user"):
            _open(f"sqlite:///{moved}")

    def test_a_file_that_is_no_database(self, tmp_path):
        path = tmp_path / "connector.db"
        path.write_text("this is a letter, not a database\n" * 100)
        with pytest.raises(StoreUnusable, match="not a database"):
            _open(f"sqlite:///{path}")
        assert path.read_text().startswith("this is a letter")

    def test_a_damaged_file(self, path):
        content = bytearray(path.read_bytes())
        content[4096 : len(content)] = b"\xff" * (len(content) - 4096)
        path.write_bytes(content)
        with pytest.raises(StoreUnusable, match=r"malformed.*backup"):
            _open(f"sqlite:///{path}")


class TestPostgres:
    def test_a_server_that_is_not_there(self, postgres_server, tmp_path):
        with pytest.raises(StoreAway, match="server is reachable"):
            _open(f"postgresql://connector:secret@/connector?host={tmp_path}")

    def test_a_password_is_never_repeated(self, postgres_server, tmp_path):
        with pytest.raises(StoreAway) as caught:
            _open(f"postgresql://connector:hunter2@/connector?host={tmp_path}")
        assert "hunter2" not in str(caught.value)

    def test_a_database_that_does_not_exist(self, postgres_server):
        missing = make_url(postgres_server).set(database="no_such").render_as_string(hide_password=False)
        with pytest.raises(StoreUnusable, match="does not exist"):
            _open(missing)

    def test_a_server_that_only_reads(self, postgres_server, migrated_database):
        standby = make_url(postgres_server).set(database=migrated_database).render_as_string(hide_password=False)
        store = open_store(standby, clock=ManualClock())

        @event.listens_for(store._database.engine, "begin")
        def _like_a_standby(connection):
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")

        with pytest.raises(StoreUnusable, match=r"read-only.*primary"):
            store.save_note("a", "b")
        store.close()


class TestUrl:
    @pytest.mark.parametrize(
        ("url", "observed"),
        [
            ("mysql://user:hunter2@host/db", "mysql is not supported"),
            ("sqlite://", "in memory"),
            ("sqlite:///:memory:", "in memory"),
            ("connector.db hunter2", "not a database URL"),
        ],
    )
    def test_a_url_that_cannot_work_names_the_setting_and_hides_the_secret(self, url, observed):
        with pytest.raises(ConfigError) as caught:
            _open(url)
        [problem] = caught.value.problems
        assert problem.where == "CONNECTOR_DATABASE__URL"
        assert observed in problem.observed
        assert "hunter2" not in str(caught.value)

    def test_a_missing_driver_names_the_package_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(ConfigError, match=r"connector\[postgres\]"):
            _open("postgresql://host/db")


@contextmanager
def _as_ordinary_user() -> Iterator[None]:
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)
