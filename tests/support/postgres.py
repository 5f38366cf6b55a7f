"""A PostgreSQL to test against: the one named by CONNECTOR_TEST_POSTGRES_URL, else one of this machine's own.

The own one is a throw-away cluster on a socket in a temporary folder; nothing listens on a port.
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
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, make_url, text

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTING = "CONNECTOR_TEST_POSTGRES_URL"


class NoPostgresError(Exception):
    """Why there is none; the reason a test skips with."""


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of a database from which others can be created. Raises NoPostgresError."""
    if importlib.util.find_spec("psycopg") is None:
        raise NoPostgresError("PostgreSQL not tested: the package psycopg is not installed")
    if url := os.environ.get(SETTING):
        yield url
        return
    binaries = _find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        yield from _run_own_server(binaries, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server_url: str, name: str, *, template: str = "template1") -> Iterator[str]:
    """The URL of a new database, a copy of `template`, that is dropped afterwards."""
    admin = create_engine(make_url(server_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        try:
            yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        finally:
            with admin.connect() as connection:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    finally:
        admin.dispose()


def _find_binaries() -> Path:
    on_path = shutil.which("initdb")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    candidates = ([Path(on_path)] if on_path else []) + installed[::-1]
    if not candidates:
        raise NoPostgresError(f"PostgreSQL not tested: no {SETTING} and no initdb on this machine")
    return candidates[0].parent


def _run_own_server(binaries: Path, folder: Path) -> Iterator[str]:
    data, log = folder / "data", folder / "log"
    # The server refuses to run as root: then it runs as an account that owns nothing but this folder.
    account = pwd.getpwnam(_unprivileged_account()) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    os.chown(folder, account.pw_uid, account.pw_gid)

    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}

    def run(*command: str) -> None:
        # Output goes to a file: a pipe would stay open as long as the server that inherits it.
        with (folder / "output").open("ab") as output:
            result = subprocess.run(
                command,
                cwd=folder,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **identity,
            )
        if result.returncode:
            raise NoPostgresError(f"PostgreSQL not tested: {command[0]} failed: {(folder / 'output').read_text()}")

    run(str(binaries / "initdb"), "-D", str(data), "-U", "connector", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses='' -k {folder} -c fsync=off -c full_page_writes=off"
    run(str(binaries / "pg_ctl"), "-D", str(data), "-l", str(log), "-o", options, "-w", "start")
    try:
        yield f"postgresql://connector@/postgres?host={folder}"
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")


def _unprivileged_account() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return name
    raise NoPostgresError("PostgreSQL not tested: running as root and no other account to run the server")
