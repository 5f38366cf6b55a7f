"""What makes two records of a pair agree, and in what they do not; pure, and no lifecycle's opinion.

Both ways of asking rest on one rule, `diff.judge`: a sweep over everything compares what each side says
by itself (`content`), a second look at the few that differ names the difference (`differences`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from connector.core.compare_lines import are_others, lines_differ, lines_said
from connector.core.diff import diff
from connector.core.fields import FieldErrors
from connector.core.mapping import Owner, read_path
from connector.core.model import LinkState, Side
from connector.core.view import MARK_ID, MARK_ORG, OVER_AT_STRIPE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from connector.core.mapping import FieldRule, KindMapping
    from connector.core.model import Change, Link, Neutral, Record
    from connector.core.view import View

#: why the lines of a copy that was there before us are not those of Salesforce
OTHERS: Final = "lines made by somebody else"
#: why the amount of a payment that was reported from Salesforce is less at Stripe
IN_PART: Final = "reported in part"


class Sort(StrEnum):
    """In what two systems can differ."""

    MISSING_IN_SALESFORCE = "missing in salesforce"
    MISSING_AT_STRIPE = "missing at stripe"
    VALUE = "value differs"
    LINES = "lines differ"
    WRONG_PAIR = "wrong pair"
    UNLINKED = "unlinked"
    DOUBLE_MARK = "double mark"
    NOT_MIRRORED = "not mirrored"
    UNFINISHED = "unfinished"
    UNREADABLE = "unreadable"


#: what a person can do about what stays named
REMEDIES: Final[Mapping[Sort, str]] = {
    Sort.MISSING_IN_SALESFORCE: "`connector sync --once` decides about it; restore it in Salesforce, or end its copy at Stripe",
    Sort.MISSING_AT_STRIPE: "`connector sync --once` decides about it; empty the marker in Salesforce to make a new copy",
    Sort.VALUE: "`connector sync --once` writes the owner's value; what it only reports is to be corrected where it was edited",
    Sort.LINES: "nobody but us makes lines and allocations of a pair: undo it where it was edited, or book the same on the other side",
    Sort.WRONG_PAIR: "nobody but us writes marks: empty the one that names another record, in Salesforce or in the metadata at Stripe, "
    "and `connector sync --once` writes the right one",
    Sort.UNLINKED: "`connector sync --once` links it, or says why it does not",
    Sort.DOUBLE_MARK: "a copy made by somebody else: take the mark out of its metadata at Stripe, and end what it bills twice",
    Sort.NOT_MIRRORED: "`connector sync --once` mirrors it",
    Sort.UNFINISHED: "`connector sync --once` goes on with it",
    Sort.UNREADABLE: "correct the value, or the mapping",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    kind: str
    #: the id at the kind's birthplace; of a record that nothing is known of, its own
    id: str
    #: the id on the other side
    mate: str | None
    sort: Sort
    #: the mapped field, and what each side says; for other sorts a detail in words stands in `wanted`
    field: str | None = None
    salesforce: Neutral = None
    stripe: Neutral = None
    wanted: str = ""
    #: why it is known and nobody has to look; None when it is not
    explained: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "sort": self.sort.value}


def compared(mapping: KindMapping) -> tuple[FieldRule, ...]:
    """The fields both sides hold for as long as the pair lives."""
    return tuple(rule for rule in mapping.fields if not rule.create_only and rule.salesforce and rule.stripe)


def content(view: View, side: Side) -> tuple[object, ...]:
    """What a record says, the same for both records of a pair that agrees: the fields that are compared, its
    lines, and whether it names the other one.

    A value that is as it was when both last agreed says just that: the two read differently wherever a
    system rounds or trims. Pairs that agree may still read differently here, never the reverse. Raises
    ValueError for a value or a line that cannot be read.
    """
    values, shadow = view.values(side), view.link.shadow
    place = 0 if side is Side.SALESFORCE else 1
    said: list[object] = ["paired" if _misnamed(view, side) is None else f"{side.value} names another"]
    for rule in compared(view.mapping):
        value, seen = values[rule.name], shadow.get(rule.name)
        is_as_agreed = not rule.check and seen is not None and seen[0] != seen[1] and value == seen[place]
        said.append(("agreed",) if is_as_agreed else (type(value).__name__, value))
    return (*said, lines_said(view, side))


def period_of(mapping: KindMapping, record: Record, time_zone: ZoneInfo) -> str | None:
    """The month of a document's own date, else of its creation: `2026-11`."""
    path = mapping.salesforce.roles.get("date") if record.key.side is Side.SALESFORCE else None
    day = None if path is None else read_path(record.fields, path)
    if day is not None:
        return str(day)[:7]
    return None if record.created_at is None else f"{record.created_at.astimezone(time_zone):%Y-%m}"


def differences(view: View) -> tuple[Difference, ...]:
    """In what this pair differs, both sides read. Empty when it agrees."""
    missing = _missing(view)
    if missing:
        return missing
    found = [
        difference(view.link, Sort.WRONG_PAIR, wanted=words, explained=_ended(view))
        for side in Side
        if (words := _misnamed(view, side)) is not None
    ]
    try:
        changes = diff(
            view.mapping.fields,
            salesforce=view.values(Side.SALESFORCE),
            stripe=view.values(Side.STRIPE),
            shadow=view.link.shadow,
        )
    except FieldErrors as error:
        return (*found, difference(view.link, Sort.UNREADABLE, wanted=str(error)))
    rules = {rule.name: rule for rule in view.mapping.fields}
    found += [
        difference(
            view.link,
            Sort.VALUE,
            field=change.field,
            salesforce=change.salesforce,
            stripe=change.stripe,
            explained=_over(view, rules[change.field]) or _in_part(view, change),
        )
        for change in changes
    ]
    return (*found, *_lines(view))


def difference(link: Link, sort: Sort, **more: Any) -> Difference:
    """Of this pair; explained by the link's own state where that explains it."""
    explained = more.pop("explained", None) or _explained(link, sort)
    return Difference(kind=link.kind, id=link.born.id, mate=link.mate_id, sort=sort, explained=explained, **more)


def _missing(view: View) -> tuple[Difference, ...]:
    found = []
    for side, sort in ((Side.SALESFORCE, Sort.MISSING_IN_SALESFORCE), (Side.STRIPE, Sort.MISSING_AT_STRIPE)):
        record = view.record(side)
        if record is None or record.deleted:
            evidence = "not shown by its id" if record is None else "deleted"
            found.append(difference(view.link, sort, wanted=f"{view.link.id_on(side)} is {evidence}"))
    return tuple(found)


def _misnamed(view: View, side: Side) -> str | None:
    """What is wrong about how this record names the other one; None when it names it, and no other."""
    record, link, spec = view.record(side), view.link, view.mapping.salesforce
    assert record is not None
    if side is Side.SALESFORCE:
        wanted, named = link.id_on(Side.STRIPE), read_path(record.fields, spec.marker)
        return None if named == wanted else f"{spec.marker} is {named or 'empty'}, the pair's is {wanted}"
    if view.mapping.born is Side.STRIPE:
        # what is born at Stripe carries no mark of ours
        return None
    metadata = record.fields.get("metadata") or {}
    named, org = metadata.get(MARK_ID), metadata.get(MARK_ORG)
    if (named, org) == (link.born.id, view.policy.org_id):
        return None
    return f"{record.id} names {named or 'nothing'}, the pair's is {link.born.id}"


def _lines(view: View) -> tuple[Difference, ...]:
    """A draft's lines are on their way: its lifecycle tells. No state of the link explains lines that differ."""
    if view.stripe_status() == "draft":
        return ()
    try:
        words = lines_differ(view)
    except ValueError as error:
        return (difference(view.link, Sort.UNREADABLE, wanted=str(error)),)
    if words is None:
        return ()
    explained = OTHERS if are_others(view) else _ended(view)
    link = view.link
    return (
        Difference(
            kind=link.kind, id=link.born.id, mate=link.mate_id, sort=Sort.LINES, wanted=words, explained=explained
        ),
    )


def _over(view: View, rule: FieldRule) -> str | None:
    return _ended(view) if rule.check or rule.owner is Owner.SALESFORCE else None


def _in_part(view: View, change: Change) -> str | None:
    """Of a cheque only what is allocated is reported. More of it than that is no difference for as long as both amounts
    stay as they were settled; the allocations are compared by its lines.
    """
    settled = view.link.shadow.get(change.field) == (change.salesforce, change.stripe)
    return IN_PART if settled and view.mapping.lifecycle == "offline_payment" else None


def _ended(view: View) -> str | None:
    status = view.stripe_status()
    return f"{status} at Stripe" if status in OVER_AT_STRIPE else None


def _explained(link: Link, sort: Sort) -> str | None:
    if link.state is LinkState.PARKED:
        return f"parked: {link.reason_code or 'no code'}"
    if link.state is LinkState.WAITING:
        return "waiting"
    if link.state is LinkState.CLOSED and sort in (Sort.MISSING_IN_SALESFORCE, Sort.MISSING_AT_STRIPE):
        return "closed"
    return None
