"""A signed body as an event of ours: what it is, whose, and which records it names. Pure.

Called after the signature was found good, so what is wrong here was made by Stripe, or sent to the wrong
place: an endpoint of another account or mode that shares the secret's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from connector.core.model import Side, Signal
from connector.core.service import ReceivedEvent
from connector.stripe.events import cause_of, subjects_of
from connector.stripe.reads import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from connector.core.mapping import Pack
    from connector.stripe.events import Subject

#: cause of the signals, for the log
CAUSE_WEBHOOK = "webhook"


#: the end of year 9999, in epoch seconds
CREATED_MAX: Final = 253_402_300_799


class NotAnEvent(ValueError):
    """The body is no event as Stripe describes one."""


def event_of(body: bytes) -> tuple[ReceivedEvent, Mapping[str, Any]]:
    """The event, and its content. Raises NotAnEvent."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotAnEvent("not JSON") from error
    if not isinstance(content, dict) or content.get("object") != "event":
        raise NotAnEvent("no event object")
    texts = {name: content.get(name) for name in ("id", "type")}
    created, livemode, data = content.get("created"), content.get("livemode"), content.get("data")
    if not all(isinstance(text, str) and text for text in texts.values()):
        raise NotAnEvent("id or type is missing")
    if not isinstance(created, int) or not isinstance(livemode, bool) or not isinstance(data, dict):
        raise NotAnEvent("created, livemode or data is missing")
    if not 0 <= created <= CREATED_MAX:
        raise NotAnEvent("created is no moment")
    if any("\0" in str(content.get(name)) for name in ("id", "type", "account", "api_version")):
        raise NotAnEvent("a zero byte, which no database keeps in a text")
    event = ReceivedEvent(
        id=content["id"],
        type=content["type"],
        created=created,
        livemode=livemode,
        account=str(content.get("account") or ""),
        api_version=str(content.get("api_version") or ""),
        body=body,
    )
    return event, content


def signals_of(pack: Pack, content: Mapping[str, Any], *, cause: str) -> Iterator[Signal]:
    """The records an event names, once each, for every kind that follows them."""
    return signals_about(pack, subjects_of(content), cause=cause, caused_by=cause_of(content))


def signals_about(
    pack: Pack, subjects: Iterable[Subject], *, cause: str, caused_by: str | None = None
) -> Iterator[Signal]:
    """One signal for each kind that follows one of these records."""
    for stripe_object, record_id in dict.fromkeys(subjects):
        for mapping in pack.kinds_on(Side.STRIPE, stripe_object):
            yield Signal(key=key_of(mapping.kind, record_id), cause=cause, caused_by=caused_by)


def webhook_signals(pack: Pack, content: Mapping[str, Any]) -> tuple[Signal, ...]:
    """`signals_of` for an event of whatever API version. Raises NotAnEvent where it does not show what it is about."""
    try:
        return tuple(signals_of(pack, content, cause=CAUSE_WEBHOOK))
    except (KeyError, TypeError, AttributeError) as error:
        raise NotAnEvent(f"{content['type']} does not name its object") from error
