"""A PgBouncer before a database of the tests, where the machine has the program."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from tests.support.ports import kept_port
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = shutil.which("pgbouncer")


@contextlib.contextmanager
def pooled(url: str, mode: str, *changes: str, limits: str = "") -> Iterator[str]:
    """The address of the database through one that pools in this mode; each of its own connections begins with `limits`."""
    assert PROGRAM is not None
    own, port = make_url(url), kept_port()
    lines = [
        "[databases]",
        f"* = host={own.query['host']} user={own.username}" + (f" connect_query='{limits}'" if limits else ""),
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = any",
        f"pool_mode = {mode}",
        *changes,
    ]
    with tempfile.TemporaryDirectory(prefix="pgb") as folder:
        settings = Path(folder) / "pgbouncer.ini"
        settings.write_text("\n".join(lines))
        # it refuses to be root, and must reach its settings as somebody else
        as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
        Path(folder).chmod(0o755)
        running = subprocess.Popen(
            [PROGRAM, "-q", *as_nobody, str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            until(lambda: _answers(port))
            yield f"postgresql://{own.username}@127.0.0.1:{port}/{own.database}"
        finally:
            running.terminate()
            running.wait(timeout=30)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
