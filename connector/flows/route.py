"""From signals to subjects: which pair each key belongs to.

Kinds that share an object (a payment and an offline payment are both blng__Payment__c) each get a
signal; the one that holds the link takes it. A key of the far side without a link is either ours
from before (it carries our mark) or nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from connector.core.lifecycle.quote_findings import ACCEPTED
from connector.core.model import CAUSE_PERSON, Key, Link, LinkState, Record, Side
from connector.core.retry import is_held
from connector.core.view import Ignore, Unclaimed
from connector.flows.subject import Subject, marked_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.flows.workspace import Workspace
    from connector.ports import StoredSignal


@dataclass(slots=True, kw_only=True)
class Routed:
    """Where a batch of signals leads to."""

    #: with their signals and the sides to read
    subjects: list[Subject] = field(default_factory=list)
    #: signals that need no look
    idle: list[StoredSignal] = field(default_factory=list)
    #: signals of pairs that are put off, which stay, and their links
    held: list[tuple[StoredSignal, Link]] = field(default_factory=list)
    #: keys of other pairs that the records concern; they have to be looked at instead
    concerned: set[Key] = field(default_factory=set)


def route(workspace: Workspace, signals: Sequence[StoredSignal]) -> Routed:
    """Reads the far-side records that no link knows; writes nothing."""
    others_of = {stored.signal.key: siblings(workspace, stored.signal.key) for stored in signals}
    keys = list({key for key, others in others_of.items() for key in (key, *others)})
    links = workspace.store.load_links(keys)
    subjects: dict[Key, Subject] = {}
    strays: list[StoredSignal] = []
    routed = Routed()
    now = workspace.clock.now()
    # nobody waits for a backoff when a person asks
    urgent = {links[key].born for key in _asked_for(signals) if key in links}
    for stored in signals:
        key = stored.signal.key
        link = links.get(key)
        if link is not None and link.born not in urgent and is_held(link.backoff, now):
            routed.held.append((stored, link))
        elif link is None and any(other in links for other in others_of[key]):
            routed.idle.append(stored)
        elif link is None and key.side is not workspace.pack.kinds[key.kind].born:
            strays.append(stored)
        else:
            _join(workspace, subjects, link or Link(born=key), stored, is_stored=link is not None)
    _claim_strays(workspace, subjects, strays, routed)
    routed.subjects += subjects.values()
    return routed


def _asked_for(signals: Sequence[StoredSignal]) -> list[Key]:
    return [stored.signal.key for stored in signals if stored.signal.cause == CAUSE_PERSON]


def siblings(workspace: Workspace, key: Key) -> tuple[Key, ...]:
    mapping = workspace.pack.kinds[key.kind]
    shared = workspace.pack.kinds_on(key.side, mapping.object_on(key.side))
    others = [Key(side=key.side, kind=other.kind, id=key.id) for other in shared if other.kind != key.kind]
    if key.side is Side.STRIPE:
        # a payment record is looked at as a payment too: its own kind owns it
        others += [
            Key(side=key.side, kind=other.kind, id=key.id)
            for other in workspace.pack.kinds.values()
            if other.kind != key.kind and {mapping.stripe.object, other.stripe.object} == {"payment", "payment_record"}
        ]
    return tuple(others)


def _join(
    workspace: Workspace, subjects: dict[Key, Subject], link: Link, stored: StoredSignal, *, is_stored: bool
) -> Subject:
    subject = subjects.get(link.born)
    if subject is None:
        subject = Subject(mapping=workspace.pack.kinds[link.kind], link=link, stored=link if is_stored else None)
        subjects[link.born] = subject
    subject.signals.append(stored)
    subject.wanted.add(stored.signal.key.side)
    if subject.mapping.born is Side.SALESFORCE:
        subject.wanted.add(Side.SALESFORCE)
    return subject


def _claim_strays(
    workspace: Workspace, subjects: dict[Key, Subject], strays: Sequence[StoredSignal], routed: Routed
) -> None:
    """Reads far-side records without a link; ours by mark are linked again, the rest is reported."""
    by_side: dict[Side, dict[str, list[StoredSignal]]] = {Side.SALESFORCE: {}, Side.STRIPE: {}}
    for stored in strays:
        by_side[stored.signal.key.side].setdefault(stored.signal.key.kind, []).append(stored)
    # a Salesforce record of a kind born at Stripe: its Stripe key finds it by external id, never the reverse
    routed.idle += (stored for group in by_side[Side.SALESFORCE].values() for stored in group)
    for kind, group in by_side[Side.STRIPE].items():
        records = workspace.stripe.fetch(kind, [stored.signal.key.id for stored in group])
        born = {
            record_id: Key(side=Side.SALESFORCE, kind=kind, id=marked)
            for record_id, record in records.items()
            if (marked := marked_id(record, workspace.identity.org_id)) is not None
        }
        quotes = {
            record_id: Key(side=Side.STRIPE, kind="quote", id=quote)
            for record_id, record in records.items()
            if (quote := _quote_of(record)) is not None
        }
        known = workspace.store.load_links([*born.values(), *quotes.values()])
        for stored in group:
            record = records.get(stored.signal.key.id)
            key = born.get(stored.signal.key.id)
            if record is None or record.deleted:
                routed.concerned |= _holders_of(workspace, stored.signal.key)
                _with_verdict(workspace, subjects, stored, None, Ignore(reason="no longer at Stripe"))
            elif quotes.get(record.id) in known:
                # an invoice made by accepting a quote belongs to the quote's link, which reports it
                routed.concerned.add(known[quotes[record.id]].born)
                routed.idle.append(stored)
            elif key is None:
                _unclaimed(workspace, subjects, stored, record)
            elif (holder := _holder(subjects, key, known.get(key))) is None:
                _relink(workspace, subjects, stored, record, key, known.get(key))
            elif is_history(holder, record):
                routed.idle.append(stored)
            else:
                reason = f"carries the mark of {key.id}, which is linked to {holder.mate_id}"
                _unclaimed(workspace, subjects, stored, record, reason)


def _holders_of(workspace: Workspace, gone: Key) -> set[Key]:
    """The quotes of which people were told that accepting them made this invoice, which is gone now."""
    if gone.kind != "invoice":
        return set()
    told = [
        Key(side=Side.SALESFORCE, kind="quote", id=finding.subject)
        for finding in workspace.store.load_findings()
        if finding.code == ACCEPTED
    ]
    links = workspace.store.load_links(told)
    return {link.born for link in links.values() if link.progress.get("held") == gone.id}


def link_by_marker(subjects: Iterable[Subject]) -> None:
    """A Salesforce record that names its mate is linked to it, whatever the store remembers.

    The store may be lost or restored: a record that was mirrored once is never born again.
    """
    for subject in subjects:
        record = subject.records.get(Side.SALESFORCE)
        link = subject.link
        if record is None or link.mate_id is not None or subject.mapping.born is not Side.SALESFORCE:
            continue
        marker = record.fields.get(subject.mapping.salesforce.marker)
        if marker and marker not in link.earlier_mates:
            subject.link = replace(link, mate_id=str(marker))


def _holder(subjects: dict[Key, Subject], key: Key, stored: Link | None) -> Link | None:
    """The link that has a mate for this key already."""
    link = subjects[key].link if key in subjects else stored
    return link if link is not None and link.mate_id is not None else None


def is_history(holder: Link, record: Record) -> bool:
    """The mate itself, an earlier one (a quote presented again), or something that is over."""
    ended = record.fields.get("status") in ("canceled", "void")
    return ended or record.id == holder.mate_id or record.id in holder.earlier_mates


def _relink(
    workspace: Workspace,
    subjects: dict[Key, Subject],
    stored: StoredSignal,
    record: Record,
    key: Key,
    link: Link | None,
) -> None:
    """A record with our mark and no link: the store was lost, or its process died before it could settle."""
    found = replace(link or Link(born=key, progress=_seen_currency(record)), mate_id=record.id)
    subject = _join(workspace, subjects, found, stored, is_stored=False)
    subject.link = found
    subject.stored = link
    subject.records[Side.STRIPE] = record


def _seen_currency(record: Record) -> dict[str, str]:
    currency = record.fields.get("currency")
    return {} if currency is None else {"currency": str(currency)}


def _unclaimed(
    workspace: Workspace, subjects: dict[Key, Subject], stored: StoredSignal, record: Record, reason: str | None = None
) -> None:
    _with_verdict(workspace, subjects, stored, record, Unclaimed(reason=reason or _why(record)))


def _with_verdict(
    workspace: Workspace,
    subjects: dict[Key, Subject],
    stored: StoredSignal,
    record: Record | None,
    verdict: Unclaimed | Ignore,
) -> None:
    """Nobody's, or gone: kept as a subject so that the drain reports it with the others."""
    key = stored.signal.key
    subject = Subject(
        mapping=workspace.pack.kinds[key.kind],
        link=Link(born=Key(side=key.side, kind=key.kind, id=key.id), state=LinkState.CLOSED),
        records={Side.STRIPE: record},
        signals=[stored],
    )
    subject.verdict = verdict
    subjects[subject.link.born] = subject


def _quote_of(record: Record) -> str | None:
    """The quote whose acceptance made this invoice (spec3.derived.json, invoice.parent.quote_details)."""
    details = (record.fields.get("parent") or {}).get("quote_details") or {}
    quote = details.get("quote")
    return None if quote is None else str(quote)


def _why(record: Record) -> str:
    quote = _quote_of(record)
    return f"made by quote {quote}" if quote else "made at Stripe, not by this connector"
