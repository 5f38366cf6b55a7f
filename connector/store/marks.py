"""`ports.MarkMemory`: what of our own doing this store knows, compared with the marks the systems carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from connector.ports.memory import MarkMemory
from connector.store.batches import chunks
from connector.store.rows import born_key
from connector.store.tables import link, operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from sqlalchemy import Row

    from connector.core.model import Key
    from connector.store.database import Database


class SqlMarkMemory(MarkMemory):
    """See `ports.MarkMemory` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int) -> None:
        self._database = database
        self._scope_id = scope_id

    def load_known_keys(self, idempotency_keys: Sequence[str]) -> set[str]:
        found: set[str] = set()
        with self._database.read(self._scope_id) as tx:
            for chunk in chunks(idempotency_keys):
                known = select(operation.c.idempotency_key).where(
                    operation.c.scope_id == tx.scope_id, operation.c.idempotency_key.in_(chunk)
                )
                found.update(tx.connection.execute(known).scalars())
        return found

    def load_begun(self, born: Sequence[Key]) -> set[Key]:
        wanted = set(born)
        found: set[Key] = set()
        with self._database.read(self._scope_id) as tx:
            for kind in sorted({key.kind for key in wanted}):
                for chunk in chunks(sorted(key.id for key in wanted if key.kind == kind)):
                    begun = select(operation.c.born_side, operation.c.kind, operation.c.born_id).where(
                        operation.c.scope_id == tx.scope_id,
                        operation.c.kind == kind,
                        operation.c.born_id.in_(chunk),
                        operation.c.action == "create",
                    )
                    rows: Iterable[Row[Any]] = tx.connection.execute(begun.distinct())
                    found.update(born_key(row) for row in rows)
        return found & wanted

    def skip_revisions(self, by: int) -> None:
        with self._database.write(self._scope_id) as tx:
            lifted = update(link).where(link.c.scope_id == tx.scope_id)
            tx.connection.execute(lifted.values(revision=link.c.revision + by))
