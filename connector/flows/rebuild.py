"""Links everything again by the marks both systems carry, after the store was lost, restored or doubled.

Lists both sides whole, kind by kind, parents first. Writes to our own store only: what differs between the
two systems is worked off by the passes that follow, which the brake `store_restored` refuses until then.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from connector.core import settle
from connector.core.brake import BrakeName
from connector.core.fields import FieldErrors, decode_fields, encode_fields, with_hash_parts
from connector.core.mapping import Context, read_path
from connector.core.model import Key, Link, LinkState, Neutral, Record, Side, Signal
from connector.core.relink import Choice, Copy, choose, differing, relinked
from connector.flows.marks import TRUSTED_UNTIL
from connector.flows.subject import marked_id, shard_of
from connector.ports import Settlement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.core.mapping import KindMapping
    from connector.flows.workspace import Workspace

#: links read and stored in one transaction
_BATCH: Final = 500
#: a lost store may have used this many revisions more than its backup knows: their keys are not used again
REVISIONS_SKIPPED: Final = 1000


@dataclass(slots=True, kw_only=True)
class KindRebuild:
    """What was found of one kind."""

    #: pairs the store knew as they are
    known: int = 0
    #: pairs that are linked again
    relinked: int = 0
    #: copies with our mark whose record the other side does not list: linked too, so that nothing is made twice
    one_sided: int = 0
    #: field -> pairs whose two sides differ in it
    differing: Counter[str] = field(default_factory=Counter)
    #: (id, why) of records that carry a mark and could not be linked
    unlinked: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    born: Key
    choice: Choice
    #: of the Salesforce record; None when it is not listed
    values: Mapping[str, Neutral] | None


def plan_rebuild(workspace: Workspace) -> dict[str, KindRebuild]:
    """What `rebuild` would do; nothing is stored."""
    return {kind: _rebuild_kind(workspace, kind, stores=False) for kind in workspace.kinds()}


def rebuild(workspace: Workspace, *, by: str, reason: str) -> dict[str, KindRebuild]:
    """Links everything again and releases the brake. Safe to repeat, also after it was interrupted."""
    started = workspace.clock.now()
    workspace.store.marks.skip_revisions(REVISIONS_SKIPPED)
    done = {kind: _rebuild_kind(workspace, kind, stores=True) for kind in workspace.kinds()}
    workspace.store.save_note(TRUSTED_UNTIL, started.isoformat())
    workspace.store.brakes.release(BrakeName.STORE_RESTORED, "", by=by, reason=reason, at=workspace.clock.now())
    return done


def _rebuild_kind(workspace: Workspace, kind: str, *, stores: bool) -> KindRebuild:
    mapping, found = workspace.pack.kinds[kind], KindRebuild()
    pairs = _pairs_born_at_stripe if mapping.born is Side.STRIPE else _pairs_born_in_salesforce
    batch: list[_Pair] = []
    for pair in pairs(workspace, mapping, found):
        batch.append(pair)
        if len(batch) == _BATCH:
            _link(workspace, mapping, batch, found, stores=stores)
            batch = []
    _link(workspace, mapping, batch, found, stores=stores)
    return found


def _pairs_born_in_salesforce(workspace: Workspace, mapping: KindMapping, found: KindRebuild) -> Iterator[_Pair]:
    copies = _copies(workspace, mapping)
    marked: dict[str, list[Copy]] = {}
    for copy in copies.values():
        if copy.names is not None:
            marked.setdefault(copy.names, []).append(copy)
    needs_mark = _shares_with_born_at_stripe(workspace, mapping)
    listed = 0
    for page in workspace.salesforce.fetch_all(mapping.kind, lines=False):
        for record in page:
            marker = _marker(mapping, record)
            named = copies.get(marker) if marker is not None else None
            choice = choose(marked.pop(record.id, []), None if needs_mark else named, marker=marker)
            if choice.copy is None:
                if marker is not None and not needs_mark:
                    found.unlinked.append((record.id, _why_not(marker, named)))
                continue
            found.unlinked += [(copy_id, _doubled(record.id, choice.copy)) for copy_id in choice.doubles]
            yield _Pair(born=record.key, choice=choice, values=_values(workspace, mapping, record, choice.copy))
        listed += len(page)
        workspace.progress(f"listing {mapping.kind}", listed, 0)
    for born_id, group in marked.items():
        choice = choose(group, None, marker=None)
        assert choice.copy is not None
        found.one_sided += 1
        yield _Pair(born=Key(side=Side.SALESFORCE, kind=mapping.kind, id=born_id), choice=choice, values=None)


def _pairs_born_at_stripe(workspace: Workspace, mapping: KindMapping, found: KindRebuild) -> Iterator[_Pair]:
    """The Salesforce record is the copy here, and its external id is the mark."""
    sources = _copies(workspace, mapping)
    for page in workspace.salesforce.fetch_all(mapping.kind, lines=False):
        for record in page:
            marker = _marker(mapping, record)
            source = sources.get(marker) if marker is not None else None
            if marker is None or (source is not None and source.names is not None):
                # what carries our mark at Stripe is a copy itself, of a kind that is born in Salesforce
                continue
            if source is None:
                found.unlinked.append((record.id, _why_not(marker, None)))
                continue
            values = _values(workspace, mapping, record, source)
            progress = {name: source.progress[name] for name in ("currency",) if name in source.progress}
            if not differing(values, source.values, [rule.name for rule in mapping.fields]):
                # what differs is verified again before anything more is done about it
                progress |= _posted(mapping, record)
            mate = Copy(id=record.id, names=marker, values=source.values, progress=progress)
            yield _Pair(
                born=Key(side=Side.STRIPE, kind=mapping.kind, id=marker), choice=Choice(copy=mate), values=values
            )


def _link(
    workspace: Workspace, mapping: KindMapping, pairs: Sequence[_Pair], found: KindRebuild, *, stores: bool
) -> None:
    known = workspace.store.load_links([pair.born for pair in pairs])
    names = [rule.name for rule in mapping.fields if not rule.create_only]
    settlements = []
    for pair in pairs:
        before = known.get(pair.born) or Link(born=pair.born, shard=shard_of(pair.born.id, workspace.shards))
        link = relinked(before, pair.choice, pair.values)
        assert pair.choice.copy is not None
        if pair.values is None and pair.choice.copy.is_over:
            link = replace(link, state=LinkState.CLOSED, reason="over before everything was linked again")
        if pair.values is not None:
            there = pair.choice.copy.values
            differ = differing(pair.values, there, names)
            settled = [name for name in differ if before.shadow.get(name) == (pair.values[name], there[name])]
            found.differing.update(set(differ) - {*settled, *_without_form(workspace, mapping, pair, differ)})
        if link.mate_id == before.mate_id:
            found.known += 1
        else:
            found.relinked += 1
        signals = (Signal(key=link.born, cause="recover"),)
        event = f"{mapping.kind} linked again by its marks"
        settlements.append(Settlement(link=link, event=event, cause="recover", signals=signals))
    if stores and settlements:
        workspace.store.settle(settlements)


def _without_form(workspace: Workspace, mapping: KindMapping, pair: _Pair, differ: Sequence[str]) -> list[str]:
    """Those for whose value Stripe has no place: both sides read differently for ever (core/bodies.py)."""
    assert pair.values is not None
    assert pair.choice.copy is not None
    values = {name: pair.values.get(name) for name in with_hash_parts(mapping, Side.STRIPE, differ)}
    context = _context(workspace, pair.choice.copy.progress.get("currency"))
    try:
        body = encode_fields(mapping, Side.STRIPE, values, context, creating=True)
    except FieldErrors:
        return []
    places = {rule.name: str(rule.stripe) for rule in mapping.fields}
    return [name for name in differ if values[name] is not None and read_path(body, places[name]) is None]


def _copies(workspace: Workspace, mapping: KindMapping) -> dict[str, Copy]:
    """The Stripe records of the kind by id, as little of each as is needed."""
    org_id = workspace.identity.org_id
    return {
        record.id: Copy(
            id=record.id,
            names=marked_id(record, org_id),
            values=_decoded(workspace, mapping, Side.STRIPE, record, _currency(record)),
            progress={**settle.observed(record.fields), **_named_currency(record)},
        )
        for page in workspace.stripe.fetch_all(mapping.kind, lines=False)
        for record in page
    }


def _values(workspace: Workspace, mapping: KindMapping, record: Record, copy: Copy) -> Mapping[str, Neutral]:
    return _decoded(workspace, mapping, Side.SALESFORCE, record, copy.progress.get("currency"))


def _decoded(
    workspace: Workspace, mapping: KindMapping, side: Side, record: Record, currency: str | None
) -> Mapping[str, Neutral]:
    """What can be read of it; a record that cannot is parked by name when it is looked at."""
    try:
        return decode_fields(mapping, side, record.fields, _context(workspace, currency))
    except FieldErrors:
        return {}


def _context(workspace: Workspace, currency: str | None) -> Context:
    policy = workspace.policy
    return Context(currency=currency or policy.currency, time_zone=policy.time_zone, currencies=policy.currencies)


def _currency(record: Record) -> str | None:
    currency = record.fields.get("currency")
    return None if currency is None else str(currency)


def _named_currency(record: Record) -> dict[str, Any]:
    currency = _currency(record)
    return {} if currency is None else {"currency": currency}


def _posted(mapping: KindMapping, record: Record) -> dict[str, Any]:
    """A payment that is posted already is not posted again."""
    status, posted = mapping.salesforce.roles.get("status"), mapping.options.get("posted_status")
    if status is None or posted is None or read_path(record.fields, status) != posted:
        return {}
    return {"verified": True, "posted": True}


def _marker(mapping: KindMapping, record: Record) -> str | None:
    marker = record.fields.get(mapping.salesforce.marker)
    return None if not marker else str(marker)


def _shares_with_born_at_stripe(workspace: Workspace, mapping: KindMapping) -> bool:
    """Whether a marker alone does not tell the kind: payments and offline payments share their object."""
    shared = workspace.pack.kinds_on(Side.SALESFORCE, mapping.salesforce.object)
    return any(other.born is Side.STRIPE for other in shared)


def _why_not(marker: str, named: Copy | None) -> str:
    if named is None:
        return f"names {marker}, which this Stripe account does not list"
    return f"names {marker}, which carries the mark of {named.names}"


def _doubled(born_id: str, mate: Copy) -> str:
    return f"carries the mark of {born_id}, which is linked to {mate.id}"
