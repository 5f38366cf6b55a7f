"""Operation rows: claimed before a call, ended after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import and_, literal_column, not_, or_, select

from connector.core.errors import LeaseLost
from connector.core.model import OperationState
from connector.store.batches import chunks, claim_many, update_many
from connector.store.moments import shared_moment
from connector.store.rows import UNRESOLVED, operation_from_row, operation_row, outcome_columns
from connector.store.service_tables import lease
from connector.store.tables import operation as table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from connector.core.model import Key, Operation, Outcome
    from connector.store.database import Tx

#: spelled with literals, as in the partial index: with bound values no database would use that index
IS_UNRESOLVED = table.c.state.in_([literal_column(f"'{state.value}'") for state in UNRESOLVED])


def claim(tx: Tx, operations: Sequence[Operation]) -> list[Operation]:
    """Inserts as SENT; returns the stored ones in their order, without those whose link already has
    an unresolved operation.

    Raises LeaseLost for an idempotency key that is used up: its operation has ended, so whoever
    made this one decided from an old state of the link.
    """
    if not operations:
        return []
    # In one order for every writer, as links are saved.
    in_order = sorted(operations, key=lambda operation: (operation.kind, operation.born.id))
    rows = [operation_row(tx, operation) for operation in in_order]
    ids = {row.idempotency_key: row.id for row in claim_many(tx, table, rows, returning=("id", "idempotency_key"))}
    stored: list[Operation] = []
    left_out: list[Operation] = []
    for operation in operations:
        row_id = ids.pop(operation.idempotency_key, None)
        if row_id is None:
            left_out.append(operation)
        else:
            first_sent_at = operation.first_sent_at or tx.now
            stored.append(replace(operation, id=row_id, state=OperationState.SENT, first_sent_at=first_sent_at))
    _require_unresolved(tx, left_out)
    return stored


def finish(tx: Tx, ended: Sequence[tuple[Operation, Outcome | None]]) -> None:
    """Writes state and outcome. Raises LeaseLost when another worker has ended one of them."""
    rows = [
        {
            "id": operation.id,
            "state": operation.state.value,
            "attempts": operation.attempts,
            "settled_at": None if operation.state in UNRESOLVED else tx.now,
            **outcome_columns(outcome),
        }
        for operation, outcome in ended
    ]
    assert all(row["id"] is not None for row in rows), "an operation is settled as `begin` returned it"
    written = update_many(tx, table, rows, key=table.c.id, only_if=IS_UNRESOLVED)
    if written != len(rows):
        raise LeaseLost(f"{len(rows) - written} of {len(rows)} operations were settled by another worker meanwhile")


def load_unresolved(tx: Tx, born: Iterable[Key] | None) -> list[Operation]:
    """Oldest first."""
    statement = select(table).where(table.c.scope_id == tx.scope_id, IS_UNRESOLVED)
    if born is None:
        rows = tx.connection.execute(statement.order_by(table.c.id)).all()
        return [operation_from_row(row) for row in rows]
    wanted = set(born)
    found = [
        operation
        for kind in sorted({key.kind for key in wanted})
        for chunk in chunks(sorted(key.id for key in wanted if key.kind == kind))
        for row in tx.connection.execute(statement.where(table.c.kind == kind, table.c.born_id.in_(chunk)))
        if (operation := operation_from_row(row)).born in wanted
    ]
    return sorted(found, key=lambda operation: operation.id or 0)


def load_under_way(tx: Tx, at_work: Collection[str]) -> frozenset[int]:
    """Those sent by somebody who may still be at it: his lease lasts, or he has none and we have. Of what was sent under
    our own lease, only what a unit of work sent that is `at_work`, by its trace id.
    """
    of_its_worker = and_(
        lease.c.scope_id == table.c.scope_id, lease.c.name == table.c.lease_name, lease.c.epoch == table.c.lease_epoch
    )
    lasts = lease.c.expires_at > shared_moment(tx)
    # whoever works without one, a command, ends at once what another command left
    may_last = lasts
    if tx.held is not None:
        is_ours = and_(table.c.lease_name == tx.held.name, table.c.lease_epoch == tx.held.epoch)
        may_last = or_(
            table.c.lease_name.is_(None), and_(lasts, or_(not_(is_ours), table.c.trace_id.in_(sorted(at_work))))
        )
    wanted = (
        select(table.c.id)
        .outerjoin(lease, of_its_worker)
        .where(
            table.c.scope_id == tx.scope_id,
            IS_UNRESOLVED,
            table.c.state == OperationState.SENT.value,
            may_last,
        )
    )
    return frozenset(tx.connection.execute(wanted).scalars())


def _require_unresolved(tx: Tx, left_out: Sequence[Operation]) -> None:
    if not left_out:
        return
    busy = {operation.born for operation in load_unresolved(tx, [operation.born for operation in left_out])}
    for operation in left_out:
        if operation.born not in busy:
            raise LeaseLost(
                f"{operation.born}: {operation.action} at revision {operation.revision} has already ended;"
                " another worker moved this link on, or its revision was not raised"
            )
