"""The check that keeps a process presumed dead from writing once it wakes (invariants.md I27)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from connector.core.errors import Superseded
from connector.store.service_tables import lease

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from connector.core.service import Lease


# Kept: every write asks it.
_HELD = (
    select(lease.c.epoch, lease.c.holder)
    .where(lease.c.scope_id == bindparam("scope"), lease.c.name == bindparam("held"))
    .with_for_update(read=True)
)


def require_held(connection: Connection, scope_id: int, held: Lease) -> None:
    """Raises Superseded when somebody took the lease over. On PostgreSQL the row is kept as it is until the
    transaction ends, so that a takeover waits for it; on SQLite the transaction is alone anyway.
    """
    row = connection.execute(_HELD, {"scope": scope_id, "held": held.name}).one_or_none()
    if row is None or row.epoch != held.epoch:
        now = "nobody" if row is None else row.holder
        raise Superseded(f"{held.name} is held by {now} now; what {held.holder} was about to write was not written")
