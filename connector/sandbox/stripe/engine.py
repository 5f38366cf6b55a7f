"""What every resource of the simulated account stands on: objects, journal, events, due times.

A handler reads and writes objects only through an `Engine`. It calls `touch` before it changes an
object and `emit` after; should it fail, everything since the start of the request is taken back.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.sandbox.stripe.account_facts import AccountFacts
from connector.sandbox.stripe.currencies import Currencies
from connector.sandbox.stripe.errors import missing_resource
from connector.sandbox.stripe.ids import Ids
from connector.sandbox.stripe.rendering import render, trimmed
from connector.sandbox.stripe.store import INDEXED, Collection, Object

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.clock import Clock

Fields = dict[str, Any]


@dataclass(slots=True)
class Journal:
    """What the running request changed, to take back or to index."""

    before: dict[tuple[str, str], Object] = field(default_factory=dict)
    inserted: list[tuple[str, str]] = field(default_factory=list)
    removed: list[tuple[str, Object]] = field(default_factory=list)
    hidden_before: dict[str, Fields | None] = field(default_factory=dict)
    due: list[tuple[int, str, str]] = field(default_factory=list)


class Engine:
    def __init__(
        self, *, clock: Clock, seed: int, livemode: bool, country: str, default_currency: str, api_version: str
    ) -> None:
        self._clock = clock
        self.ids = Ids(seed)
        self.livemode = livemode
        self.country = country
        self.default_currency = default_currency
        self.api_version = api_version
        self.currencies = Currencies()
        self.facts = AccountFacts()
        self.collections = {kind: Collection(indexed) for kind, indexed in INDEXED.items()}
        #: what the account knows about an object beside its public fields, by object id
        self.hidden: dict[str, Fields] = {}
        #: ids of deleted customers, who can still be retrieved as deleted
        self.deleted: dict[str, str] = {}
        #: (Unix seconds, what, object id), soonest first
        self.due: list[tuple[int, str, str]] = []
        self.now = 0
        self.request_id: str | None = None
        self.idempotency_key: str | None = None
        self._journal = Journal()
        #: how each object was last rendered in the running request
        self._rendered: dict[str, bytes] = {}

    # -- one request -----------------------------------------------------------------

    def begin(self, *, request_id: str | None, idempotency_key: str | None) -> None:
        # A machine's clock may be set back; creation order must not follow it.
        self.now = max(self.now, int(self._clock.now().timestamp()))
        self.request_id = request_id
        self.idempotency_key = idempotency_key
        self._journal = Journal()
        self._rendered = {}

    def commit(self) -> bool:
        """Keeps the changes; whether there were any."""
        journal = self._journal
        for kind, object_id in journal.before:
            if object_id in self.collections[kind]:
                self.collections[kind].reindex(object_id)
        for due in journal.due:
            heapq.heappush(self.due, due)
        changed = bool(journal.inserted or journal.before or journal.removed or journal.hidden_before)
        self._journal = Journal()
        return changed

    def roll_back(self) -> None:
        journal = self._journal
        for (kind, object_id), before in journal.before.items():
            item = self.collections[kind].get(object_id)
            if item is not None:
                item.clear()
                item.update(before)
        for kind, item in reversed(journal.removed):
            if (kind, item["id"]) in journal.before:
                item.clear()
                item.update(journal.before[kind, item["id"]])
            self.collections[kind].undo_remove(item)
            self.deleted.pop(item["id"], None)
        for kind, object_id in reversed(journal.inserted):
            self.collections[kind].undo_insert(object_id)
        for object_id, fields in journal.hidden_before.items():
            if fields is None:
                del self.hidden[object_id]
            else:
                self.hidden[object_id] = fields
        self._journal = Journal()

    # -- objects ---------------------------------------------------------------------

    def find(self, kind: str, object_id: str) -> Object | None:
        return self.collections[kind].get(object_id)

    def get(self, kind: str, object_id: str, *, param: str | None = None) -> Object:
        """The object; StripeError resource_missing, worded for a path or for the named parameter."""
        item = self.collections[kind].get(object_id)
        if item is None:
            raise missing_resource(kind, object_id, param=param)
        return item

    def insert(self, item: Object) -> Object:
        kind = item["object"]
        self.collections[kind].insert(item, created=self.now)
        self._journal.inserted.append((kind, item["id"]))
        return item

    def touch(self, item: Object) -> Object:
        """Says that this object is about to change; nested values must be replaced, not changed in place."""
        self._journal.before.setdefault((item["object"], item["id"]), dict(item))
        return item

    def remove(self, item: Object) -> None:
        kind = item["object"]
        self.collections[kind].remove(item["id"])
        self._journal.removed.append((kind, item))
        self.deleted[item["id"]] = kind

    def hide(self, object_id: str, **fields: Any) -> None:
        """Keeps facts about an object that its public form does not show."""
        before = self.hidden.get(object_id)
        self._journal.hidden_before.setdefault(object_id, before)
        self.hidden[object_id] = {**(before or {}), **fields}

    def schedule(self, at: int, what: str, object_id: str) -> None:
        self._journal.due.append((at, what, object_id))

    def run_due(self, actions: dict[str, Callable[[Engine, str], None]]) -> None:
        """Does everything whose time has come; each at the present moment, as nobody looked in between."""
        while self.due and self.due[0][0] <= self.now:
            _, what, object_id = heapq.heappop(self.due)
            actions[what](self, object_id)

    # -- events ----------------------------------------------------------------------

    def emit(self, event_type: str, item: Object, previous: Fields | None = None) -> None:
        """Records an event with a snapshot of the object as it is now (`events.py` makes it whole again)."""
        self.insert(
            {
                "id": self.ids.new("event"),
                "object": "event",
                "created": self.now,
                "type": event_type,
                # Rendered at once: later changes of the object must not reach its past events.
                "snapshot": self.shared(item["id"], render(item)),
                "previous": None if previous is None else trimmed(render(previous)),
                "request": (self.request_id, self.idempotency_key),
            }
        )

    def shared(self, object_id: str, rendered: bytes) -> bytes:
        """The same bytes as before when this request has rendered the object just so: one copy in memory."""
        before = self._rendered.get(object_id)
        if before == rendered:
            return before
        kept = trimmed(rendered)
        self._rendered[object_id] = kept
        return kept

    def emit_update(self, event_type: str, item: Object) -> None:
        """An `*.updated` event, if anything changed since the object was last touched in this request."""
        key = (item["object"], item["id"])
        before = self._journal.before.get(key)
        if before is None:
            return
        previous = differences(before, item)
        if previous:
            self.emit(event_type, item, previous)


def differences(before: Fields, after: Fields) -> Fields:
    """The old values of what changed; inside nested objects only the keys that changed."""
    previous: Fields = {}
    for name, new in after.items():
        old = before.get(name)
        if old is new or old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict) and old.get("object") != "list":
            inner = differences(old, new)
            previous[name] = inner | {gone: old[gone] for gone in old if gone not in new}
        else:
            previous[name] = old
    return previous
