"""Marks of ours in what a poll reads anyway: on listed objects, and on objects of events our requests caused. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.core.body import KEY_PREFIX
from connector.core.marks import Mark
from connector.core.model import Side
from connector.stripe.events import cause_of
from connector.stripe.reads import key_of, marked_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.mapping import Pack


def listed_mark(pack: Pack, stripe_object: str, item: Mapping[str, Any], *, org_id: str | None) -> Mark | None:
    """None for an object that carries no mark of this org."""
    named = None if org_id is None else marked_id(item, org_id=org_id)
    keys = tuple(key_of(mapping.kind, item["id"]) for mapping in pack.kinds_on(Side.STRIPE, stripe_object))
    return None if named is None or not keys else Mark(keys=keys, names=named)


def event_mark(pack: Pack, event: Mapping[str, Any], *, org_id: str | None) -> Mark | None:
    """None unless a request with a key of ours caused it and its object carries a mark of this org."""
    caused_by = cause_of(event)
    if caused_by is None or not caused_by.startswith(KEY_PREFIX):
        return None
    item: Mapping[str, Any] = event["data"]["object"]
    found = listed_mark(pack, str(item.get("object")), item, org_id=org_id)
    if found is None:
        return None
    return Mark(
        keys=found.keys,
        names=found.names,
        caused_by=caused_by,
        at=datetime.fromtimestamp(event["created"], UTC),
    )
