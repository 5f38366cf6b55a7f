"""A new store's file, migrated once in each process and laid where a test opens its own."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from connector.store import SqlStore, open_store
from tests.support.clock import ManualClock
from tests.support.statements import compile_once

compile_once()


def open_new_store(path: Path, *, clock: ManualClock) -> SqlStore:
    """What opening the file for the first time leads to. That the migrations lead there is tests/contract/store."""
    lay_new_store(path)
    return open_store(f"sqlite:///{path}", clock=clock)


def lay_new_store(path: Path) -> None:
    """An empty store, unless there is a file already."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_new_store())


@cache
def _new_store() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.sqlite"
        # The last connection that closes moves what is in the log into the file.
        open_store(f"sqlite:///{path}", clock=ManualClock()).close()
        return path.read_bytes()
