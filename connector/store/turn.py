"""Whose turn it is to write: the scope's row, which also remembers the newest row of the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from connector.core.chain import ChainHead
from connector.store.tables import scope

if TYPE_CHECKING:
    from connector.store.database import Tx

# Kept: making a statement costs more than what SQLite does with it.
_HEAD = select(scope.c.audit_seq, scope.c.audit_hash).where(scope.c.id == bindparam("scope")).with_for_update()
_MOVED = (
    update(scope)
    .where(scope.c.id == bindparam("scope"))
    .values(audit_seq=bindparam("newest_seq"), audit_hash=bindparam("newest_hash"))
)


def take_turn(tx: Tx) -> ChainHead:
    """Waits until this is the only transaction that raises signals, begins or settles; the trail's newest row.

    On PostgreSQL this is what keeps a child that starts to wait and a parent that becomes ready at the same
    time from missing each other, lets seqs become visible in their order, and gives each audit row one
    predecessor. On SQLite the transaction is alone from its beginning.
    """
    row = tx.connection.execute(_HEAD, {"scope": tx.scope_id}).one()
    return ChainHead(seq=row.audit_seq, hash=row.audit_hash)


def wait_for_turn(tx: Tx) -> None:
    """`take_turn` for who writes no audit row. On SQLite nothing is asked: it is alone already."""
    if tx.dialect != "sqlite":
        take_turn(tx)


def remember_head(tx: Tx, head: ChainHead) -> None:
    tx.connection.execute(_MOVED, {"scope": tx.scope_id, "newest_seq": head.seq, "newest_hash": head.hash})
