"""What both systems held before they were joined: compared, never written.

Reads every record of the kinds that say how they are recognised (`adopt` in the mapping), parents before
children, so that an invoice is compared with whose it is. The first pass asks `unadopted` before it writes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.core.adoption import Adoption, Alone, Choice, Entry, Found, alone_of, entry_of
from connector.core.candidates import Known, candidate_of
from connector.core.errors import Interrupted, Unadopted
from connector.core.match import Matching, match
from connector.core.model import Finding, Key, Link, Severity, Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.core.mapping import KindMapping
    from connector.core.model import Record
    from connector.core.pair import Candidate
    from connector.flows.workspace import Workspace

#: the kinds of which it is settled what the two systems already had in common, or APPLYING
NOTE: Final = "adoption"
APPLYING: Final = "applying"
CODE: Final = "adopt.needed"
#: links asked for in one transaction
_LINKS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A linked pair; a side is None when it was not read or may not be matched any more."""

    link: Link
    salesforce: Known | None
    stripe: Known | None


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What was read and found, kind by kind."""

    entries: list[Entry] = field(default_factory=list)
    alone: list[Alone] = field(default_factory=list)
    linked: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)
    #: records that may be matched, by key
    known: dict[Key, Known] = field(default_factory=dict)
    #: pairs that are linked already, with what was read of them
    joined: list[Joined] = field(default_factory=list)
    #: Salesforce id -> Stripe id of pairs that are linked or to be linked: whose a child is
    pairs: dict[str, str] = field(default_factory=dict)
    #: records of an earlier kind on the same object: a payment is not an offline payment as well
    taken: set[str] = field(default_factory=set)


def compare(workspace: Workspace, *, choices: Mapping[tuple[str, str, str], Choice] | None = None) -> Comparison:
    """Reads both systems. `choices` are a person's, by (kind, Salesforce id, Stripe id). Raises Interrupted."""
    comparison = Comparison()
    for kind in workspace.kinds():
        mapping = workspace.pack.kinds[kind]
        if mapping.adopt is not None:
            _compare_kind(workspace, mapping, comparison, choices or {})
    return comparison


def adoption_of(workspace: Workspace, comparison: Comparison) -> Adoption:
    return Adoption(
        org_id=workspace.identity.org_id,
        account_id=workspace.identity.account_id,
        pack_digest=workspace.pack.digest,
        created_at=workspace.clock.now().isoformat(),
        entries=tuple(comparison.entries),
        alone=tuple(comparison.alone),
        linked=dict(comparison.linked),
        left_out={kind: dict(sorted(reasons.items())) for kind, reasons in comparison.left_out.items()},
    )


def _compare_kind(
    workspace: Workspace,
    mapping: KindMapping,
    comparison: Comparison,
    choices: Mapping[tuple[str, str, str], Choice],
) -> None:
    kind, rule = mapping.kind, mapping.adopt
    assert rule is not None
    candidates = {side: _candidates(workspace, mapping, side, comparison) for side in Side}
    free = _unlinked(workspace, mapping, candidates, comparison)
    found = match(rule, free[Side.SALESFORCE], free[Side.STRIPE], parents=comparison.pairs)
    entries = [
        entry_of(kind, pair, sort, choices)
        for sort, pairs in (
            (Found.MATCH, found.matches),
            (Found.SUGGESTION, found.suggestions),
            (Found.AMBIGUOUS, found.ambiguous),
        )
        for pair in pairs
    ]
    comparison.entries += entries
    comparison.alone += _alone(kind, found)
    comparison.pairs |= {entry.salesforce: entry.stripe for entry in entries if entry.choice is Choice.LINK}
    comparison.taken |= {record_id for entry in entries for record_id in (entry.salesforce, entry.stripe)}


def _alone(kind: str, found: Matching) -> list[Alone]:
    unmatched = [alone_of(kind, each) for each in found.unmatched]
    return unmatched + [alone_of(kind, each, f"its mark names {each.mark}, not seen") for each in found.dangling]


def _candidates(workspace: Workspace, mapping: KindMapping, side: Side, comparison: Comparison) -> dict[str, Candidate]:
    """Every record of the kind on one side that may be matched, by id."""
    found: dict[str, Candidate] = {}
    left_out = comparison.left_out.setdefault(mapping.kind, {})
    read = 0
    # what a payment at Stripe has paid already is not to be allocated again
    lines = side is Side.STRIPE and mapping.lifecycle == "payment"
    for page in workspace.system(side).fetch_all(mapping.kind, lines=lines, needed=True):
        for record in page:
            known = candidate_of(workspace.pack, mapping, record, workspace.policy)
            if isinstance(known, str):
                name = f"{side.value}: {known}"
                left_out[name] = left_out.get(name, 0) + 1
            elif record.id not in comparison.taken:
                found[record.id] = known.candidate
                comparison.known[record.key] = known
        read += len(page)
        workspace.progress(f"comparing {mapping.kind} of {side.value}", read, 0)
        if workspace.stop():
            raise Interrupted(f"comparing {mapping.kind}; nothing was written")
    return found


def _unlinked(
    workspace: Workspace,
    mapping: KindMapping,
    candidates: Mapping[Side, Mapping[str, Candidate]],
    comparison: Comparison,
) -> dict[Side, list[Candidate]]:
    """Those that no link has joined already. What is linked is counted, and its missing marks are noted."""
    keys = [Key(side=side, kind=mapping.kind, id=each) for side, found in candidates.items() for each in found]
    links: dict[Key, Link] = {}
    for start in range(0, len(keys), _LINKS):
        links |= workspace.store.load_links(keys[start : start + _LINKS])
    joined = {key: link for key, link in links.items() if link.mate_id is not None}
    for link in {link.born: link for link in joined.values()}.values():
        here, there = (link.id_on(side) for side in (Side.SALESFORCE, Side.STRIPE))
        assert here is not None
        assert there is not None
        comparison.linked[mapping.kind] = comparison.linked.get(mapping.kind, 0) + 1
        comparison.pairs[here] = there
        comparison.joined.append(
            Joined(
                link=link,
                salesforce=comparison.known.get(Key(side=Side.SALESFORCE, kind=mapping.kind, id=here)),
                stripe=comparison.known.get(Key(side=Side.STRIPE, kind=mapping.kind, id=there)),
            )
        )
    return {
        side: [
            each for record_id, each in found.items() if Key(side=side, kind=mapping.kind, id=record_id) not in joined
        ]
        for side, found in candidates.items()
    }


def require_adopted(workspace: Workspace) -> None:
    """Before a pass writes anything: raises Unadopted when it might make what exists already."""
    finding = unadopted(workspace)
    if finding is not None:
        workspace.store.report([finding])
        raise Unadopted(finding)
    if _unsettled(workspace) or workspace.store.load_note(NOTE) is None:
        settle(workspace)


def begin(workspace: Workspace) -> None:
    """Until `settle`, no pass writes: what is half adopted would be made a second time."""
    workspace.store.save_note(NOTE, APPLYING)


def settle(workspace: Workspace) -> None:
    """From here on a record of these kinds without a mate is given one."""
    before = workspace.store.load_note(NOTE) or ""
    kinds = {mapping.kind for mapping in _recognised(workspace)}
    if before != APPLYING:
        kinds.update(before.split())
    workspace.store.save_note(NOTE, " ".join(sorted(kinds)))
    finding = _finding(workspace, "", remedy="")
    workspace.store.report([], cleared=[(finding.code, finding.subject)])


def unadopted(workspace: Workspace) -> Finding | None:
    """What a pass would make a second time; None when there is no such record, or people have decided.

    Asks the systems once for each kind, the first time it may run.
    """
    if workspace.store.load_note(NOTE) == APPLYING:
        return _finding(
            workspace,
            "an adoption was begun and has not ended",
            remedy="run the same `connector adopt --apply FILE` again; it goes on where it was",
        )
    unsettled = _unsettled(workspace)
    if not any(_has_strangers(workspace, mapping) for mapping in unsettled):
        return None
    kinds = {mapping.kind for mapping in unsettled}
    comparison = compare(workspace)
    ours = [entry for entry in comparison.entries if entry.kind in kinds and not _is_by_mark(entry)]
    if not ours:
        return None
    counts = ", ".join(f"{number} {kind}" for kind, number in sorted(Counter(entry.kind for entry in ours).items()))
    return _finding(
        workspace,
        f"Stripe holds records without our mark that may be records of Salesforce: {counts} (pairs)",
        remedy="run `connector adopt --plan --out FILE`, look at it, then `connector adopt --apply FILE`",
        count=len(ours),
    )


def _unsettled(workspace: Workspace) -> list[KindMapping]:
    """The kinds nobody has asked about: of a store that held links before it knew this question, none."""
    note = workspace.store.load_note(NOTE)
    if note is None and workspace.store.count_links():
        return []
    asked = (note or "").split()
    return [mapping for mapping in _recognised(workspace) if mapping.kind not in asked]


def _finding(workspace: Workspace, observed: str, *, remedy: str, count: int = 1) -> Finding:
    return Finding(
        code=CODE,
        subject=workspace.identity.account_id,
        severity=Severity.BLOCKER,
        observed=observed,
        wanted="every such record linked, or declared to be something else, before a pass writes",
        why="the pass would make it a second time, and an invoice made twice is paid twice",
        remedy=remedy,
        count=count,
    )


def _recognised(workspace: Workspace) -> list[KindMapping]:
    """The kinds whose records we would make at Stripe."""
    mappings = [workspace.pack.kinds[kind] for kind in workspace.kinds()]
    return [mapping for mapping in mappings if mapping.adopt is not None and mapping.born is Side.SALESFORCE]


def _has_strangers(workspace: Workspace, mapping: KindMapping) -> bool:
    """Whether Stripe holds one record that may be matched and is not ours: mostly the first page tells."""
    return any(_is_stranger(workspace, mapping, record) for page in _pages(workspace, mapping) for record in page)


def _pages(workspace: Workspace, mapping: KindMapping) -> Iterable[Sequence[Record]]:
    return workspace.stripe.fetch_all(mapping.kind, lines=False)


def _is_stranger(workspace: Workspace, mapping: KindMapping, record: Record) -> bool:
    known = candidate_of(workspace.pack, mapping, record, workspace.policy)
    return isinstance(known, Known) and known.candidate.mark is None


def _is_by_mark(entry: Entry) -> bool:
    """Pairs our own marks name are linked again by any pass."""
    return entry.found is Found.MATCH and entry.reasons[0].startswith("our mark")
