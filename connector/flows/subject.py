"""One pair while it is being worked on: its link, its records as read, and what is left to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from connector.core.conditions import parked
from connector.core.discarded import CODE, DISCARDED, content_digest, is_discarded, reopened
from connector.core.long_id import long_id
from connector.core.mapping import read_path
from connector.core.model import CAUSE_LOOK, Link, LinkState, Record, Side
from connector.core.settle import retire_mate
from connector.core.view import MARK_ID, MARK_ORG, Ignore, Read, View

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from connector.core.conditions import Blocked
    from connector.core.mapping import KindMapping
    from connector.core.model import Key
    from connector.core.view import Parents, Policy, Unclaimed
    from connector.ports import StoredSignal


@dataclass(slots=True, kw_only=True, eq=False)
class Subject:
    mapping: KindMapping
    link: Link
    #: the link as the store holds it, None when it has none
    stored: Link | None = None
    records: dict[Side, Record | None] = field(default_factory=dict)
    #: sides to read before the next decision
    wanted: set[Side] = field(default_factory=set)
    #: records of other pairs as read for it, and those to read; they hold until its next write
    others: dict[Key, Record | None] = field(default_factory=dict)
    wanted_others: set[Key] = field(default_factory=set)
    signals: list[StoredSignal] = field(default_factory=list)
    #: another record needs it, whatever `where` says
    needed: bool = False
    #: why it is looked at where no signal asked for it
    unasked: str = "needed"
    created: bool = False
    updated: bool = False
    #: True once its outcome must be tried again later: its signals stay
    keep_signals: bool = False
    #: Salesforce was written after it was read: its version is not known any more
    stale: bool = False
    #: known before any lifecycle was asked: nobody claims it, or it is gone
    verdict: Unclaimed | Ignore | None = None
    #: the link as it was parked when it was loaded; None when it was not
    parked_before: Link | None = None

    def __post_init__(self) -> None:
        if self.link.state is LinkState.PARKED:
            self.parked_before = self.link

    @property
    def by_look(self) -> bool:
        """Whether only a look of our own at what is parked brought it here."""
        return bool(self.signals) and all(stored.signal.cause == CAUSE_LOOK for stored in self.signals)

    def park(self, link: Link, blocked: Blocked, *, now: datetime) -> Link:
        """Its link as it is now, parked for this."""
        return parked(link, blocked, before=self.parked_before, now=now, by_look=self.by_look)

    @property
    def cause(self) -> str:
        """Why it is looked at, for the audit trail."""
        causes = dict.fromkeys(stored.signal.cause for stored in self.signals)
        return ", ".join(causes) or self.unasked

    def want(self, read: Read) -> None:
        """To be read before it is asked again."""
        self.wanted |= read.sides
        self.wanted_others |= read.others

    def forget(self) -> None:
        """Gives up what was read; whoever asks again reads it again."""
        self.wanted |= self.records.keys()
        self.wanted_others |= self.others.keys()
        self.records.clear()
        self.others.clear()

    def reissue(self) -> None:
        """The mate is history and somebody wants another one: it is needed, whatever `where` says."""
        self.link = retire_mate(self.link)
        self.records.pop(Side.STRIPE, None)
        self.needed = True

    def still_discarded(self) -> Read | Ignore | None:
        """What follows for a record a person discarded; None for any other, and for one that has changed since."""
        if not is_discarded(self.link):
            return None
        if self.mapping.born not in self.records:
            return Read(sides=frozenset({self.mapping.born}))
        record = self.records[self.mapping.born]
        # what is not shown has not changed
        if record is None or content_digest(self.mapping, record) == self.link.progress[DISCARDED]:
            return Ignore(reason=self.link.reason or CODE)
        self.link = reopened(self.link)
        return None

    def view(self, *, policy: Policy, now: datetime, parents: Parents, kinds: Mapping[str, KindMapping]) -> View:
        return View(
            mapping=self.mapping,
            link=self.link,
            policy=policy,
            now=now,
            parents=parents,
            salesforce=self.records.get(Side.SALESFORCE),
            stripe=self.records.get(Side.STRIPE),
            read=frozenset(self.records),
            needed=self.needed,
            others=self.others,
            kinds=kinds,
        )

    def id_on(self, side: Side) -> str | None:
        return self.link.id_on(side)

    def took_salesforce_fields(self, fields: dict[str, Any]) -> None:
        """Salesforce accepted these: the record in hand now holds them."""
        record = self.records.get(Side.SALESFORCE)
        if record is not None:
            self.records[Side.SALESFORCE] = replace(record, fields={**record.fields, **fields})
        self.stale = True

    def link_at_home(self, shards: int) -> Link:
        """The link in its Account's shard, with the version of the record it was decided by."""
        record = self.records.get(Side.SALESFORCE)
        path = self.mapping.salesforce.shard
        account = None if record is None or path is None else read_path(record.fields, path)
        version = "" if self.stale or record is None or record.is_fresh else record.version
        progress = self.link.progress if account is None else {**self.link.progress, "account": str(account)}
        return replace(
            self.link,
            progress=progress,
            shard=shard_of(str(account or self.link.born.id), shards),
            versions={**self.link.versions, Side.SALESFORCE: version},
        )


def shard_of(account: str, shards: int) -> int:
    """Stable over processes and versions: not Python's hash."""
    total = 0
    for character in account.encode():
        total = (total * 131 + character) % 2_147_483_647
    return total % shards


def marked_id(record: Record, org_id: str) -> str | None:
    """The Salesforce id in a Stripe record's metadata, in its long form, if the mark is ours."""
    metadata = record.fields.get("metadata") or {}
    if metadata.get(MARK_ORG) != org_id:
        return None
    found = metadata.get(MARK_ID)
    return None if found is None else long_id(str(found))
