"""What both systems hold, read from them and from nothing of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.world import World


def salesforce_rows(world: World, sobject: str) -> list[dict[str, Any]]:
    """Every live record with all its fields, oldest first."""
    return [world.org.get(sobject, record_id) for record_id in world.org.ids(sobject)]


def stripe_objects(world: World, kind: str) -> list[dict[str, Any]]:
    """Every object of a kind that still exists, oldest first."""
    return [item for _, item in world.account._engine.collections[kind].in_order()]


def marked(item: dict[str, Any]) -> str | None:
    """The Salesforce id in the object's mark."""
    found = (item.get("metadata") or {}).get("salesforce_id")
    return None if found is None else str(found)
