"""`ports.Processes`: a note of each process, with a sign of life that is as old as the note."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import delete, select

from connector.core.service import ProcessSeen, Refusals
from connector.ports.service import Processes
from connector.store.batches import insert
from connector.store.moments import shared_moment
from connector.store.tables import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from connector.store.database import Database, Tx

#: how often at least a process that goes on says so
TELL_EVERY_S: Final = 30.0
#: who was silent for longer is gone
_GONE_AFTER_S: Final = 2.5 * TELL_EVERY_S
_KEPT_S: Final = 3600.0
_PREFIX: Final = "process."


class SqlProcesses(Processes):
    """See `ports.Processes` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int) -> None:
        self._database = database
        self._scope_id = scope_id

    def tell(self, process: ProcessSeen) -> None:
        with self._database.write(self._scope_id) as tx:
            told = {"value": orjson.dumps(process).decode(), "updated_at": shared_moment(tx)}
            row = {"scope_id": tx.scope_id, "name": f"{_PREFIX}{process.holder}", **told}
            made = insert(tx, note).values(row)
            keys = [note.c.scope_id, note.c.name]
            tx.connection.execute(made.on_conflict_do_update(index_elements=keys, set_=told))

    def load(self) -> Sequence[ProcessSeen]:
        with self._database.read(self._scope_id) as tx:
            return load_processes(tx)

    def purge(self) -> int:
        with self._database.write(self._scope_id) as tx:
            old = note.c.updated_at <= shared_moment(tx, in_s=-_KEPT_S)
            return tx.connection.execute(delete(note).where(*_mine(tx), old)).rowcount


def load_processes(tx: Tx) -> list[ProcessSeen]:
    speaks = (note.c.updated_at > shared_moment(tx, in_s=-_GONE_AFTER_S)).label("speaks")
    lately = note.c.updated_at > shared_moment(tx, in_s=-_KEPT_S)
    rows = tx.connection.execute(select(note.c.value, speaks).where(*_mine(tx), lately).order_by(note.c.name))
    found = [_process(orjson.loads(row.value), speaks=bool(row.speaks)) for row in rows]
    return sorted(found, key=lambda process: process.role)


def forget_processes(tx: Tx) -> None:
    """Of a database that takes another's place."""
    tx.connection.execute(delete(note).where(*_mine(tx)))


def _mine(tx: Tx) -> tuple[ColumnElement[bool], ...]:
    return (note.c.scope_id == tx.scope_id, note.c.name.startswith(_PREFIX, autoescape=True))


def _process(told: dict[str, Any], *, speaks: bool) -> ProcessSeen:
    refused = told.pop("refused")
    process = ProcessSeen(
        **told | {"why_not_since": _moment(told["why_not_since"])},
        refused=Refusals(**refused | {"newest_at": _moment(refused["newest_at"])}),
    )
    return replace(process, lives=process.lives and speaks)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
