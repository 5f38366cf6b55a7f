"""What a database of any revision says of itself, read without knowing its tables: before it is copied or replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, select

from connector.core.chain import NOTHING_BEFORE, ChainHead
from connector.core.errors import Superseded
from connector.core.model import Identity
from connector.core.service import TOGETHER
from connector.store.job_queue import NOTE as QUEUE_NOTE
from connector.store.journal import load_note
from connector.store.leases import load_all
from connector.store.migrate import load_revision
from connector.store.processes import load_processes
from connector.store.service_tables import lease
from connector.store.tables import scope

if TYPE_CHECKING:
    from connector.core.service import Lease, ProcessSeen
    from connector.store.database import Tx


_NO_TRAIL: Final = ChainHead(seq=0, hash=NOTHING_BEFORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    #: None where there are no tables of ours
    schema: str | None
    identity: Identity | None = None
    #: the newest row of the trail; nothing where the revision remembers none
    trail: ChainHead = _NO_TRAIL
    leases: tuple[Lease, ...] = ()
    processes: tuple[ProcessSeen, ...] = ()
    #: of which version the engine's own tables are; None where it has none
    queue_schema: str | None = None

    def require_idle(self) -> None:
        """Raises Superseded, naming who worked on it when this was read."""
        alive = [f"{each.role} {each.holder}" for each in self.processes if each.lives]
        for each in self.leases:
            if each.lasts:
                who = f"{each.holder}: {'; '.join(alive)}" if each.holder == TOGETHER and alive else each.holder
                raise Superseded(
                    f"this database is worked on by {who}, until {each.expires_at:%H:%M:%S} UTC at least: stop it first"
                )


def load_present(tx: Tx) -> Present:
    schema = load_revision(tx.connection)
    if schema is None:
        return Present(schema=None)
    there = inspect(tx.connection)
    columns = {column["name"] for column in there.get_columns(scope.name)}
    row = tx.connection.execute(
        select(scope.c.org_id, scope.c.is_sandbox, scope.c.account_id, scope.c.livemode).where(
            scope.c.id == tx.scope_id
        )
    ).one()
    identity = None if row.org_id is None else Identity(**row._mapping)  # noqa: SLF001 -- its public name
    trail = _NO_TRAIL
    if {"audit_seq", "audit_hash"} <= columns:
        newest = tx.connection.execute(
            select(scope.c.audit_seq, scope.c.audit_hash).where(scope.c.id == tx.scope_id)
        ).one()
        trail = ChainHead(seq=newest.audit_seq, hash=newest.audit_hash)
    # every revision has notes
    processes = tuple(load_processes(tx))
    leases: tuple[Lease, ...] = ()
    if there.has_table(lease.name):
        leases = tuple(load_all(tx))
    queue_schema = load_note(tx, QUEUE_NOTE)
    return Present(
        schema=schema,
        identity=identity,
        trail=trail,
        leases=leases,
        processes=processes,
        queue_schema=queue_schema,
    )
