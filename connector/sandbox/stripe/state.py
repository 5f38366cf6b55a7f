"""The account's memory as JSON values and back, for a sandbox that is restarted."""

from __future__ import annotations

import heapq
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.sandbox.stripe.rendering import render
from connector.sandbox.stripe.store import INDEXED, Collection, Object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.sandbox.stripe.engine import Engine

#: what an event keeps as rendered JSON
_BYTES = ("snapshot", "previous")


def dump(engine: Engine) -> dict[str, Any]:
    """Objects are kept as the text of their JSON, so that no decimal passes through a float."""
    return {
        "account_id": engine.ids.account_id,
        "facts": engine.facts.dump(),
        "ids_used": engine.ids.count,
        "hidden": engine.hidden,
        "deleted": engine.deleted,
        "due": [list(entry) for entry in engine.due],
        "objects": {
            kind: [[created, _text(item)] for created, item in collection.in_order()]
            for kind, collection in engine.collections.items()
        },
    }


def _text(item: Object) -> str:
    if item["object"] == "event":
        item = item | {name: item[name] and item[name].decode() for name in _BYTES}
    return render(item).decode()


def load(engine: Engine, saved: Mapping[str, Any]) -> None:
    """Raises ValueError when the state is of an account with another seed."""
    if saved["account_id"] != engine.ids.account_id:
        raise ValueError(f"this is the state of account {saved['account_id']}, not of {engine.ids.account_id}")
    engine.facts.load(saved["facts"])
    engine.ids.count = saved["ids_used"]
    engine.hidden = dict(saved["hidden"])
    engine.deleted = dict(saved["deleted"])
    engine.due = [(at, what, object_id) for at, what, object_id in saved["due"]]
    heapq.heapify(engine.due)
    # The state's own time: an account that is put back has not seen what came later.
    engine.now = 0
    for kind, rows in saved["objects"].items():
        collection = engine.collections[kind] = Collection(INDEXED[kind])
        for created, text in rows:
            item = json.loads(text, parse_float=Decimal)
            if kind == "event":
                item |= {name: item[name] and item[name].encode() for name in _BYTES}
            collection.insert(item, created=created)
            engine.now = max(engine.now, created)
