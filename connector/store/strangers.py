"""`ports.StrangerMemory`: by what records at Stripe that nobody claims are recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from connector.ports.memory import StrangerMemory
from connector.store.batches import chunks, claim_many
from connector.store.tables import stranger

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from collections.abc import Set as AbstractSet

    from connector.store.database import Database


class SqlStrangerMemory(StrangerMemory):
    """See `ports.StrangerMemory` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int) -> None:
        self._database = database
        self._scope_id = scope_id

    def are_known(self, kind: str) -> bool:
        one = select(stranger.c.trait).where(stranger.c.scope_id == self._scope_id, stranger.c.kind == kind).limit(1)
        with self._database.read(self._scope_id) as tx:
            return tx.connection.execute(one).first() is not None

    def remember(self, kind: str, traits: Mapping[str, Collection[str]]) -> None:
        with self._database.write(self._scope_id) as tx:
            for chunk in chunks(sorted(traits)):
                gone = delete(stranger).where(
                    stranger.c.scope_id == tx.scope_id, stranger.c.kind == kind, stranger.c.stripe_id.in_(chunk)
                )
                tx.connection.execute(gone)
            rows = [
                {"scope_id": tx.scope_id, "kind": kind, "stripe_id": record_id, "trait": trait}
                for record_id, of in sorted(traits.items())
                for trait in sorted(of)
            ]
            if rows:
                claim_many(tx, stranger, rows, returning=("trait",))

    def find(self, kind: str, traits: Collection[str]) -> Mapping[str, AbstractSet[str]]:
        found: dict[str, set[str]] = {}
        with self._database.read(self._scope_id) as tx:
            for chunk in chunks(sorted(traits)):
                wanted = select(stranger.c.trait, stranger.c.stripe_id).where(
                    stranger.c.scope_id == tx.scope_id, stranger.c.kind == kind, stranger.c.trait.in_(chunk)
                )
                for row in tx.connection.execute(wanted):
                    found.setdefault(row.trait, set()).add(row.stripe_id)
        return found
