"""What the link remembers once an operation ended.

The shadow takes the values we sent and the reply we got, never a later read: that may already
contain somebody's edit (architecture.md 4, recovery).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.core.body import decode_body
from connector.core.conditions import unparked
from connector.core.fields import FieldErrors, decode_fields
from connector.core.mapping import read_path
from connector.core.model import Applied, Key, Link, LinkState, Neutral, Operation, Side
from connector.core.retry import went_well
from connector.core.view import SEPARATE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from connector.core.mapping import Context, KindMapping
    from connector.core.view import Act

#: where a link keeps, between intent and outcome, what the operation under way will have changed
PENDING = "pending"


def begin(link: Link, act: Act) -> Link:
    """The link as it is stored with the intent: one revision on, knowing what it is about to do."""
    pending = {
        "sent": dict(act.sent),
        "progress": dict(act.progress),
        "signals": [[key.side.value, key.kind, key.id] for key in act.signals],
    }
    return replace(
        unparked(link),
        revision=link.revision + 1,
        state=LinkState.OPEN,
        reason=None,
        reason_code=None,
        waiting_on=None,
        progress={**link.progress, PENDING: pending},
    )


def asked_for(link: Link) -> tuple[Key, ...]:
    """Whom the operation under way concerns beside its own pair: to be looked at once it is over, whoever ends it."""
    pending = link.progress.get(PENDING) or {}
    return tuple(Key(side=Side(side), kind=kind, id=key_id) for side, kind, key_id in pending.get("signals", ()))


def applied(mapping: KindMapping, link: Link, operation: Operation, outcome: Applied, context: Context) -> Link:
    """The link after its operation was applied."""
    pending = link.progress.get(PENDING) or {"sent": {}, "progress": {}}
    progress = {name: value for name, value in link.progress.items() if name != PENDING} | pending["progress"]
    sent: Mapping[str, Neutral] = pending["sent"]
    is_born_now = link.mate_id is None and operation.action == "create"
    link = replace(
        unparked(link),
        mate_id=outcome.target_id if is_born_now else link.mate_id,
        state=LinkState.OPEN,
        reason=None,
        reason_code=None,
        waiting_on=None,
        progress=progress,
        backoff=went_well(link.backoff),
    )
    if operation.action == "delete":
        return retire_mate(link)
    if operation.target is Side.STRIPE:
        return _after_stripe(mapping, link, operation, outcome, sent, context)
    versions = {**link.versions, Side.SALESFORCE: ""}
    return replace(
        link, shadow={**link.shadow, **{name: (value, value) for name, value in sent.items()}}, versions=versions
    )


def _after_stripe(
    mapping: KindMapping,
    link: Link,
    operation: Operation,
    outcome: Applied,
    sent: Mapping[str, Neutral],
    context: Context,
) -> Link:
    record = outcome.record
    if record is None:
        return replace(link, shadow={**link.shadow, **_as_sent(mapping, operation, sent)})
    try:
        seen = decode_fields(mapping, Side.STRIPE, record.fields, context)
    except FieldErrors:
        # the next read parks it by name; what was sent is still what was sent
        seen = {}
    shadow = {**link.shadow, **{name: (value, seen.get(name, value)) for name, value in sent.items()}}
    return replace(link, shadow=shadow, progress={**link.progress, **observed(record.fields)})


def _as_sent(
    mapping: KindMapping, operation: Operation, sent: Mapping[str, Neutral]
) -> dict[str, tuple[Neutral, Neutral]]:
    """Without a reply: what went on the wire is what Stripe holds. A field that Stripe does not take as it is (a
    shipping name without an address) did not go, and nothing is known of it there.
    """
    content = decode_body(operation.body)
    places = {rule.name: rule.stripe for rule in mapping.fields}
    return {
        name: (value, value if places.get(name) is None or read_path(content, str(places[name])) is not None else None)
        for name, value in sent.items()
    }


def observed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a link keeps of a Stripe record it saw: its status, and when it expires."""
    return {name: fields[name] for name in ("status", "expires_at") if fields.get(name) is not None}


def agreed(
    link: Link,
    salesforce: Mapping[str, Neutral],
    stripe: Mapping[str, Neutral],
    *,
    learned: Collection[str] = (),
) -> Link:
    """The link after both sides were read: fields that agree become the shadow, and `learned` ones as they are."""
    same = {
        name: (value, stripe[name])
        for name, value in salesforce.items()
        if name in stripe and (stripe[name] == value or name in learned)
    }
    if all(link.shadow.get(name) == pair for name, pair in same.items()):
        return link
    return replace(link, shadow={**link.shadow, **same})


def retire_mate(link: Link) -> Link:
    """After a draft was deleted, or a quote is presented again: the next mate starts from nothing."""
    assert link.mate_id is not None
    keep = {name: link.progress[name] for name in ("account", SEPARATE) if name in link.progress}
    return replace(link, mate_id=None, earlier_mates=(*link.earlier_mates, link.mate_id), shadow={}, progress=keep)
