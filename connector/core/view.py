"""What every lifecycle looks at and what it may answer.

A lifecycle is one pure function `decide(view) -> Decision`. It is asked again after every answer
was carried out, until it answers something other than an Act or a Read: multi-step kinds are one
operation per step. It sees the records as read in this drain and may ask for more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from connector.core.currencies import CURRENCIES
from connector.core.fields import decode_fields
from connector.core.mapping import Context, KindMapping, read_path
from connector.core.model import Finding, Key, Link, Neutral, Record, Side

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from connector.core.currencies import CurrencyTable
    from connector.core.line import Line
    from connector.core.model import ConditionType

#: Stripe metadata that is our mark (architecture.md 2)
MARK_ID = "salesforce_id"
MARK_ORG = "salesforce_org"
#: a document in one of these states takes no changes at Stripe any more: what Salesforce says later is its own matter
OVER_AT_STRIPE: Final = frozenset({"accepted", "canceled", "void"})
#: where a link keeps the ids it may be the pair of, until a person decides (`connector adopt`)
UNDECIDED = "undecided"
#: where it keeps the ids that a person said are others
SEPARATE = "separate"
#: of a link whose copy was there before us: its lines are not compared with the rows of Salesforce
OTHERS_LINES = "others_lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings lifecycles decide by."""

    #: invoices dated before are never mirrored; None refuses to mirror any
    go_live: date | None
    time_zone: ZoneInfo
    #: the org's currency where CurrencyIsoCode does not exist, lower case
    currency: str | None
    org_id: str
    #: how Stripe counts each currency
    currencies: CurrencyTable = field(default_factory=lambda: CURRENCIES)


class Parents(Protocol):
    def __call__(self, kind: str, side: Side, record_id: str) -> Link | None:
        """The link that holds this id, if it is known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    mapping: KindMapping
    link: Link
    policy: Policy
    now: datetime
    parents: Parents
    salesforce: Record | None = None
    stripe: Record | None = None
    #: which sides were read in this drain; a side read and None does not exist
    read: frozenset[Side] = frozenset()
    #: another record needs this one, whatever `where` says
    needed: bool = False
    #: records of other pairs that a Read asked for; None does not exist
    others: Mapping[Key, Record | None] = field(default_factory=dict)
    #: the mappings of all kinds, to read `others` by
    kinds: Mapping[str, KindMapping] = field(default_factory=dict)

    #: what `values` has decoded already; a decision asks more than once
    decoded: dict[Side, Mapping[str, Neutral]] = field(default_factory=dict, compare=False, repr=False)

    def record(self, side: Side) -> Record | None:
        return self.salesforce if side is Side.SALESFORCE else self.stripe

    def values(self, side: Side) -> Mapping[str, Neutral]:
        """The record's mapped fields, decoded. Raises ValueError naming field and value."""
        if side not in self.decoded:
            record = self.record(side)
            assert record is not None
            self.decoded[side] = decode_fields(self.mapping, side, record.fields, self.context)
        return self.decoded[side]

    @property
    def context(self) -> Context:
        return Context(currency=self.currency, time_zone=self.policy.time_zone, currencies=self.policy.currencies)

    @property
    def currency(self) -> str | None:
        """Lower-case ISO code of the pair: as linked, else as the record says, else the org's only one."""
        linked = self.link.progress.get("currency")
        if linked is not None:
            return str(linked)
        named = self.named_currency
        if named is not None:
            return named
        if self.stripe is not None and self.stripe.fields.get("currency") is not None:
            return str(self.stripe.fields["currency"])
        return self.policy.currency

    @property
    def named_currency(self) -> str | None:
        """Lower-case ISO code that the Salesforce record names now; None where the org has only one."""
        if self.salesforce is None or self.mapping.salesforce.currency is None:
            return None
        code = read_path(self.salesforce.fields, self.mapping.salesforce.currency)
        return None if code is None else str(code).lower()

    @property
    def left_currency(self) -> bool:
        """Whether the Salesforce record is in another currency by now than the pair: its amounts are other money."""
        return self.named_currency not in (None, self.currency)

    def role(self, name: str) -> Any:
        """What the Salesforce record holds at the path the mapping gives this role."""
        assert self.salesforce is not None
        path = self.mapping.salesforce.roles.get(name)
        return None if path is None else read_path(self.salesforce.fields, path)

    def state(self) -> tuple[str | None, str]:
        """The lifecycle state of the Salesforce record (None when its value is not covered) and the value."""
        assert self.salesforce is not None
        spec = self.mapping.salesforce
        assert spec.state is not None
        value = str(read_path(self.salesforce.fields, spec.state))
        return spec.states.get(value), value

    def stripe_status(self) -> str | None:
        """The status of the Stripe record as read now, else as last seen; None when it is gone or was never seen."""
        seen = self.link.progress.get("status")
        if Side.STRIPE in self.read:
            seen = None if self.stripe is None else self.stripe.fields.get("status")
        return None if seen is None else str(seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Write this, then ask again."""

    target: Side
    action: str
    body: Mapping[str, Any]
    target_id: str | None = None
    #: the source's value of every field this write carries, by field name: the shadow once it is applied
    sent: Mapping[str, Neutral] = field(default_factory=dict)
    #: what the link must remember once it is applied
    progress: Mapping[str, Any] = field(default_factory=dict)
    #: parameters that depend on the moment, left out when two plans are compared
    volatile: frozenset[str] = frozenset()
    #: what the steps after this one will carry, with a stable repr: who approves a plan approves it too
    later: tuple[object, ...] = ()
    #: of a document that is made: its lines, for who reads the plan, and as much a part of what is approved
    lines: tuple[Line, ...] = ()
    #: True for steps that move or bill money; listed last and in red by `plan`
    moves_money: bool = False
    #: True for steps that end a document: void, cancel, delete
    destructive: bool = False
    #: keys to look at once it is applied
    signals: tuple[Key, ...] = ()
    findings: tuple[Finding, ...] = ()
    #: no other act that names the same key may be under way: both were decided by what it says now
    exclusive: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Read these, then ask again."""

    sides: frozenset[Side] = frozenset()
    #: records of other pairs
    others: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing can be done before this key has a mate."""

    on: Key
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """A person is needed. `code` groups, `reason` says what would release it."""

    code: str
    reason: str
    findings: tuple[Finding, ...] = ()
    #: one of the two records is gone: what earlier findings said of the pair is over
    gone: bool = False
    #: what exactly blocks it, where the code alone does not say: the field, the value (core/conditions.py)
    about: str = ""
    #: the sort of cause, where it is another than the code's own
    sort: ConditionType | None = None
    #: the record of another pair that may end it; when that is settled, this one is looked at again
    on: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """Not mirrored, and why, as counted in reports; no link is kept."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaimed:
    """Found at Stripe, and nobody claims it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Nothing left to do."""

    findings: tuple[Finding, ...] = ()
    #: (code, subject) of findings that no longer hold
    cleared: tuple[tuple[str, str], ...] = ()
    progress: Mapping[str, Any] = field(default_factory=dict)
    closed: bool = False
    #: fields whose new value Stripe shows already: remembered as agreed, though the two read differently
    learned: frozenset[str] = frozenset()
    #: the mate is history; ask again for a new one
    reissue: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The record was merged into another one, which inherits its mate."""

    to: Key


Decision: TypeAlias = Act | Read | Wait | Park | Ignore | Unclaimed | Settled | Moved


def need(view: View, *sides: Side) -> Read | None:
    """A Read of those of these sides that were not read yet."""
    missing = frozenset(sides) - view.read
    return Read(sides=missing) if missing else None


def missing_mate(view: View, *, code: str, reason: str) -> Decision:
    """What follows when the mate is gone at Stripe: a person says whether there shall be another one, by
    emptying the marker in Salesforce.
    """
    assert view.stripe is None or view.stripe.deleted
    assert view.salesforce is not None
    marker = view.mapping.salesforce.marker
    if view.salesforce.fields.get(marker) is None:
        return Settled(reissue=True)
    return Park(code=code, reason=f"{reason}; clear {marker} in Salesforce to make a new one", gone=True)


def mark(view: View) -> dict[str, str]:
    """The metadata by which we recognise what is ours, in whichever store."""
    return {MARK_ID: view.link.born.id, MARK_ORG: view.policy.org_id}
