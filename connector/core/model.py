"""What travels: Signal -> Record -> Change -> Operation -> Outcome, with Link as the memory.

Plain frozen data; no behaviour beyond what the words mean. `architecture.md` 2 defines the words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: A field value both sides agree on the meaning of: text, whole number, truth or nothing.
#: Money is the whole number of minor units, dates are ISO text; never float, never Decimal.
Neutral: TypeAlias = str | int | bool | None


class Side(StrEnum):
    SALESFORCE = "salesforce"
    STRIPE = "stripe"

    @property
    def other(self) -> Side:
        return Side.STRIPE if self is Side.SALESFORCE else Side.SALESFORCE


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """Names one record of one system. Salesforce ids are always the 18-character form."""

    side: Side
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.side.value} {self.kind} {self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which pair of systems a store belongs to; part of every key (invariants.md I21)."""

    org_id: str
    is_sandbox: bool
    account_id: str
    livemode: bool

    @property
    def words(self) -> str:
        org = "sandbox" if self.is_sandbox else "production"
        mode = "live" if self.livemode else "test"
        return f"{org} org {self.org_id} with {mode} account {self.account_id}"


#: cause of signals raised because news was lost: everything is looked at
CAUSE_GAP = "gap"
#: cause of signals of keys that a person asked for
CAUSE_PERSON = "person"
#: cause of signals raised because it is time to see whether what blocks a parked record is still there
CAUSE_LOOK = "look"
#: cause of signals for parked records whose condition seems to have turned true
CAUSE_RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """'Look at this key.' Carries no data."""

    key: Key
    #: why it was raised, for the log: poll, event, person, settle, parent
    cause: str = "poll"
    #: the system's version of the record if the source told it; equal to the link's -> no look needed
    version: str | None = None
    #: the idempotency key of the request that caused it, where the system says so (Stripe events)
    caused_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The current state of one key on one side."""

    key: Key
    #: opaque, compared for equality only; Salesforce SystemModstamp, Stripe has none ("")
    version: str
    #: as on the wire: nested JSON, money as Decimal (Salesforce) or int (Stripe)
    fields: Mapping[str, Any]
    #: child rows in their order: invoice lines, quote lines, allocations, invoice payments
    lines: tuple[Mapping[str, Any], ...] = ()
    #: False when the record does not meet the mapping's birth condition (`where`)
    selected: bool = True
    deleted: bool = False
    #: when the system says it was made
    created_at: datetime | None = None
    #: read so soon that it may change once more without its version telling, which is nothing to remember it by
    is_fresh: bool = field(default=False, compare=False)

    @property
    def id(self) -> str:
        return self.key.id


class LinkState(StrEnum):
    OPEN = "open"
    WAITING = "waiting"
    PARKED = "parked"
    CLOSED = "closed"


class ConditionType(StrEnum):
    """The sorts of causes that block a record; each is noticed, when it goes away, in its own way."""

    PARENT_MISSING = "parent_missing"
    VALUE_UNMAPPED = "value_unmapped"
    FIELD_NOT_WRITABLE = "field_not_writable"
    VALIDATION_RULE = "validation_rule"
    AMOUNT_MISMATCH = "amount_mismatch"
    LIMIT = "limit"
    PERIOD_CLOSED = "period_closed"
    RECORD_GONE = "record_gone"
    CONFLICT = "conflict"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What blocks a parked link, so that it can be grouped by it and released once it turned true."""

    type: ConditionType
    #: what it is about: a field, a picklist value, a rule's normalised text, a parent's key
    subject: str
    #: in words: what has to become true
    wanted: str
    #: how often it was looked at by itself in vain, and when the next such look is due (core/conditions.py)
    looks: int = 0
    look_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Something failed and is to be tried again, not before `next_at`; survives a restart."""

    #: failures in a row
    attempts: int
    #: the first of them
    since: datetime
    next_at: datetime
    #: the last failure
    code: str


#: per field name: (value last seen in Salesforce, value last seen in Stripe)
Shadow: TypeAlias = "Mapping[str, tuple[Neutral, Neutral]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The memory of a pair."""

    #: the key at the kind's birthplace
    born: Key
    #: the id on the other side, None until it exists there
    mate_id: str | None = None
    #: ids of earlier mates (a quote presented again), oldest first
    earlier_mates: tuple[str, ...] = ()
    shadow: Shadow = field(default_factory=dict)
    #: rises with every new operation row, also after Refused; never reused
    revision: int = 0
    state: LinkState = LinkState.OPEN
    #: why it waits or is parked, for people
    reason: str | None = None
    #: the normalised cause a parked link is grouped by, e.g. `invoice.too_many_lines`
    reason_code: str | None = None
    #: the parent this link waits for
    waiting_on: Key | None = None
    #: what would release it, and since when it is parked; None for a link that is not parked
    condition: Condition | None = None
    parked_at: datetime | None = None
    #: failures in a row, and when the next attempt may be made; None when the last one went well
    backoff: Backoff | None = None
    shard: int = 0
    #: last version seen per side, "" when unknown
    versions: Mapping[Side, str] = field(default_factory=dict)
    #: what a multi-step lifecycle must remember between steps, JSON-able
    progress: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.born.kind

    @property
    def mate(self) -> Key | None:
        if self.mate_id is None:
            return None
        return Key(side=self.born.side.other, kind=self.born.kind, id=self.mate_id)

    def id_on(self, side: Side) -> str | None:
        return self.born.id if side is self.born.side else self.mate_id


class Verdict(StrEnum):
    PUSH = "push"
    DRIFT = "drift"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field's verdict. Agreement is the absence of a Change."""

    field: str
    verdict: Verdict
    #: where the new value has to go (PUSH), or whose copy was edited (DRIFT)
    target: Side
    salesforce: Neutral
    stripe: Neutral


class OperationState(StrEnum):
    SENT = "sent"
    UNKNOWN = "unknown"
    SETTLED = "settled"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One write, durable before its call. `body` is what is sent again, never a new rendering."""

    #: the link it belongs to
    born: Key
    target: Side
    #: what the target's adapter knows how to do with this kind: create, update, finalize, ...
    action: str
    #: the record written to; None for a create
    target_id: str | None
    #: canonical JSON of the parameters or fields on the target's wire; see `body.py`
    body: bytes
    revision: int
    #: hash of identity, kind, birthplace id, revision, action: survives a lost or restored store
    idempotency_key: str
    state: OperationState = OperationState.SENT
    first_sent_at: datetime | None = None
    #: how often the call was made, over all runs
    attempts: int = 0
    #: why it was decided on, for the audit row of the intent; not stored with the operation
    cause: str = ""
    #: the store's row, None before it is stored
    id: int | None = None

    @property
    def kind(self) -> str:
        return self.born.kind


class FailureClass(StrEnum):
    """What a failure that may pass is made of."""

    #: no connection came about, so nothing was sent
    UNREACHABLE = "unreachable"
    #: nothing was written; it may pass by itself
    TRANSIENT = "transient"
    #: somebody else writes to the same record or its parent at this moment
    ROW_LOCK = "row_lock"
    #: too many requests, or a pause the system asked for
    THROTTLED = "throttled"
    #: the day's calls are used up
    QUOTA = "quota"
    #: sent, no trustworthy reply
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The system did it. `record` is its reply where the reply shows the whole record."""

    target_id: str
    record: Record | None = None
    request_id: str | None = None
    #: False when a Salesforce upsert found the record already there (a recovered create)
    created: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The system understood and said no; nothing was written."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    request_id: str | None = None
    #: True when the record to write to no longer exists
    gone: bool = False
    #: the sort of cause, as the adapter knows its system's codes
    condition: ConditionType = ConditionType.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Nothing was written; try again later."""

    code: str
    message: str
    retry_after_s: int | None = None
    #: what failed about this record; None when it was not its turn (its side stopped before)
    failure: FailureClass | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Sent, but no trustworthy reply: it may or may not have happened. Never folded into failure."""

    code: str
    message: str
    #: the same key gets this answer for ever: only a look tells what happened
    key_is_spent: bool = False
    request_id: str | None = None


Outcome: TypeAlias = Applied | Refusal | Delay | Unknown


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    BLOCKER = "blocker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should know. Identified by (code, subject): seen again, it is the same one."""

    #: stable id, documented in docs/findings.md, e.g. `invoice.balance_fell`
    code: str
    #: the record it is about; for counted findings the kind's name
    subject: str
    severity: Severity
    observed: str
    wanted: str
    why: str
    remedy: str
    #: how many records it stands for
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a stream of changes has been read to. The value is the adapter's own, opaque JSON text."""

    side: Side
    #: e.g. `blng__Invoice__c`, `events`, `payment_records`
    stream: str
    value: str
