"""Records as `core/match` compares them, and the link two of them get when they turn out to be one thing.

Reading is tolerant: a field that cannot be read is a field that recognises nothing. What a record's state
forbids is not a candidate: a draft is no document yet, and what is void asks for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from connector.core import settle
from connector.core.lifecycle.invoice_birth import wanted_minor
from connector.core.lifecycle.payment import RECEIVED
from connector.core.mapping import Nature, read_path
from connector.core.model import Key, Link, Neutral, Record, Side
from connector.core.pair import Candidate
from connector.core.view import MARK_ID, MARK_ORG, OTHERS_LINES, Policy, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.mapping import FieldRule, KindMapping, Pack

#: lifecycle -> the states at Stripe in which a record may be somebody's mate
_ALIVE: Final[Mapping[str, frozenset[str]]] = {
    "invoice": frozenset({"open", "paid", "uncollectible"}),
    "quote": frozenset({"open"}),
    "payment": RECEIVED,
}
#: nothing that is read here depends on the moment
_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A record that may be matched, and what a link made of it remembers."""

    candidate: Candidate
    facts: Mapping[str, Any] = field(default_factory=dict)


def candidate_of(pack: Pack, mapping: KindMapping, record: Record, policy: Policy) -> Known | str:
    """The record as it is compared; or, in words, why it never is."""
    assert mapping.adopt is not None
    side = record.key.side
    mark = _mark(mapping, record, policy.org_id)
    reason = _left_out(pack, mapping, record)
    if reason is not None and mark is None:
        return reason
    view = _view(mapping, record, policy)
    rule = mapping.adopt
    names = {*rule.reference, *rule.hints}
    values = {each.name: _value(view, each, side) for each in mapping.fields if each.name in names}
    amount = next((_value(view, each, side) for each in mapping.fields if each.name == rule.amount), None)
    candidate = Candidate(
        side=side,
        id=record.id,
        label=_label(record),
        values=values,
        amount_minor=amount if isinstance(amount, int) else None,
        currency=view.currency,
        mark=mark,
        parent=_parent(mapping, record),
    )
    return Known(candidate=candidate, facts=_facts(mapping, record, view))


def link_of(mapping: KindMapping, salesforce: Known, stripe: Known, *, known: Link | None) -> Link:
    """The link of a pair that existed before us: nothing has been agreed yet, and nothing was made by us."""
    here, there = salesforce.facts, stripe.facts
    born, mate = salesforce.candidate.id, stripe.candidate.id
    if mapping.born is Side.STRIPE:
        born, mate = mate, born
    progress: dict[str, Any] = {"currency": stripe.candidate.currency or salesforce.candidate.currency}
    progress |= {name: here[name] for name in ("account",) if here.get(name) is not None}
    progress |= settle.observed(there)
    if mapping.nature is Nature.DOCUMENT:
        progress[OTHERS_LINES] = True
    shadow: dict[str, tuple[Neutral, Neutral]] = {}
    if mapping.lifecycle == "invoice":
        # what it was finalised with; amounts that agree are taken as Salesforce splits them
        same = here.get("total") == there.get("total")
        progress["final"] = here["final"] if same and here.get("final") else [there.get("total"), there.get("tax")]
    if mapping.lifecycle == "payment":
        # a fact people booked: never posted, allocated or edited by us
        progress |= {"verified": True, "posted": True, "complete": True}
        progress["allocated"] = dict.fromkeys(there.get("rows", ()), True)
        if mapping.adopt is not None and mapping.adopt.amount is not None:
            shadow = {mapping.adopt.amount: (salesforce.candidate.amount_minor, stripe.candidate.amount_minor)}
    return Link(
        born=Key(side=mapping.born, kind=mapping.kind, id=born),
        mate_id=mate,
        earlier_mates=() if known is None else known.earlier_mates,
        revision=0 if known is None else known.revision,
        progress={name: value for name, value in progress.items() if value is not None},
        shadow=shadow,
    )


def _view(mapping: KindMapping, record: Record, policy: Policy) -> View:
    here = record.key.side is Side.SALESFORCE
    return View(
        mapping=mapping,
        link=Link(born=record.key),
        policy=policy,
        now=_ANY_TIME,
        parents=lambda *_: None,
        salesforce=record if here else None,
        stripe=None if here else record,
    )


def _value(view: View, rule: FieldRule, side: Side) -> Neutral:
    path, record = rule.path(side), view.record(side)
    if path is None or record is None:
        return None
    try:
        return rule.codec(side).decode(read_path(record.fields, path), view.context)
    except ValueError:
        return None


def _mark(mapping: KindMapping, record: Record, org_id: str) -> str | None:
    if record.key.side is Side.SALESFORCE:
        found = read_path(record.fields, mapping.salesforce.marker)
        return None if found is None else str(found)
    if mapping.born is Side.STRIPE:
        return None  # a payment is known by the marker in Salesforce alone
    metadata = record.fields.get("metadata") or {}
    named = metadata.get(MARK_ID)
    return str(named) if named is not None and metadata.get(MARK_ORG) == org_id else None


def _left_out(pack: Pack, mapping: KindMapping, record: Record) -> str | None:
    if record.deleted:
        return "deleted"
    if record.key.side is Side.STRIPE:
        alive = _ALIVE.get(mapping.lifecycle)
        status = str(record.fields.get("status"))
        if alive is not None and status not in alive:
            return f"status {status}"
        metadata = record.fields.get("metadata") or {}
        is_ours = mapping.lifecycle == "payment" and metadata.get(MARK_ID) is not None
        return "reported from Salesforce" if is_ours else None
    # a kind born at Stripe has no states of its own: its neighbour on the object says what they mean
    for spec in (each.salesforce for each in (mapping, *pack.kinds_on(Side.SALESFORCE, mapping.salesforce.object))):
        if spec.state is not None:
            value = str(read_path(record.fields, spec.state))
            return None if spec.states.get(value) == "live" else f"status {value}"
    return None


def _label(record: Record) -> str:
    names = ("Name",) if record.key.side is Side.SALESFORCE else ("number", "name", "reference")
    found = (read_path(record.fields, name) for name in names)
    return next((str(each) for each in found if each), record.id)


def _parent(mapping: KindMapping, record: Record) -> str | None:
    assert mapping.adopt is not None
    if mapping.adopt.parent is None:
        return None
    if record.key.side is Side.SALESFORCE:
        found = read_path(record.fields, mapping.salesforce.roles[mapping.adopt.parent])
        return None if found is None else str(found)
    customer = record.fields.get("customer")
    found = customer.get("id") if isinstance(customer, dict) else customer
    return None if found is None else str(found)


def _facts(mapping: KindMapping, record: Record, view: View) -> dict[str, Any]:
    """What a link needs of this side; nothing large."""
    if record.key.side is Side.STRIPE:
        facts = {name: record.fields.get(name) for name in ("status", "expires_at")}
        if mapping.lifecycle == "invoice":
            facts["total"] = record.fields.get("total")
            facts["tax"] = sum(int(entry["amount"]) for entry in record.fields.get("total_taxes") or ())
        if mapping.lifecycle == "payment":
            facts["rows"] = [str(row["id"]) for row in record.lines]
        return facts
    path = mapping.salesforce.shard
    facts = {"account": None if path is None else read_path(record.fields, path)}
    if mapping.lifecycle == "invoice" and view.currency is not None:
        try:
            total, tax = wanted_minor(view)
        except ValueError:
            return facts
        facts |= {"total": total, "final": [total, tax]}
    return facts
