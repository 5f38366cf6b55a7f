"""Changes that no poll and no event tells: a late commit, a restored backup, a hand in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


def edit_salesforce(world: World, sobject: str, record_id: str, fields: dict[str, Any]) -> Callable[[], None]:
    """The record says this from now on, with the stamp it had. Returns how to take it back."""
    table = world.org.database.tables[sobject]
    row = table.rows[record_id]
    table.put({**row, **fields})
    return lambda: table.put(row)


def delete_salesforce(world: World, sobject: str, record_id: str) -> None:
    """Into the recycle bin, with the stamp it had."""
    table = world.org.database.tables[sobject]
    table.bury({**table.rows[record_id], "IsDeleted": True})


def purge_salesforce(world: World, sobject: str, record_id: str) -> None:
    """Out of every table: neither a query nor the recycle bin has it."""
    world.org.database.tables[sobject].remove(record_id)


def edit_stripe(world: World, stripe_object: str, record_id: str, path: str, value: Any) -> Callable[[], None]:
    """The object says this at the dotted path from now on; no event is made. Returns how to take it back."""
    whole = world.account._engine.collections[stripe_object].get(record_id)
    assert whole is not None
    before, item = dict(whole), whole
    *steps, last = path.split(".")
    for step in steps:
        item[step] = dict(item.get(step) or {})
        item = item[step]
    item[last] = value
    return lambda: whole.update(before)


def delete_stripe(world: World, stripe_object: str, record_id: str) -> None:
    """Gone as after a DELETE, and no event is made."""
    engine = world.account._engine
    item = engine.collections[stripe_object].get(record_id)
    assert item is not None
    engine.collections[stripe_object].remove(record_id)
    if stripe_object == "customer":
        # the only one that is still answered for, as deleted
        engine.deleted[record_id] = stripe_object
