"""What the link remembers once an operation ended.

The shadow takes the values we sent and the reply we got, never a later read: that may already
contain somebody's edit (architecture.md 4, recovery).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.core.fields import FieldErrors, decode_fields
from connector.core.model import Applied, Link, LinkState, Neutral, Operation, Side

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from connector.core.mapping import Context, KindMapping
    from connector.core.view import Act

#: where a link keeps, between intent and outcome, what the operation under way will have changed
PENDING = "pending"


def begin(link: Link, act: Act) -> Link:
    """The link as it is stored with the intent: one revision on, knowing what it is about to do."""
    pending = {"sent": dict(act.sent), "progress": dict(act.progress)}
    return replace(
        link,
        revision=link.revision + 1,
        state=LinkState.OPEN,
        reason=None,
        reason_code=None,
        waiting_on=None,
        progress={**link.progress, PENDING: pending},
    )


def applied(mapping: KindMapping, link: Link, operation: Operation, outcome: Applied, context: Context) -> Link:
    """The link after its operation was applied."""
    pending = link.progress.get(PENDING) or {"sent": {}, "progress": {}}
    progress = {name: value for name, value in link.progress.items() if name != PENDING} | pending["progress"]
    sent: Mapping[str, Neutral] = pending["sent"]
    link = replace(link, state=LinkState.OPEN, reason=None, reason_code=None, waiting_on=None, progress=progress)
    if operation.action == "delete":
        return retire_mate(link)
    if link.mate_id is None and operation.action == "create":
        link = replace(link, mate_id=outcome.target_id)
    if operation.target is Side.STRIPE:
        return _after_stripe(mapping, link, outcome, sent, context)
    versions = {**link.versions, Side.SALESFORCE: ""}
    return replace(
        link, shadow={**link.shadow, **{name: (value, value) for name, value in sent.items()}}, versions=versions
    )


def _after_stripe(
    mapping: KindMapping, link: Link, outcome: Applied, sent: Mapping[str, Neutral], context: Context
) -> Link:
    record = outcome.record
    if record is None:
        return replace(link, shadow={**link.shadow, **{name: (value, value) for name, value in sent.items()}})
    try:
        seen = decode_fields(mapping, Side.STRIPE, record.fields, context)
    except FieldErrors:
        # the next read parks it by name; what was sent is still what was sent
        seen = {}
    shadow = {**link.shadow, **{name: (value, seen.get(name, value)) for name, value in sent.items()}}
    return replace(link, shadow=shadow, progress={**link.progress, **observed(record.fields)})


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
    keep = {name: link.progress[name] for name in ("currency", "account") if name in link.progress}
    return replace(link, mate_id=None, earlier_mates=(*link.earlier_mates, link.mate_id), shadow={}, progress=keep)
