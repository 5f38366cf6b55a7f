"""What an org holds, counted by few queries: currencies, invoices, quotes, Accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Currencies:
    """The money an org's invoices are in."""

    multi_currency: bool
    #: upper-case ISO code of an org with a single currency; None where it cannot be read
    single: str | None = None
    #: upper-case ISO code -> posted invoices that are not mirrored yet; empty without multi-currency
    used: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    found: int
    #: names of a few of them
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRecord:
    """A document the next pass would have to decide about."""

    id: str
    name: str
    #: every path of its mapping, as on the wire
    fields: Mapping[str, Any]
    #: what the mapping of customers reads of its Account; None without an Account
    customer: Mapping[str, Any] | None
    #: its child rows, where they were read
    lines: tuple[Mapping[str, Any], ...] | None = None
    #: how many child rows it has, where they were only counted and are more than Stripe takes
    too_many_lines: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRecords:
    """Documents of one kind that are not mirrored yet."""

    #: status as the org writes it -> how many
    statuses: Mapping[str, int]
    #: reason in the lifecycle's words -> those it leaves out, counted without being read
    outside: Mapping[str, Counted]
    #: those in question, the newest first where a day matters
    rows: tuple[OpenRecord, ...]
    #: how many are in question; more than `rows` when not all were read
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedAccount:
    id: str
    name: str
    #: the Stripe id it carries
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMarks:
    """Accounts that say which customer they are at Stripe."""

    rows: tuple[MarkedAccount, ...]
    #: how many there are; more than `rows` when not all were read
    total: int
    #: mark -> Accounts that carry it, where it is more than one
    repeated: Mapping[str, int]
