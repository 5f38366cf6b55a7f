"""Carries out what people decided about the records both systems held: links them and writes the marks.

Compares again first; a pair that looks different by now, or that has got a rival, is refused. The link is
durable before the first mark is written, so that nothing is made twice whenever it dies; run again, it goes
on. What nobody decided is kept from being made until somebody does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from connector.core import conditions
from connector.core.adoption import Adoption, Choice, Entry, Found, faults
from connector.core.candidates import link_of
from connector.core.errors import Interrupted, Problem, UsageError
from connector.core.lifecycle.undecided import held
from connector.core.model import Key, Link, LinkState, Side
from connector.core.view import MARK_ID, MARK_ORG, SEPARATE, UNDECIDED, Act
from connector.flows.adopt import begin, compare, settle
from connector.flows.guard import Guard
from connector.flows.marks import look_for_marks
from connector.flows.perform import perform
from connector.flows.recover import recover
from connector.flows.report import PassReport
from connector.flows.signalling import raise_signals
from connector.flows.subject import Subject, shard_of
from connector.ports import Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from connector.core.candidates import Known
    from connector.flows.adopt import Comparison
    from connector.flows.workspace import Workspace

#: pairs linked and marked together: what one Salesforce call takes
CHUNK: Final = 200


@dataclass(slots=True, kw_only=True)
class Adopted:
    """What was done."""

    linked: int = 0
    #: pairs that were linked before and lacked a mark
    marked: int = 0
    #: pairs of the plan that were linked already
    already: int = 0
    #: pair of the plan -> why it was not linked
    refused: dict[tuple[str, str, str], str] = field(default_factory=dict)
    #: records kept from being made until somebody decides
    held: int = 0
    #: what is certain now and was not in the plan: planning again finds it
    more: int = 0
    report: PassReport = field(default_factory=PassReport)

    @property
    def not_marked(self) -> int:
        """Pairs that are linked, and of which one side could not be told: running it again tries again."""
        return sum(count.parked + count.delayed for count in self.report.kinds.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Join:
    """One pair to link, and the marks it lacks."""

    link: Link
    stored: Link | None
    acts: tuple[Act, ...]


def apply_adoption(workspace: Workspace, adoption: Adoption) -> Adopted:
    """Raises UsageError, before anything is written, for a plan of another pair of systems or mapping and for
    decisions that cannot be meant; Braked while a brake is open, and for a store that does not know our own marks.
    """
    _require_sound(workspace, adoption)
    # what a lost store made is linked by `recover`; and no open brake is passed by on this way
    look_for_marks(workspace)
    Guard(workspace).admit_writes(())
    done = Adopted()
    recover(workspace, done.report, under_way=lambda _operations: workspace.store.load_under_way())
    comparison = compare(workspace, choices={entry.pair: entry.choice for entry in adoption.entries})
    joins = list(_joins(workspace, adoption, comparison, done))
    repairs = [join for join in _repairs(workspace, comparison) if join.acts]
    begin(workspace)
    _hold(workspace, adoption, comparison, done)
    for part in _chunks((*joins, *repairs)):
        _join(workspace, part, done.report)
        if workspace.stop():
            raise Interrupted(f"adopting, {done.report.writes} marks written")
    done.linked, done.marked = len(joins), len(repairs)
    settle(workspace)
    return done


def _require_sound(workspace: Workspace, adoption: Adoption) -> None:
    here = workspace.identity
    same = [
        ("Salesforce org", adoption.org_id, here.org_id),
        ("Stripe account", adoption.account_id, here.account_id),
        ("mapping pack", adoption.pack_digest, workspace.pack.digest),
    ]
    problems = [
        Problem(where="adoption file", observed=f"it is for {what} {planned}, this is {now}", remedy="plan again here")
        for what, planned, now in same
        if planned != now
    ]
    kinds = {kind for kind, mapping in workspace.pack.kinds.items() if mapping.adopt is not None}
    wrong = [*faults(adoption.entries)]
    wrong += [(entry.name, "nothing of this kind is adopted") for entry in adoption.entries if entry.kind not in kinds]
    remedy = "correct `choice` in the file, or plan again"
    problems += [Problem(where=f"adoption file, {name}", observed=what, remedy=remedy) for name, what in wrong]
    if problems:
        raise UsageError(problems)


def _joins(workspace: Workspace, adoption: Adoption, comparison: Comparison, done: Adopted) -> Iterator[_Join]:
    """The pairs to link; what must not be linked is refused by name."""
    fresh = {entry.pair: entry for entry in comparison.entries}
    chosen = adoption.chosen()
    linked = {
        (each.link.kind, each.link.id_on(Side.SALESFORCE), each.link.id_on(Side.STRIPE)) for each in comparison.joined
    }
    stored = workspace.store.load_links([_born(workspace, entry) for entry in chosen]) if chosen else {}
    for entry in chosen:
        if entry.pair in linked:
            done.already += 1
            continue
        reason = _refusal(entry, fresh.get(entry.pair))
        if reason is not None:
            done.refused[entry.pair] = reason
            continue
        here = comparison.known[Key(side=Side.SALESFORCE, kind=entry.kind, id=entry.salesforce)]
        there = comparison.known[Key(side=Side.STRIPE, kind=entry.kind, id=entry.stripe)]
        known = stored.get(_born(workspace, entry))
        link = link_of(workspace.pack.kinds[entry.kind], here, there, known=known)
        link = replace(link, shard=shard_of(str(link.progress.get("account") or link.born.id), workspace.shards))
        yield _Join(link=link, stored=known, acts=_marks(workspace, link, here, there))
    planned = {entry.pair for entry in adoption.entries}
    done.more = sum(entry.found is Found.MATCH and entry.pair not in planned for entry in comparison.entries)


def _born(workspace: Workspace, entry: Entry) -> Key:
    """The key of the pair at its birthplace."""
    side = workspace.pack.kinds[entry.kind].born
    return Key(side=side, kind=entry.kind, id=entry.salesforce if side is Side.SALESFORCE else entry.stripe)


def _refusal(entry: Entry, now: Entry | None) -> str | None:
    if now is None:
        return "not a candidate any more: one of the two was changed, linked or removed"
    if now.digest != entry.digest:
        return "one of the two was changed since it was planned"
    if entry.found is Found.MATCH and now.found is not Found.MATCH:
        return f"not certain any more: {'; '.join(now.doubts)}"
    return None


def _repairs(workspace: Workspace, comparison: Comparison) -> Iterator[_Join]:
    """Linked pairs of which one side does not say so: a mark was refused, or its writer died."""
    for each in comparison.joined:
        here, there, link = each.salesforce, each.stripe, each.link
        if here is not None and there is not None and link.state is not LinkState.CLOSED:
            yield _Join(link=link, stored=link, acts=_marks(workspace, link, here, there))


def _marks(workspace: Workspace, link: Link, here: Known, there: Known) -> tuple[Act, ...]:
    """What is to be written so that each side names the other."""
    mapping = workspace.pack.kinds[link.kind]
    acts = []
    if mapping.born is Side.SALESFORCE and there.candidate.mark != here.candidate.id:
        metadata = {MARK_ID: here.candidate.id, MARK_ORG: workspace.identity.org_id}
        acts.append(Act(target=Side.STRIPE, action="mark", target_id=there.candidate.id, body={"metadata": metadata}))
    if here.candidate.mark != there.candidate.id:
        spec = mapping.salesforce
        body = {"object": spec.object, "fields": {spec.marker: there.candidate.id}}
        acts.append(Act(target=Side.SALESFORCE, action="mark", target_id=here.candidate.id, body=body))
    return tuple(acts)


def _join(workspace: Workspace, joins: Sequence[_Join], report: PassReport) -> None:
    """Links and marks these; Stripe's mark first, because Salesforce's tells a lost store where to look."""
    silent = [
        Settlement(link=join.link, event=f"{join.link.kind} adopted", cause="adopt") for join in joins if not join.acts
    ]
    if silent:
        workspace.store.settle(silent)
    subjects = [(_subject(workspace, join), list(join.acts)) for join in joins if join.acts]
    while ready := [(subject, acts.pop(0)) for subject, acts in subjects if acts]:
        again = {id(subject) for subject in perform(workspace, ready, report)}
        # refused, delayed or unknown: the link stands, and the next run writes what is missing
        subjects = [(subject, acts) for subject, acts in subjects if id(subject) in again]
    keys = [key for join in joins for key in (join.link.born, join.link.mate) if key is not None]
    raise_signals(workspace, keys, cause="adopt")


def _subject(workspace: Workspace, join: _Join) -> Subject:
    return Subject(mapping=workspace.pack.kinds[join.link.kind], link=join.link, stored=join.stored, unasked="adopt")


def _hold(workspace: Workspace, adoption: Adoption, comparison: Comparison, done: Adopted) -> None:
    """Parks the births of what nobody decided, and lets go of what was kept before and is decided now."""
    rivals: dict[Key, list[str]] = {}
    decided = tuple(_decided(comparison.entries, adoption, done))
    for entry in replace(adoption, entries=decided).undecided():
        born = _born(workspace, entry)
        rivals.setdefault(born, []).append(entry.stripe if born.id == entry.salesforce else entry.salesforce)
    others: dict[Key, list[str]] = {}
    for entry in decided:
        if entry.choice is Choice.SEPARATE:
            born = _born(workspace, entry)
            others.setdefault(born, []).append(entry.stripe if born.id == entry.salesforce else entry.salesforce)
    before = {link.born: link for link in _held(workspace)}
    known = workspace.store.load_links(list({*rivals, *others})) if rivals or others else {}
    settlements = []
    for key in sorted({*rivals, *others, *before}):
        link = _with_others(before.get(key) or known.get(key) or Link(born=key), others.get(key, ()))
        if key in rivals:
            link, event = _parked(link, rivals[key], workspace.clock.now()), f"{key.kind} kept until decided"
        else:
            link, event = _released(link) if key in before else link, f"{key.kind} decided"
        settlements.append(Settlement(link=link, event=event, cause="adopt"))
    if settlements:
        workspace.store.settle(settlements)
    raise_signals(workspace, [key for key in before if key not in rivals], cause="adopt")
    done.held = len(rivals)


def _with_others(link: Link, ids: Sequence[str]) -> Link:
    """Knowing of whom a person said that they are somebody else: nobody is asked about them again."""
    said = sorted({*(link.progress.get(SEPARATE) or ()), *ids})
    return replace(link, progress={**link.progress, SEPARATE: said}) if said else link


def _decided(entries: Iterable[Entry], adoption: Adoption, done: Adopted) -> Iterator[Entry]:
    """The fresh entries with people's choices; what was refused, or was seen by nobody, is undecided."""
    choices = {entry.pair: entry.choice for entry in adoption.entries if entry.pair not in done.refused}
    for entry in entries:
        yield replace(entry, choice=choices.get(entry.pair, Choice.UNDECIDED))


def _held(workspace: Workspace) -> Iterator[Link]:
    for kind, mapping in workspace.pack.kinds.items():
        if mapping.adopt is None:
            continue
        after = ""
        while page := workspace.store.load_links_in(kind=kind, states=[LinkState.PARKED.value], after_born_id=after):
            yield from (link for link in page if link.mate_id is None and UNDECIDED in link.progress)
            after = page[-1].born.id


def _parked(link: Link, mates: Sequence[str], now: datetime) -> Link:
    waiting = replace(link, progress={**link.progress, UNDECIDED: list(mates)})
    park = held(waiting)
    assert park is not None
    return conditions.parked(waiting, conditions.of_decision(park), before=link, now=now, by_look=False)


def _released(link: Link) -> Link:
    progress = {name: value for name, value in link.progress.items() if name != UNDECIDED}
    free = replace(link, state=LinkState.OPEN, reason=None, reason_code=None, progress=progress)
    return conditions.unparked(free)


def _chunks(joins: Sequence[_Join]) -> Iterator[Sequence[_Join]]:
    for start in range(0, len(joins), CHUNK):
        yield joins[start : start + CHUNK]
