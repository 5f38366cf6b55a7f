"""Looks at a database without creating, upgrading or locking anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from connector.core.errors import StoreUnusable
from connector.store.backup import SCOPE_ID
from connector.store.database import open_database
from connector.store.job_queue import load_queue_version
from connector.store.migrate import load_revision
from connector.store.tables import HEAD

if TYPE_CHECKING:
    from connector.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    place: str
    #: the schema the database has; None when it has none of ours
    schema: str | None
    #: the one this program works with
    wanted: str
    #: `current`, `older`, `newer`, `empty`
    state: str
    #: the version of procrastinate that made the queue of many processes; None when there is none
    queue: str | None = None

    @property
    def words(self) -> str:
        if self.state == "empty":
            return "no tables of connector yet; any command makes them"
        if self.state == "current":
            return f"schema {self.schema}, as this program wants it"
        if self.state == "older":
            return f"schema {self.schema}, this program wants {self.wanted}: run `connector db upgrade`, after a backup"
        return (
            f"schema {self.schema} was made by a newer connector, this one knows up to {self.wanted}: run that version"
        )


def look(url: str, *, clock: Clock) -> Seen:
    """Raises ConfigError for an address that cannot work, StoreError for a database that cannot be read."""
    parsed = make_url(url) if "://" in url else None
    if parsed is not None and parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
        return Seen(place=url, schema=None, wanted=HEAD, state="empty")
    database = open_database(url, clock=clock, busy_timeout_s=5)
    try:
        with database.read(SCOPE_ID) as tx:
            schema, queue = load_revision(tx.connection), load_queue_version(tx)
        return Seen(place=database.place, schema=schema, wanted=HEAD, state=_state(schema), queue=queue)
    finally:
        database.close()


def _state(schema: str | None) -> str:
    if schema is None:
        return "empty"
    if schema == HEAD:
        return "current"
    if not schema.isdigit():
        raise StoreUnusable(f"schema {schema!r} is none of connector's")
    # revisions are numbered in their order
    return "older" if int(schema) < int(HEAD) else "newer"
