"""The database of an installation, of either sort: what it holds is put aside and put back, as files or as a template."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import NullPool, create_engine, make_url, text

from connector.store import open_store
from connector.store.migrate import VERSION_TABLE
from tests.support.clock import ManualClock
from tests.support.postgres import fresh_database
from tests.support.stores import lay_new_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Row

#: PostgreSQL's template of a database in which nothing is
_NOTHING = "template1"


class Database(Protocol):
    #: SQLAlchemy's name of the library that opens it
    driver: str

    @property
    def url(self) -> str: ...

    def lay(self) -> None:
        """An empty store, unless there is one: quicker than the migrations."""

    def save(self) -> Any: ...

    def restore(self, saved: Any) -> None: ...

    def lose(self) -> None:
        """Everything is gone, as if it had never been."""

    def close(self) -> None: ...


def rows_of(database: Database, query: str) -> list[Row[Any]]:
    """What is in it, asked beside the program."""
    engine = create_engine(make_url(database.url).set(drivername=database.driver), poolclass=NullPool)
    with engine.connect() as connection:
        return list(connection.execute(text(query)))


@contextmanager
def migrated(server_url: str, name: str) -> Iterator[str]:
    """The name of a database with a new store's tables, from which others are copied."""
    with fresh_database(server_url, name) as url:
        open_store(url, clock=ManualClock()).close()
        yield name


class Sqlite:
    """Database, log and shared memory as they lie there: a killed process tidies nothing up."""

    driver = "sqlite+pysqlite"

    def __init__(self, folder: Path, name: str = "state.db") -> None:
        self.path = folder / name

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def lay(self) -> None:
        lay_new_store(self.path)

    def _files(self) -> list[Path]:
        return sorted(self.path.parent.glob(f"{self.path.name}*"))

    def save(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self._files()}

    def restore(self, saved: dict[str, bytes]) -> None:
        for file in self._files():
            file.unlink()
        for name, content in saved.items():
            (self.path.parent / name).write_bytes(content)

    def lose(self) -> None:
        self.restore({})

    def close(self) -> None:
        """Its folder is the test's."""


class Postgres:
    """A database of its own on a server, laid as a copy of `laid_from`; what is put aside becomes a template."""

    driver = "postgresql+psycopg"

    def __init__(self, server_url: str, name: str, *, laid_from: str = _NOTHING) -> None:
        self._name = name
        self._laid_from = laid_from
        self._server_url = make_url(server_url)
        self._numbers = itertools.count(1)
        self._made: list[str] = []
        self._admin = create_engine(
            self._server_url.set(drivername=self.driver), isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        self.lose()

    @property
    def url(self) -> str:
        return self._server_url.set(database=self._name).render_as_string(hide_password=False)

    def lay(self) -> None:
        if not self._holds_a_store():
            self._copy(self._laid_from, self._name)

    def save(self) -> str | None:
        if not self._holds_a_store():
            return None
        saved = f"{self._name}_{next(self._numbers)}"
        self._copy(self._name, saved)
        return saved

    def restore(self, saved: str | None) -> None:
        self._copy(saved or _NOTHING, self._name)

    def lose(self) -> None:
        self.restore(None)

    def close(self) -> None:
        with self._admin.connect() as connection:
            for name in self._made:
                connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        self._admin.dispose()

    def _holds_a_store(self) -> bool:
        return rows_of(self, f"SELECT to_regclass('{VERSION_TABLE}') AS found")[0].found is not None

    def _copy(self, source: str, target: str) -> None:
        # A killed client's session may still be there for a moment: it would keep its database from being copied.
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        with self._admin.connect() as connection:
            for name in {source, target} & set(self._made):
                connection.execute(text(end), {"name": name})
            connection.execute(text(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{target}" TEMPLATE "{source}"'))
        if target not in self._made:
            self._made.append(target)
