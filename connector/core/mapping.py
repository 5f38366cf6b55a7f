"""A mapping pack after loading: pure data the core decides by and the adapters read by.

`config/mapping_loader.py` builds these from YAML and reports every problem with file and line;
nothing here reads a file. The YAML vocabulary is documented in docs/mapping.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from connector.core.currencies import CURRENCIES
from connector.core.model import Neutral, Side

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from connector.core.currencies import CurrencyTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a codec may need besides the value."""

    #: lower-case ISO code of the record's currency; None for records without money
    currency: str | None
    #: the time zone in which the org's dates are meant
    time_zone: ZoneInfo
    #: how Stripe counts each currency
    currencies: CurrencyTable = field(default_factory=lambda: CURRENCIES, compare=False)


class Codec(Protocol):
    """One wire form of a neutral value. `decode(encode(v)) == v` for every v it can write."""

    def decode(self, wire: Any, context: Context) -> Neutral:
        """Raises ValueError, with a message for people, when the wire value is not of this form."""
        ...

    def encode(self, value: Neutral, context: Context) -> Any: ...


class Owner(StrEnum):
    SALESFORCE = "salesforce"
    STRIPE = "stripe"
    EITHER = "either"


class Nature(StrEnum):
    CATALOGUE = "catalogue"  # may change for ever: customer, product
    DOCUMENT = "document"  # may change until final: quote, invoice
    FACT = "fact"  # created once, never edited: payment


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    name: str
    owner: Owner
    #: dotted path on each wire; None on a side that does not hold the field
    salesforce: str | None
    stripe: str | None
    salesforce_codec: Codec
    stripe_codec: Codec
    #: for owner either: who wins when both moved; None parks the link
    prefer: Side | None = None
    #: compared, never sent
    check: bool = False
    #: sent when the mate is created, never compared afterwards
    create_only: bool = False
    #: what to do when somebody edits the copy: `report` or `revert`
    on_drift: str = "report"
    #: file:line for messages
    source: str = ""

    def path(self, side: Side) -> str | None:
        return self.salesforce if side is Side.SALESFORCE else self.stripe

    def codec(self, side: Side) -> Codec:
        return self.salesforce_codec if side is Side.SALESFORCE else self.stripe_codec


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A Salesforce object whose changes concern records of a kind (it feeds formulas or roll-ups)."""

    object: str
    #: paths on `object` that hold the id of the record concerned, per kind: {"invoice": "blng__Invoice__c"}
    keys: Mapping[str, str]
    #: path of the timestamp polled
    stamp: str = "SystemModstamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSpec:
    """Child rows read with a record."""

    object: str
    #: lookup field on the child that holds the record's id
    parent: str
    order: str
    #: wire paths to read, e.g. `blng__Product__r.Name`
    paths: tuple[str, ...]
    #: role of a path for the shape function: {"amount": "blng__Subtotal__c", "product": "blng__Product__c"}
    roles: Mapping[str, str]
    #: name of the core function that makes the other side's line, see core/shapes.py
    shape: str
    #: SOQL condition on the child rows, e.g. `SBQQ__Optional__c = false`
    where: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanionSpec:
    """A row written with the record, with its own marker: a payment's allocation."""

    object: str
    marker: str
    #: role -> field: {"parent": "blng__Payment__c", "invoice": "blng__Invoice__c", "amount": "blng__Amount__c", ...}
    roles: Mapping[str, str]
    #: constant fields written on create
    constants: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceSpec:
    object: str
    marker: str
    #: SOQL condition deciding birth; None selects by need only when `born_by_need`, else everything
    where: str | None = None
    #: path of the status that `states` maps; None for kinds without one
    state: str | None = None
    #: picklist value -> lifecycle state (`absent`, `draft`, `live`, `accepted`, `cancelled`, ...)
    states: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    #: path of the Account (or parent) whose hash is the shard; None shards by own id
    shard: str | None = None
    #: role -> path, for what lifecycles need beside `fields`: {"total": "blng__TotalAmount__c", "balance": ...}
    roles: Mapping[str, str] = field(default_factory=dict)
    #: constant fields written on create
    constants: Mapping[str, Any] = field(default_factory=dict)
    watches: tuple[Watch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSpec:
    #: the resource: customer, product, quote, invoice, payment, payment_record
    object: str
    #: constant parameters per action: {"create": {"auto_advance": false, ...}, "finalize": {...}}
    constants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRule:
    """How records that both systems held before they were joined are recognised; names are `fields`."""

    #: equal letter for letter, all of them: who somebody or what something is
    reference: tuple[str, ...] = ()
    #: the money field that must be equal too, in the same currency; None for kinds without an amount
    amount: str | None = None
    #: what makes a suggestion more likely
    hints: tuple[str, ...] = ()
    #: the role that names the record it belongs to: an invoice's customer
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindMapping:
    kind: str
    nature: Nature
    born: Side
    #: name of the lifecycle in core/lifecycle
    lifecycle: str
    #: order of work in a pass: parents first
    tier: int
    #: kinds whose mates this kind refers to
    needs: tuple[str, ...]
    #: mirrored only when another record needs it (or `where` selects it)
    born_by_need: bool
    salesforce: SalesforceSpec
    stripe: StripeSpec
    fields: tuple[FieldRule, ...]
    #: Salesforce child rows read with the record
    lines: LineSpec | None = None
    #: child rows of further objects, read with the record like `lines`: a payment is allocated to an invoice or its lines
    more_lines: tuple[LineSpec, ...] = ()
    also: tuple[CompanionSpec, ...] = ()
    after_final: str = "park"
    #: None: a record of this kind is never taken for one that was there before
    adopt: AdoptRule | None = None
    #: the kind's own settings, checked by the loader: {"on_accept": "cancel", "on_cancel": "finding", ...}
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def line_specs(self) -> tuple[LineSpec, ...]:
        return self.more_lines if self.lines is None else (self.lines, *self.more_lines)

    def object_on(self, side: Side) -> str:
        return self.salesforce.object if side is Side.SALESFORCE else self.stripe.object


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """All kinds of one mapping pack, by name, in tier order."""

    name: str
    kinds: Mapping[str, KindMapping]
    #: content hash: a changed mapping is noticed (invariants.md I24)
    digest: str

    def kinds_on(self, side: Side, object_name: str) -> tuple[KindMapping, ...]:
        """The kinds that live on one object: payment and offline_payment share blng__Payment__c."""
        return tuple(mapping for mapping in self.kinds.values() if mapping.object_on(side) == object_name)


def read_path(fields: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path of nested JSON; None where any step is missing or null."""
    value: Any = fields
    try:
        for step in _steps(path):
            value = value[step]
    except (KeyError, TypeError, IndexError):
        # nothing there, or something that holds no fields
        return None
    return value


@cache
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))
