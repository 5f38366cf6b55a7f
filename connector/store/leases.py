"""`ports.Leases`: who may do what only one process may do. Takeover raises the epoch, in one statement.

Whether a lease lasts is said by one clock for all who ask: the server's, where hosts share one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, update

from connector.core.service import Lease
from connector.ports.service import Leases
from connector.store.batches import insert
from connector.store.moments import shared_moment
from connector.store.service_tables import lease as table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row, Select

    from connector.store.database import Database, Tx


class SqlLeases(Leases):
    """See `ports.Leases` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int) -> None:
        self._database = database
        self._scope_id = scope_id

    def acquire(self, name: str, *, holder: str, lease_s: float) -> Lease:
        with self._database.write(self._scope_id) as tx:
            now, expires_at = shared_moment(tx), shared_moment(tx, in_s=lease_s)
            row = {
                "scope_id": tx.scope_id,
                "name": name,
                "holder": holder,
                "epoch": 1,
                "taken_at": now,
                "expires_at": expires_at,
            }
            made = insert(tx, table).values(row)
            taken = made.on_conflict_do_update(
                index_elements=[table.c.scope_id, table.c.name],
                set_={
                    "holder": holder,
                    "epoch": table.c.epoch + 1,
                    "taken_at": now,
                    "expires_at": expires_at,
                },
                # free when it ran out, or when it is our own: a process that starts anew has another holder
                where=or_(table.c.expires_at <= now, table.c.holder == holder),
            )
            tx.connection.execute(taken)
            return _lease(_row(tx, name))

    def renew(self, held: Lease, *, lease_s: float) -> Lease | None:
        with self._database.write(self._scope_id) as tx:
            kept = (
                update(table)
                .where(table.c.scope_id == tx.scope_id, table.c.name == held.name, table.c.epoch == held.epoch)
                .values(expires_at=shared_moment(tx, in_s=lease_s))
            )
            if tx.connection.execute(kept).rowcount == 0:
                return None
            return _lease(_row(tx, held.name))

    def release(self, held: Lease) -> None:
        """The row stays, so that the next holder's epoch is higher than any before."""
        with self._database.write(self._scope_id) as tx:
            ended = (
                update(table)
                .where(table.c.scope_id == tx.scope_id, table.c.name == held.name, table.c.epoch == held.epoch)
                .values(expires_at=shared_moment(tx))
            )
            tx.connection.execute(ended)

    def load(self) -> Sequence[Lease]:
        with self._database.read(self._scope_id) as tx:
            return load_all(tx)


def load_all(tx: Tx) -> list[Lease]:
    return [_lease(row) for row in tx.connection.execute(_wanted(tx).order_by(table.c.name))]


def _row(tx: Tx, name: str) -> Row[Any]:
    return tx.connection.execute(_wanted(tx).where(table.c.name == name)).one()


def _wanted(tx: Tx) -> Select[Any]:
    lasts = (table.c.expires_at > shared_moment(tx)).label("lasts")
    return select(table, lasts).where(table.c.scope_id == tx.scope_id)


def _lease(row: Row[Any]) -> Lease:
    return Lease(
        name=row.name,
        holder=row.holder,
        epoch=row.epoch,
        taken_at=row.taken_at,
        expires_at=row.expires_at,
        lasts=bool(row.lasts),
    )
