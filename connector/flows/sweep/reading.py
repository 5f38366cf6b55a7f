"""One side of one kind, listed to its end: what it says goes into a ledger, what is odd is noted by key.

Holds one page of records at a time. A record of Salesforce is also shown to its lifecycle, alone, as
if it had been signalled: what no mapped field shows (a cancelled invoice, other lines, a balance that
fell) is noticed by that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.compare import Sort, content, period_of
from connector.core.digest import Ledger
from connector.core.errors import Interrupted
from connector.core.lifecycle.money_back import is_news
from connector.core.model import Key, Link, LinkState, Side
from connector.core.view import Ignore, Park, Settled, Unclaimed, Wait
from connector.flows.drain import ask_all
from connector.flows.parents import ParentBook
from connector.flows.route import is_history, link_by_marker, siblings
from connector.flows.subject import Subject, marked_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.mapping import KindMapping
    from connector.core.model import Record
    from connector.core.view import Decision
    from connector.flows.workspace import Workspace

NOT_OURS_AT_STRIPE = "made at Stripe"
NOT_OURS_IN_SALESFORCE = "carries no mark"
HISTORY = "history"


@dataclass(slots=True, kw_only=True)
class Reading:
    """What was found of one kind on one side."""

    mapping: KindMapping
    side: Side
    #: look at this period only
    period: str | None
    ledger: Ledger = field(default_factory=Ledger)
    #: records of pairs, and records that are no pair's but for a known reason: reason -> number
    listed: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    #: pairs that their lifecycle would do something about
    pairs: set[Key] = field(default_factory=set)
    #: changed since anybody looked at them
    unseen: set[Key] = field(default_factory=set)
    #: keys without a pair that should have one, or should not be
    loose: dict[Key, Sort] = field(default_factory=dict)

    def leaves_out(self, workspace: Workspace, record: Record) -> bool:
        """Whether a record without a pair is of a period nobody asked for."""
        if self.period is None:
            return False
        return period_of(self.mapping, record, workspace.policy.time_zone) != self.period


def read_side(workspace: Workspace, mapping: KindMapping, side: Side, *, period: str | None) -> Reading:
    """Raises Interrupted between two pages when told to stop."""
    reading = Reading(mapping=mapping, side=side, period=period)
    for page in workspace.system(side).fetch_all(mapping.kind, select=side is Side.SALESFORCE):
        _take(workspace, reading, page)
        workspace.progress(f"sweeping {mapping.kind} in {side.value}", reading.listed, 0)
        if workspace.stop():
            raise Interrupted(f"sweeping {mapping.kind} in {side.value}, {reading.listed} records read")
    return reading


def _take(workspace: Workspace, reading: Reading, page: Sequence[Record]) -> None:
    others = {record.key: siblings(workspace, record.key) for record in page}
    links = workspace.store.load_links([key for own, more in others.items() for key in (own, *more)])
    paired: list[Subject] = []
    single: list[tuple[Record, Link | None]] = []
    for record in page:
        link = links.get(record.key)
        if link is not None and link.mate_id is not None:
            mapping = reading.mapping
            paired.append(Subject(mapping=mapping, link=link, stored=link, records={reading.side: record}))
        elif link is None and any(key in links for key in others[record.key]):
            # another kind on the same object has it
            continue
        elif not reading.leaves_out(workspace, record):
            single.append((record, link))
    reading.listed += len(paired) + len(single)
    book = ParentBook(workspace)
    _take_pairs(workspace, reading, paired, book)
    if reading.side is reading.mapping.born:
        _judge_births(workspace, reading, single, book)
    elif reading.side is Side.STRIPE:
        _claim_by_mark(workspace, reading, [record for record, _ in single])
    else:
        _claim_by_marker(workspace, reading, [record for record, _ in single])


def _take_pairs(workspace: Workspace, reading: Reading, subjects: Sequence[Subject], book: ParentBook) -> None:
    for subject, said in book.answers(subjects, lambda subject: _said(workspace, reading, subject, book)):
        record, link = subject.records[reading.side], subject.link
        assert record is not None
        reading.ledger.add(link.born.id, said, period=period_of(reading.mapping, record, workspace.policy.time_zone))
        if reading.side is Side.SALESFORCE and link.versions.get(Side.SALESFORCE) != record.version:
            reading.unseen.add(record.key)
        if reading.side is Side.STRIPE and reading.mapping.lifecycle == "payment" and is_news(link, record):
            reading.pairs.add(link.born)
    if reading.side is Side.SALESFORCE:
        for subject, decision in ask_all(workspace, subjects, book):
            if not (isinstance(decision, Settled) and not decision.findings and not decision.reissue):
                reading.pairs.add(subject.link.born)


def _said(workspace: Workspace, reading: Reading, subject: Subject, book: ParentBook) -> tuple[object, ...]:
    view = subject.view(policy=workspace.policy, now=workspace.clock.now(), parents=book, kinds=workspace.pack.kinds)
    try:
        return content(view, reading.side)
    except ValueError:
        # agrees with nothing, not even with a copy that cannot be read either
        return ("unreadable", reading.side.value)


def _judge_births(
    workspace: Workspace, reading: Reading, single: Sequence[tuple[Record, Link | None]], book: ParentBook
) -> None:
    """Records at their birthplace that have no mate: shall they have one?"""
    subjects = [
        Subject(
            mapping=reading.mapping, link=link or Link(born=record.key), stored=link, records={reading.side: record}
        )
        for record, link in single
    ]
    link_by_marker(subjects)
    unborn = [subject for subject in subjects if subject.link.mate_id is None]
    reading.loose |= {subject.link.born: Sort.UNLINKED for subject in subjects if subject.link.mate_id is not None}
    for subject, decision in ask_all(workspace, unborn, book):
        reason = why_not(subject, decision)
        if reason is None:
            reading.loose[subject.link.born] = Sort.NOT_MIRRORED
        else:
            reading.explained[reason] += 1


def why_not(subject: Subject, decision: Decision) -> str | None:
    """Why a record without a mate is not to have one, or not yet; None when nobody knows a reason."""
    if isinstance(decision, Ignore | Unclaimed):
        return decision.reason
    stored = subject.stored
    if stored is not None and isinstance(decision, Park) and stored.state is LinkState.PARKED:
        return f"parked: {stored.reason_code}"
    if stored is not None and isinstance(decision, Wait) and stored.state is LinkState.WAITING:
        return "waiting"
    return None


def _claim_by_mark(workspace: Workspace, reading: Reading, records: Sequence[Record]) -> None:
    """Records at Stripe, where the kind is not born, and no link: whose are they?"""
    kind = reading.mapping.kind
    born: dict[str, Key] = {}
    for record in records:
        marked = marked_id(record, workspace.identity.org_id)
        if marked is None:
            reading.explained[NOT_OURS_AT_STRIPE] += 1
        else:
            born[record.id] = Key(side=Side.SALESFORCE, kind=kind, id=marked)
    holders = workspace.store.load_links(list(born.values()))
    for record in records:
        key = born.get(record.id)
        if key is not None:
            _claim(reading, record, key, holders)


def _claim(reading: Reading, record: Record, key: Key, holders: Mapping[Key, Link]) -> None:
    holder = holders.get(key)
    if holder is None or (holder.mate_id is None and record.id not in holder.earlier_mates):
        reading.loose[key] = Sort.UNLINKED
    elif is_history(holder, record):
        reading.explained[HISTORY] += 1
    else:
        reading.loose[record.key] = Sort.DOUBLE_MARK


def _claim_by_marker(workspace: Workspace, reading: Reading, records: Sequence[Record]) -> None:
    """Records in Salesforce of a kind born at Stripe, and no link: their marker names who they are a copy of."""
    mapping = reading.mapping
    named = {record.id: record.fields.get(mapping.salesforce.marker) for record in records}
    keys = {
        record_id: Key(side=Side.STRIPE, kind=mapping.kind, id=str(marker))
        for record_id, marker in named.items()
        if marker
    }
    holders = workspace.store.load_links(list(keys.values()))
    for record in records:
        key = keys.get(record.id)
        if key is None:
            reading.explained[NOT_OURS_IN_SALESFORCE] += 1
        elif key in holders and holders[key].mate_id is not None:
            reading.loose[record.key] = Sort.DOUBLE_MARK
        else:
            reading.loose[key] = Sort.UNLINKED
