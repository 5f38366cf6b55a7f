"""The second look: the few that differed are read by their ids, and what differs is named.

A list leaves out what is hidden as well as what is deleted, and both systems move while they are listed:
so nothing is concluded from the first look but where to look again (invariants.md I10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.compare import Difference, Sort, difference, differences
from connector.core.model import Link, Severity, Side
from connector.core.view import Act, Ignore, Moved, Park, Settled, Unclaimed, Wait
from connector.flows.chunks import CHUNK, fetch
from connector.flows.parents import ParentBook
from connector.flows.subject import Subject, marked_id
from connector.flows.sweep.reading import why_not
from connector.flows.verdict import verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.core.mapping import KindMapping
    from connector.core.model import Key
    from connector.core.view import Decision
    from connector.flows.workspace import Workspace


def look_again(
    workspace: Workspace, mapping: KindMapping, pairs: Sequence[Key], loose: Mapping[Key, Sort]
) -> Iterator[Difference]:
    """What differs of these pairs (by their birthplace) and of these records without one, as they are now."""
    for start in range(0, len(pairs), CHUNK):
        yield from _pairs(workspace, mapping, pairs[start : start + CHUNK])
    keys = list(loose)
    for start in range(0, len(keys), CHUNK):
        yield from _loose(workspace, mapping, {key: loose[key] for key in keys[start : start + CHUNK]})


def _pairs(workspace: Workspace, mapping: KindMapping, born: Sequence[Key]) -> Iterator[Difference]:
    links = workspace.store.load_links(born)
    subjects = [
        Subject(mapping=mapping, link=links[key], stored=links[key], wanted=set(Side))
        for key in born
        # a mate that became history meanwhile is no pair any more
        if key in links and links[key].mate_id is not None
    ]
    book = ParentBook(workspace)
    fetch(workspace, subjects)
    agreeing: list[Subject] = []
    for subject, found in book.answers(subjects, lambda subject: _differences(workspace, subject, book)):
        yield from found
        if not found:
            agreeing.append(subject)
    for subject, decision in verdicts(workspace, agreeing, book):
        yield from _left_to_do(subject.link, decision)


def _differences(workspace: Workspace, subject: Subject, book: ParentBook) -> tuple[Difference, ...]:
    return differences(
        subject.view(policy=workspace.policy, now=workspace.clock.now(), parents=book, kinds=workspace.pack.kinds)
    )


def _left_to_do(link: Link, decision: Decision) -> Iterator[Difference]:
    """The fields agree: is there anything else the lifecycle wants, or a person should?"""
    if isinstance(decision, Act):
        wanted = f"{decision.action} in {decision.target.value}"
        yield difference(link, Sort.UNFINISHED, wanted=wanted)
    elif isinstance(decision, Park | Wait):
        yield difference(link, Sort.UNFINISHED, wanted=decision.reason)
    elif isinstance(decision, Moved):
        yield difference(link, Sort.UNFINISHED, wanted=f"{link.mate_id} handed on to {decision.to.id}")
    elif isinstance(decision, Ignore | Unclaimed):
        yield difference(link, Sort.UNFINISHED, wanted=decision.reason, explained=decision.reason)
    elif isinstance(decision, Settled):
        if decision.reissue:
            yield difference(link, Sort.UNFINISHED, wanted="a new mate")
        for finding in decision.findings:
            told = None if finding.severity in (Severity.ERROR, Severity.BLOCKER) else f"reported: {finding.code}"
            yield difference(link, Sort.UNFINISHED, wanted=finding.observed, explained=told)


def _loose(workspace: Workspace, mapping: KindMapping, keys: Mapping[Key, Sort]) -> Iterator[Difference]:
    links = workspace.store.load_links(list(keys))
    doubles = [key for key, sort in keys.items() if sort is Sort.DOUBLE_MARK]
    yield from _doubles(workspace, mapping, [key for key in doubles if key not in links])
    paired = [key for key in keys if key in links and links[key].mate_id is not None]
    if paired:
        # linked since the first look
        yield from _pairs(workspace, mapping, [links[key].born for key in paired])
    subjects = [
        Subject(mapping=mapping, link=links.get(key, Link(born=key)), stored=links.get(key), wanted={mapping.born})
        for key in keys
        if key not in doubles and key not in paired
    ]
    fetch(workspace, subjects)
    book = ParentBook(workspace)
    there = [subject for subject in subjects if (record := subject.records[mapping.born]) and not record.deleted]
    for subject in subjects:
        if subject not in there and keys[subject.link.born] is Sort.UNLINKED:
            wanted = f"{subject.link.born.id} is named by a record and does not exist"
            yield difference(subject.link, Sort.UNLINKED, wanted=wanted)
    for subject, decision in verdicts(workspace, there, book):
        sort = keys[subject.link.born]
        if sort is Sort.UNLINKED and not isinstance(decision, Ignore):
            yield difference(subject.link, sort, wanted="a link")
        elif sort is Sort.NOT_MIRRORED and why_not(subject, decision) is None:
            yield difference(subject.link, sort, wanted=_in_words(decision))


def _in_words(decision: Decision) -> str:
    if isinstance(decision, Act):
        return f"{decision.action} in {decision.target.value}"
    return decision.reason if isinstance(decision, Park | Wait) else "a mate"


def _doubles(workspace: Workspace, mapping: KindMapping, keys: Sequence[Key]) -> Iterator[Difference]:
    """Records of the side where the kind is not born that name a pair which has another mate."""
    side = mapping.born.other
    found = workspace.system(side).fetch(mapping.kind, [key.id for key in keys]) if keys else {}
    for record in found.values():
        if record.deleted:
            continue
        if side is Side.STRIPE:
            named = marked_id(record, workspace.identity.org_id)
        else:
            named = record.fields.get(mapping.salesforce.marker)
        if named:
            wanted = f"{record.id} names {named}, which has another mate"
            yield Difference(kind=mapping.kind, id=str(named), mate=record.id, sort=Sort.DOUBLE_MARK, wanted=wanted)
