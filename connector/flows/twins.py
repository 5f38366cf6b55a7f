"""What we are about to make, and may exist at Stripe already: noticed from memory, before the write.

`connector adopt` asks once what both systems had in common. Who comes later, made at Stripe by hand or brought to
Salesforce by an import, is recognised by traits of the records that were seen at Stripe and claimed by nobody. That
costs one look-up in our own database per batch of births; Stripe is only asked where a trait is shared.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.candidates import Known, candidate_of
from connector.core.lifecycle.undecided import held
from connector.core.match_values import SHARED_MAX
from connector.core.model import Key, Side
from connector.core.twins import is_anothers, traits_of
from connector.core.view import SEPARATE, UNDECIDED, Unclaimed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.core.mapping import KindMapping
    from connector.core.model import Record
    from connector.core.pair import Candidate
    from connector.core.view import Act, Park
    from connector.flows.subject import Subject
    from connector.flows.workspace import Workspace


def remember_strangers(workspace: Workspace, subjects: Iterable[Subject]) -> None:
    """Keeps by what those of these that nobody claims are recognised, and forgets those that are gone."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for subject in subjects:
        if subject.verdict is None or not _is_made_by_us(subject.mapping):
            continue
        record = subject.records.get(Side.STRIPE)
        is_unclaimed = isinstance(subject.verdict, Unclaimed) and record is not None
        stranger = _nobodys(workspace, subject.mapping, record) if is_unclaimed and record is not None else None
        traits = frozenset() if stranger is None else _traits(subject.mapping, stranger)
        found.setdefault(subject.mapping.kind, {})[subject.link.born.id] = traits
    for kind, by_id in found.items():
        workspace.store.strangers.remember(kind, by_id)


def keep_from_birth(workspace: Workspace, acts: Sequence[tuple[Subject, Act]]) -> dict[Key, Park]:
    """The links whose record may be at Stripe already, as it is now, and why they are not made; their subjects
    remember which it may be.
    """
    kept: dict[Key, Park] = {}
    births: dict[str, list[Subject]] = {}
    for subject, act in acts:
        if act.action == "create" and act.target is Side.STRIPE and _is_made_by_us(subject.mapping):
            births.setdefault(subject.mapping.kind, []).append(subject)
    for kind, subjects in births.items():
        if not workspace.store.strangers.are_known(kind):
            continue
        for subject, ids in _rivals(workspace, workspace.pack.kinds[kind], subjects):
            subject.link = replace(subject.link, progress={**subject.link.progress, UNDECIDED: ids})
            park = held(subject.link)
            assert park is not None
            kept[subject.link.born] = park
    return kept


def let_go(workspace: Workspace, subjects: Iterable[Subject]) -> None:
    """Those that are kept from birth forget who it may not be any more: a record that is gone, void, linked or
    somebody's by now. Whom nobody is left for is made like any other, unless it is kept anew.
    """
    kept: dict[str, list[Subject]] = {}
    for subject in subjects:
        link = subject.link
        if link.mate_id is None and link.progress.get(UNDECIDED) and _is_made_by_us(subject.mapping):
            kept.setdefault(link.kind, []).append(subject)
    for kind, waiting in kept.items():
        wanted = {each for subject in waiting for each in subject.link.progress[UNDECIDED]}
        strangers = _strangers(workspace, workspace.pack.kinds[kind], wanted)
        for subject in waiting:
            progress = dict(subject.link.progress)
            left = [each for each in progress.pop(UNDECIDED) if each in strangers]
            subject.link = replace(subject.link, progress=progress | ({UNDECIDED: left} if left else {}))


def _is_made_by_us(mapping: KindMapping) -> bool:
    return mapping.adopt is not None and mapping.born is Side.SALESFORCE


def _rivals(workspace: Workspace, mapping: KindMapping, subjects: Sequence[Subject]) -> list[tuple[Subject, list[str]]]:
    mine = _in_salesforce(workspace, mapping, subjects)
    shared = workspace.store.strangers.find(mapping.kind, {trait for _, traits in mine for trait in traits})
    # a value that many share says nothing about any of them
    telling = {trait: ids for trait, ids in shared.items() if len(ids) <= SHARED_MAX}
    alive = _still_strangers(workspace, mapping, {record_id for ids in telling.values() for record_id in ids})
    found = []
    for subject, traits in mine:
        others = subject.link.progress.get(SEPARATE) or ()
        ids = {
            record_id
            for trait in traits
            for record_id in telling.get(trait, ())
            if trait in alive.get(record_id, ()) and record_id not in others
        }
        if ids:
            found.append((subject, sorted(ids)))
    return found


def _in_salesforce(
    workspace: Workspace, mapping: KindMapping, subjects: Sequence[Subject]
) -> list[tuple[Subject, frozenset[str]]]:
    candidates = []
    for subject in subjects:
        record = subject.records.get(Side.SALESFORCE)
        known = None if record is None else candidate_of(workspace.pack, mapping, record, workspace.policy)
        if isinstance(known, Known):
            candidates.append((subject, known.candidate))
    homes = {
        each.parent: Key(side=Side.SALESFORCE, kind="customer", id=each.parent)
        for _, each in candidates
        if each.parent is not None
    }
    links = workspace.store.load_links(list(homes.values())) if homes else {}
    assert mapping.adopt is not None
    found = []
    for subject, candidate in candidates:
        link = links.get(homes[candidate.parent]) if candidate.parent is not None else None
        found.append((subject, traits_of(mapping.adopt, candidate, home=None if link is None else link.mate_id)))
    return found


def _still_strangers(workspace: Workspace, mapping: KindMapping, ids: set[str]) -> Mapping[str, frozenset[str]]:
    """Their traits as they are now; who is gone, linked or somebody's by now is forgotten."""
    if not ids:
        return {}
    strangers = _strangers(workspace, mapping, ids)
    now = {each: _traits(mapping, strangers[each]) if each in strangers else frozenset() for each in ids}
    workspace.store.strangers.remember(mapping.kind, now)
    return now


def _strangers(workspace: Workspace, mapping: KindMapping, ids: set[str]) -> Mapping[str, Candidate]:
    """Those of these records at Stripe that are there, alive and nobody's, as they are now."""
    keys = {each: Key(side=Side.STRIPE, kind=mapping.kind, id=each) for each in sorted(ids)}
    linked = workspace.store.load_links(list(keys.values()))
    records = workspace.stripe.fetch(mapping.kind, [each for each, key in keys.items() if key not in linked])
    found = {each: _nobodys(workspace, mapping, record) for each, record in records.items()}
    return {each: candidate for each, candidate in found.items() if candidate is not None}


def _nobodys(workspace: Workspace, mapping: KindMapping, record: Record) -> Candidate | None:
    known = candidate_of(workspace.pack, mapping, record, workspace.policy)
    if not isinstance(known, Known) or record.deleted or known.candidate.mark is not None or is_anothers(record):
        return None
    return known.candidate


def _traits(mapping: KindMapping, stranger: Candidate) -> frozenset[str]:
    assert mapping.adopt is not None
    return traits_of(mapping.adopt, stranger, home=stranger.parent)
