"""What blocks a parked record, as a value: which sort of cause, about what, and how its end is noticed.

A condition is derived from the Park of a lifecycle (the table below) or from a Refusal (whose adapter
knows its own codes). Records are grouped by the normalised cause, so that a thousand records one
validation rule refuses are one group. How each sort is released:

    any              a record of the pair changes, or a person says retry; a changed mapping looks at all once
    parent_missing   the parent is settled (its key stands in `Link.waiting_on`)
    field_not_writable, value_unmapped
                     a describe that differs from the last one seen
    all of these, but what was given up after many attempts
                     a slow look of its own: hourly at first, twice as late each time, a day apart at
                     most, and no more after LOOKS_MAX of them. Of a shared cause one record of the group
                     is looked at; when it goes through, the others follow.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from connector.core.model import Condition, ConditionType, Key, Link, LinkState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from connector.core.model import Refusal
    from connector.core.view import Park

#: the first look after a record was parked, and the longest time between two
LOOK_AFTER: Final = timedelta(hours=1)
LOOK_AT_LEAST_EVERY: Final = timedelta(days=1)
#: looks without a person or a change: about four weeks of them
LOOKS_MAX: Final = 30
#: records of causes of their own that one pass looks at by itself
LOOKS_PER_PASS: Final = 50

#: causes that many records have in common: one of them tells for all
SHARED: Final = frozenset(
    {
        ConditionType.VALUE_UNMAPPED,
        ConditionType.FIELD_NOT_WRITABLE,
        ConditionType.VALIDATION_RULE,
        ConditionType.PERIOD_CLOSED,
        ConditionType.OTHER,
    }
)
#: causes that lie in what a system lets us write
DESCRIBED: Final = frozenset({ConditionType.VALUE_UNMAPPED, ConditionType.FIELD_NOT_WRITABLE})

_T = ConditionType
#: the last part of a Park's code -> (the sort of cause, what it is about, what has to become true)
_OF_CODE: Final[Mapping[str, tuple[ConditionType, str, str]]] = {
    "status_unmapped": (_T.VALUE_UNMAPPED, "status", "the status stands under `states` of the mapping"),
    "value_unreadable": (_T.VALUE_UNMAPPED, "value", "the value fits its codec, or stands in the mapping's table"),
    "no_currency": (_T.VALUE_UNMAPPED, "currency", "the record or the settings name a currency"),
    "no_allocation_mapping": (_T.VALUE_UNMAPPED, "also", "the mapping names the allocation under `also`"),
    "value_removed": (_T.VALUE_UNMAPPED, "value", "the emptied field is filled again"),
    "field_vanished": (_T.FIELD_NOT_WRITABLE, "field", "the answers show the field again"),
    "conflict": (_T.CONFLICT, "fields", "both sides hold the same value"),
    "gave_up": (_T.OTHER, "attempts", "the system answers, and the record changes or a person says retry"),
    "adopt_undecided": (_T.CONFLICT, "adopt", "somebody says which record at Stripe it is, if any, or that is gone"),
    "allocated_already": (_T.CONFLICT, "allocation", "the allocation somebody made is right, or taken back"),
    "cancelled_with_payment": (_T.CONFLICT, "payment", "what was paid is refunded or credited"),
    "no_longer_posted": (_T.CONFLICT, "status", "the invoice is posted again, or cancelled"),
    "invoice_not_open": (_T.CONFLICT, "invoice", "the invoice at Stripe is open, or the payment is taken back"),
    "currency_differs": (_T.CONFLICT, "currency", "payment and invoice are in one currency"),
    "several_accounts": (_T.CONFLICT, "account", "all invoices it paid belong to one Account"),
    "several_invoices": (_T.LIMIT, "allocations", "the payment is allocated to one invoice"),
    "too_many_lines": (_T.LIMIT, "lines", "the document has no more lines than Stripe takes"),
    "negative_line": (_T.LIMIT, "lines", "no line is negative"),
    "no_lines": (_T.LIMIT, "lines", "the document has a line"),
    "changed_after_final": (_T.AMOUNT_MISMATCH, "amounts", "Salesforce says again what was finalised at Stripe"),
    "changed": (_T.AMOUNT_MISMATCH, "amounts", "Salesforce says again what was reported to Stripe"),
    "lines_do_not_add_up": (_T.AMOUNT_MISMATCH, "lines", "the lines give the document's amounts"),
    "amount_not_exact": (_T.AMOUNT_MISMATCH, "amounts", "the amount is exact in its currency"),
    "total_differs": (_T.AMOUNT_MISMATCH, "total", "both systems come to the same total"),
    "amount_differs": (_T.AMOUNT_MISMATCH, "amount", "Salesforce stores the amount that was received"),
    "exceeds_remaining": (_T.AMOUNT_MISMATCH, "remaining", "the invoice asks for as much as was allocated"),
    "lines_cannot_take_it": (_T.AMOUNT_MISMATCH, "lines", "the invoice's lines have as much open as was paid"),
    "expired": (_T.PERIOD_CLOSED, "expiration", "the expiration date lies in the future"),
    "line_without_product": (_T.PARENT_MISSING, "product", "each line names a product"),
    "product_inactive": (_T.PARENT_MISSING, "product", "the product is active"),
    "invoice_missing": (_T.PARENT_MISSING, "invoice", "the invoice exists in Salesforce"),
    "invoice_hidden": (_T.PARENT_MISSING, "invoice", "the connector's user sees the invoice of each allocation"),
    "not_shown": (_T.RECORD_GONE, "salesforce", "Salesforce shows the record to the connector's user"),
    "merged": (_T.CONFLICT, "merge", "one of the two customers is deleted at Stripe"),
    "deleted_in_salesforce": (_T.RECORD_GONE, "salesforce", "the record is restored in Salesforce"),
    "deleted": (_T.RECORD_GONE, "salesforce", "the record is restored in Salesforce"),
    "missing_in_salesforce": (_T.RECORD_GONE, "salesforce", "the record is restored in Salesforce"),
    "deleted_at_stripe": (_T.RECORD_GONE, "stripe", "the marker in Salesforce is emptied, for a new copy"),
    "missing_at_stripe": (_T.RECORD_GONE, "stripe", "the marker in Salesforce is emptied, for a new copy"),
}

#: causes that were tried again already, as often as the retry policies say
_FINAL: Final = frozenset({"gave_up"})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Group:
    """Parked records with one normalised cause."""

    kind: str
    code: str
    type: str
    subject: str

    @property
    def id(self) -> str:
        """Short, for people to type; the same as long as the cause is."""
        text = repr((self.kind, self.code, self.type, self.subject))
        return "g-" + hashlib.sha256(text.encode()).hexdigest()[:8]


def of_park(park: Park) -> Condition:
    """What blocks a record its lifecycle parked."""
    known = _OF_CODE.get(_name_of(park.code))
    sort, subject, wanted = known or (ConditionType.OTHER, "", park.reason)
    if park.on is not None:
        subject = str(park.on)
    return Condition(type=park.sort or sort, subject=park.about or subject, wanted=wanted)


def is_known(code: str) -> bool:
    """Whether the table tells what this code of a Park is about."""
    return _name_of(code) in _OF_CODE


def _name_of(code: str) -> str:
    """The second part: `no_lines` of `invoice.no_lines`, `gave_up` of `invoice.gave_up.throttled`."""
    return code.split(".")[1] if "." in code else code


_WANTED_OF_REFUSAL: Final[Mapping[ConditionType, str]] = {
    ConditionType.PARENT_MISSING: "what the record refers to exists and may be referred to",
    ConditionType.VALUE_UNMAPPED: "the system takes the value, or the mapping writes another",
    ConditionType.FIELD_NOT_WRITABLE: "the connector's user may write the field",
    ConditionType.VALIDATION_RULE: "the rule lets the record through",
    ConditionType.AMOUNT_MISMATCH: "the amounts are such as the system takes",
    ConditionType.LIMIT: "the value keeps the system's limit",
    ConditionType.PERIOD_CLOSED: "the period is open",
    ConditionType.RECORD_GONE: "the record exists",
    ConditionType.CONFLICT: "no other record stands in the way",
    ConditionType.OTHER: "the system takes the write",
}


def of_refusal(refusal: Refusal) -> Condition:
    """What blocks a record whose write a system refused; its adapter has said which sort of cause it is."""
    sort = ConditionType.RECORD_GONE if refusal.gone else refusal.condition
    parts = [", ".join(sorted(refusal.fields))]
    if sort not in (ConditionType.FIELD_NOT_WRITABLE, ConditionType.RECORD_GONE) or not refusal.fields:
        parts.append(normalised(refusal.message))
    return Condition(type=sort, subject=": ".join(part for part in parts if part), wanted=_WANTED_OF_REFUSAL[sort])


#: what differs between two records one cause refuses: quoted values, addresses, ids, days, numbers
_PARTICULARS: Final = re.compile(
    r"""
    "[^"]{0,200}" | '[^']{0,200}' | `[^`]{0,200}` | \u201c[^\u201d]{0,200}\u201d | \u2018[^\u2019]{0,200}\u2019
    | https?://\S{1,300}
    | [^\s@]{1,64}@[^\s@]{1,255}
    | \b[a-z]{2,12}_[A-Za-z0-9_]{6,64}\b
    | \b(?=[A-Za-z]{0,17}\d)[A-Za-z0-9]{18}\b | \b(?=[A-Za-z]{0,14}\d)[A-Za-z0-9]{15}\b
    | \b[A-Za-z]{1,6}-\d[\w-]{0,40}
    | [-+]?\d[\d.,:/'-]{0,40}
    """,
    re.VERBOSE,
)
_SUBJECT_CHARACTERS_MAX: Final = 200


def normalised(text: str) -> str:
    """The text without what is one record's own, so that records with one cause have one text. Bounded work."""
    return " ".join(_PARTICULARS.sub("…", text[:2000]).split())[:_SUBJECT_CHARACTERS_MAX]


def group_of(link: Link) -> Group:
    """Of a link that is parked, also one an older version parked without a condition."""
    condition = link.condition
    sort = ConditionType.OTHER if condition is None else condition.type
    subject = "" if condition is None else condition.subject
    return Group(kind=link.kind, code=link.reason_code or f"{link.kind}.parked", type=sort.value, subject=subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Why a link is parked, in all its forms."""

    code: str
    reason: str
    condition: Condition
    #: the parent whose settling releases it
    on: Key | None = None
    #: only a change, another mapping or a person releases it: it was tried often enough
    is_final: bool = False


def of_decision(park: Park) -> Blocked:
    is_final = _name_of(park.code) in _FINAL
    return Blocked(code=park.code, reason=park.reason, condition=of_park(park), on=park.on, is_final=is_final)


def parked(link: Link, blocked: Blocked, *, before: Link | None, now: datetime, by_look: bool) -> Link:
    """The link with what blocks it. `before` is the link as parked when this drain found it: one that is parked
    for the same cause again stays parked since then, and a slow look of ours moves its next one further away.
    """
    new = replace(
        link,
        state=LinkState.PARKED,
        reason=blocked.reason,
        reason_code=blocked.code,
        condition=blocked.condition,
        waiting_on=blocked.on,
        parked_at=now,
        backoff=None,
    )
    if blocked.is_final:
        return new
    looks, look_at = 0, now + LOOK_AFTER
    if before is not None and before.condition is not None and group_of(before) == group_of(new):
        new = replace(new, parked_at=before.parked_at or now)
        looks, look_at = before.condition.looks, before.condition.look_at or look_at
        if by_look:
            looks += 1
            look_at = now + min(LOOK_AT_LEAST_EVERY, LOOK_AFTER * 2 ** min(looks, 10))
    return replace(new, condition=replace(blocked.condition, looks=looks, look_at=look_at))


def look_at(link: Link) -> datetime | None:
    """When a parked link is to be looked at by itself; None when only a change or a person releases it."""
    if link.condition is None or link.condition.looks >= LOOKS_MAX:
        return None
    return link.condition.look_at


def due(links: Iterable[Link], now: datetime) -> list[Link]:
    """The parked links to look at now: one of each group with a shared cause, the one that was tried most often
    so that the others do not start again, and of causes of their own those that have waited longest.
    """
    tried: dict[Group, Link] = {}
    own: list[tuple[datetime, Link]] = []
    for link in links:
        if link.condition is None:
            # parked by an older version: one look gives it its condition
            own.append((now, link))
            continue
        if link.condition.type in SHARED:
            group = group_of(link)
            tried[group] = max(tried.get(group, link), link, key=lambda item: (_looks(item), item.born))
            continue
        moment = look_at(link)
        if moment is not None and moment <= now:
            own.append((moment, link))
    shared = [link for link in tried.values() if (moment := look_at(link)) is not None and moment <= now]
    own.sort(key=lambda item: (item[0], item[1].born))
    return [*shared, *(link for _, link in own[:LOOKS_PER_PASS])]


def _looks(link: Link) -> int:
    return 0 if link.condition is None else link.condition.looks


def next_look(links: Sequence[Link], looked_at: Sequence[Link], now: datetime) -> datetime:
    """When `due` has to be asked again: nothing that is parked from now on is due before."""
    if len(looked_at) >= LOOKS_PER_PASS:
        return now
    moments = [moment for link in links if (moment := look_at(link)) is not None and moment > now]
    return min([now + LOOK_AFTER, *moments])


def unparked(link: Link) -> Link:
    """The link once nothing blocks it."""
    if link.condition is None and link.parked_at is None:
        return link
    return replace(link, condition=None, parked_at=None)
