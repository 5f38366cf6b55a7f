"""What the next pass would do with documents it has not seen: asks the lifecycles themselves. Pure.

Parents are taken as mirrored, except a customer whose Account cannot be mirrored. Where the lines of a
document were not read, it is judged as if they added up to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core.lifecycle import decide
from connector.core.lifecycle.invoice_birth import BEFORE_GO_LIVE, is_before
from connector.core.mapping import read_path
from connector.core.model import Key, Link, Record, Side
from connector.core.verify.org_counts import Counted
from connector.core.view import Act, Ignore, Park, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from connector.core.mapping import KindMapping, Pack
    from connector.core.verify.org_counts import OpenRecord, OpenRecords
    from connector.core.view import Decision, Policy

#: names told of each reason
_EXAMPLES_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    mirrored: int
    #: why, in the words of a pass's report
    left_out: Mapping[str, Counted]
    #: what a person would have to correct first: the code the document, or its customer, would be parked with
    held_up: Mapping[str, Counted]
    #: what one document of each of these codes would be told
    reasons: Mapping[str, str]
    #: in question, and not looked at one by one
    unseen: int
    #: Accounts of mirrored documents that would become a customer
    new_customers: frozenset[str]
    #: Accounts of mirrored documents, linked or not, without an e-mail address
    without_email: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """The lifecycles, by the settings of this run."""

    pack: Pack
    policy: Policy
    now: datetime

    def decide(self, kind: str, fields: Mapping[str, Any], lines: tuple[Mapping[str, Any], ...] = ()) -> Decision:
        key = Key(side=Side.SALESFORCE, kind=kind, id=str(fields.get("Id", "")))
        view = View(
            mapping=self.pack.kinds[kind],
            link=Link(born=key),
            policy=self.policy,
            now=self.now,
            parents=_everybody_is_there,
            salesforce=Record(key=key, version="", fields=fields, lines=lines),
            read=frozenset({Side.SALESFORCE}),
            needed=True,
            kinds=self.pack.kinds,
        )
        return decide(view)


def _everybody_is_there(kind: str, side: Side, record_id: str) -> Link:
    return Link(born=Key(side=side, kind=kind, id=record_id), mate_id="there")


def forecast(mapping: KindMapping, found: OpenRecords, *, pack: Pack, policy: Policy, now: datetime) -> Forecast:
    """The outcome of a first pass over these documents, as far as it can be told without reading every line."""
    asker = _Asker(pack=pack, policy=policy, now=now)
    left_out: dict[str, Counted] = {}
    held_up: dict[str, Counted] = {}
    reasons: dict[str, str] = {}

    def count(decision: Decision, number: int, *names: str) -> None:
        if isinstance(decision, Ignore):
            _add(left_out, decision.reason, number, names)
        if isinstance(decision, Park):
            _add(held_up, decision.code, number, names)
            reasons.setdefault(decision.code, decision.reason)

    for decision, number in _by_status(mapping, found, asker):
        count(decision, number)
    for reason, counted in found.outside.items():
        _add(left_out, reason, counted.found, counted.examples)
    mirrored = []
    for row in found.rows:
        decision = _of_row(mapping, row, asker)
        count(decision, 1, row.name)
        if isinstance(decision, Act):
            mirrored.append(row)
    unseen = found.total - len(found.rows)
    # the newest were read: when the oldest of them is too old, so are the others
    too_old = "date" in mapping.salesforce.roles and unseen and is_before(_last_day(mapping, found), policy.go_live)
    if too_old:
        _add(left_out, BEFORE_GO_LIVE, unseen, ())
    return Forecast(
        mirrored=len(mirrored),
        left_out=left_out,
        held_up=held_up,
        reasons=reasons,
        unseen=0 if too_old else unseen,
        new_customers=frozenset(_unlinked(mirrored, pack)),
        without_email=frozenset(_without_email(mirrored, pack)),
    )


def _add(tally: dict[str, Counted], reason: str, number: int, names: Sequence[str]) -> None:
    if number:
        before = tally.get(reason, Counted(found=0))
        examples = tuple(dict.fromkeys((*before.examples, *names)))[:_EXAMPLES_MAX]
        tally[reason] = Counted(found=before.found + number, examples=examples)


def _by_status(mapping: KindMapping, found: OpenRecords, asker: _Asker) -> Iterator[tuple[Decision, int]]:
    """What follows for documents in a status that is not mirrored, whatever else they say."""
    spec = mapping.salesforce
    mirrored = {"live", "draft"} if mapping.options.get("mirror_drafts") else {"live"}
    for status, number in found.statuses.items():
        if spec.state is not None and spec.states.get(status) not in mirrored:
            yield asker.decide(mapping.kind, {spec.state: status}), number


def _of_row(mapping: KindMapping, row: OpenRecord, asker: _Asker) -> Decision:
    lines = row.lines if row.lines is not None else _stand_in(mapping, row)
    decision = asker.decide(mapping.kind, row.fields, lines)
    if not isinstance(decision, Act):
        return decision
    customer = asker.pack.kinds.get("customer")
    if customer is None:
        return decision
    if row.customer is None:
        return Park(code="no customer", reason="it belongs to no Account")
    if row.customer.get(customer.salesforce.marker) is not None:
        return decision
    trouble = asker.decide("customer", row.customer)
    return trouble if isinstance(trouble, Park) else decision


def _unlinked(rows: Sequence[OpenRecord], pack: Pack) -> Iterator[str]:
    customer = pack.kinds.get("customer")
    if customer is not None:
        marker = customer.salesforce.marker
        yield from (row.customer["Id"] for row in rows if row.customer is not None and row.customer.get(marker) is None)


def _without_email(rows: Sequence[OpenRecord], pack: Pack) -> Iterator[str]:
    customer = pack.kinds.get("customer")
    rules = () if customer is None else customer.fields
    path = next((rule.salesforce for rule in rules if rule.stripe == "email"), None)
    if path is not None:
        yield from (
            row.customer["Id"] for row in rows if row.customer is not None and not read_path(row.customer, path)
        )


def _last_day(mapping: KindMapping, found: OpenRecords) -> Any:
    return _role(mapping, found.rows[-1], "date") if found.rows else None


def _stand_in(mapping: KindMapping, row: OpenRecord) -> tuple[Mapping[str, Any], ...]:
    """Lines that add up to the document, one or as many as it has."""
    spec = mapping.lines
    total, tax = _role(mapping, row, "total"), _role(mapping, row, "tax")
    if spec is None or total is None:
        return ()
    tax = Decimal(tax or 0)
    first = {"Id": row.id, spec.roles["amount"]: Decimal(total) - tax}
    if "tax" in spec.roles:
        first[spec.roles["tax"]] = tax
    other = {"Id": row.id, spec.roles["amount"]: Decimal(0)}
    return (first, *(other for _ in range((row.too_many_lines or 1) - 1)))


def _role(mapping: KindMapping, row: OpenRecord, role: str) -> Any:
    path = mapping.salesforce.roles.get(role)
    return None if path is None else read_path(row.fields, path)
