"""Statements are compiled once in a process, not once for every store that is opened.

SQLAlchemy keeps what it compiled with the engine. A test opens a store, asks it a few times, and throws the engine
away; the next one's statements are the same, and compiling them is a good part of a small pass.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from connector.store import database


class _Compiled(dict[Any, Any]):
    """What SQLAlchemy compiled, for every engine of the same dialect: its keys begin with the engine's own dialect."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get((type(key[0]), *key[1:]), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__((type(key[0]), *key[1:]), compiled)


_COMPILED = _Compiled()


def compile_once() -> None:
    """For all SQLite stores that this process opens from now on."""
    if not isinstance(database.create_engine, partial):
        database.create_engine = partial(database.create_engine, execution_options={"compiled_cache": _COMPILED})
