"""What a pass would do, as a document a person can read, keep and approve.

An entry names one pair's next write. Ids that do not exist yet are symbolic (`{customer 001...}`),
so that the same intent has the same digest before and after its parents were made.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from connector.core.body import encode_body

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 1
#: what one Salesforce collections call writes (platform.md B)
ROWS_PER_CALL = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """One line of a document that would be made, as a person who approves money reads it."""

    description: str
    #: a decimal number, as text; None where Salesforce names none
    quantity: str | None
    amount_minor: int
    tax_minor: int
    #: Salesforce id of the product sold, if any
    product: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEntry:
    kind: str
    #: the birthplace id
    id: str
    #: what people call it: an invoice number, a name
    label: str
    #: salesforce or stripe
    target: str
    action: str
    target_id: str | None
    changes: tuple[FieldChange, ...]
    moves_money: bool
    destructive: bool
    amount_minor: int | None
    currency: str | None
    #: version per side the decision was made by
    base: Mapping[str, str]
    #: hash of kind, id, action and body with symbolic references
    digest: str
    #: `stripe` calls and `salesforce_rows` written, its later steps included
    costs: Mapping[str, int]
    lines: tuple[PlanLine, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    org_id: str
    account_id: str
    pack_digest: str
    created_at: str
    entries: tuple[PlanEntry, ...]
    #: (key, reason) of what waits or is parked
    waiting: tuple[tuple[str, str], ...] = ()
    parked: tuple[tuple[str, str], ...] = ()
    #: kind -> reason -> number
    not_mirrored: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    #: findings the decisions made, as dicts
    findings: tuple[Mapping[str, Any], ...] = ()

    def totals(self) -> dict[str, int]:
        """Lower-case currency -> minor units billed or moved by this plan."""
        totals: dict[str, int] = {}
        for entry in self.entries:
            if entry.moves_money and entry.amount_minor is not None and entry.currency is not None:
                totals[entry.currency] = totals.get(entry.currency, 0) + entry.amount_minor
        return totals

    def calls(self) -> dict[str, int]:
        """Writing calls, about: Salesforce takes the rows of a kind in calls of 200; reads are not counted."""
        rows: dict[str, int] = {}
        for entry in self.entries:
            rows[entry.kind] = rows.get(entry.kind, 0) + entry.costs.get("salesforce_rows", 0)
        return {
            "salesforce": sum(-(-count // ROWS_PER_CALL) for count in rows.values()),
            "stripe": sum(entry.costs.get("stripe", 0) for entry in self.entries),
        }

    def as_dict(self) -> dict[str, Any]:
        """Stable, JSON-able; `from_dict` reads it back."""
        return {"schema_version": SCHEMA_VERSION, **json.loads(json.dumps(asdict(self), default=str))}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Plan:
        """Raises ValueError when this is not a plan of this version."""
        if data.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"plan schema {data.get('schema_version')!r}, this program reads {SCHEMA_VERSION}")
        try:
            entries = tuple(_read_entry(entry) for entry in data["entries"])
            return Plan(
                org_id=data["org_id"],
                account_id=data["account_id"],
                pack_digest=data["pack_digest"],
                created_at=data["created_at"],
                entries=entries,
                waiting=tuple((key, reason) for key, reason in data["waiting"]),
                parked=tuple((key, reason) for key, reason in data["parked"]),
                not_mirrored=data["not_mirrored"],
                findings=tuple(data["findings"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a plan: {error}") from error


def _read_entry(entry: Mapping[str, Any]) -> PlanEntry:
    parts = {
        "changes": tuple(FieldChange(**change) for change in entry["changes"]),
        "lines": tuple(PlanLine(**line) for line in entry["lines"]),
    }
    return PlanEntry(**{**entry, **parts})


def digest(kind: str, born_id: str, action: str, body: Mapping[str, Any]) -> str:
    """What an approval is bound to."""
    content = {"kind": kind, "id": born_id, "action": action, "body": dict(body)}
    return hashlib.sha256(encode_body(content)).hexdigest()
