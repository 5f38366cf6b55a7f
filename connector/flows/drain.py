"""THE loop: takes signals, reads both sides, asks the lifecycles, writes, until nothing is left to do.

Works in rounds over a whole batch: everything that has to be read is read together, everything
that can be written is written together, so that 200 rows share one call. A pair's steps follow
each other; different pairs never wait for one another.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.lifecycle import decide
from connector.core.model import CAUSE_PERSON, Link, Side
from connector.core.retry import is_held, is_used_up, read_failed
from connector.core.view import Act, Decision, Park, Read, Settled, Wait
from connector.flows.chunks import fetch, read_ahead
from connector.flows.ending import Ending, end, store
from connector.flows.exclusive import Exclusive
from connector.flows.merge import hand_on
from connector.flows.parents import ParentBook
from connector.flows.perform import perform
from connector.flows.route import route
from connector.flows.signalling import raise_signals
from connector.flows.subject import Subject
from connector.flows.twins import keep_from_birth, let_go, remember_strangers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.flows.report import PassReport
    from connector.flows.workspace import Workspace
    from connector.ports import StoredSignal

#: the longest lifecycle allocates a payment to each line of an invoice; one that does not come to rest is a bug
ROUNDS_MAX = 1000


def drain(workspace: Workspace, signals: Sequence[StoredSignal], report: PassReport) -> None:
    """Works off these signals. Raises what stops a whole side; every settled step stays settled.

    Goes in chunks: while one is decided and written, the next is read, and its last writes in Salesforce
    go out with the next one's first at Stripe, so that neither system waits for the other. A pair is in
    one chunk only, whatever number of signals named it.
    """
    routed = route(workspace, signals)
    report.looked_at += len(signals) - len(routed.held)
    for stored, _ in routed.held:
        report.of(stored.signal.key.kind).held += 1
    if routed.concerned:
        raise_signals(workspace, sorted(routed.concerned), cause="settle")
    store(workspace, Ending(seen=routed.idle), report)
    # before anything is made of this batch: a stranger and its twin may have come together
    remember_strangers(workspace, routed.subjects)
    book = ParentBook(workspace)
    late: list[tuple[Subject, Act]] = []
    # closed at once when something is raised: nobody reads any more after that
    with closing(read_ahead(workspace, routed.subjects)) as chunks:
        for chunk, may_leave in chunks:
            let_go(workspace, chunk)
            for subject in chunk:
                book.add(subject)
            ending = Ending()
            try:
                late = _rounds(workspace, chunk, late, book, ending, report, may_leave=may_leave)
            finally:
                store(workspace, ending, report)


def ask(workspace: Workspace, subject: Subject, book: ParentBook) -> Decision:
    """The next step for one subject."""
    if subject.verdict is not None:
        return subject.verdict
    still = subject.still_discarded()
    if still is not None:
        return still
    decision = decide(
        subject.view(policy=workspace.policy, now=workspace.clock.now(), parents=book, kinds=workspace.pack.kinds)
    )
    return (_given_up(workspace, subject) or decision) if isinstance(decision, Act) else decision


def _asked_for(subject: Subject) -> bool:
    """By a person, who does not wait for a backoff."""
    return any(stored.signal.cause == CAUSE_PERSON for stored in subject.signals)


def _given_up(workspace: Workspace, subject: Subject) -> Park | None:
    """Instead of one more write for a pair that has failed often enough, unless a person asks for it."""
    link = subject.link
    if link.backoff is None or _asked_for(subject):
        return None
    if not is_used_up(workspace.retries, link.backoff, kind=link.kind):
        return None
    failed, since = read_failed(link.backoff.code), f"{link.backoff.since:%Y-%m-%d %H:%M} UTC"
    return Park(
        code=f"{link.kind}.gave_up.{failed.failure.value}",
        reason=f"{failed.to.value} failed {link.backoff.attempts} times in a row since {since}, at last with "
        f"{failed.code}; it is tried again when the record changes, or at once with `connector sync --once --only ID`",
    )


@dataclass(slots=True, kw_only=True)
class _Round:
    """One turn's decisions, sorted by what has to be done about them."""

    acts: list[tuple[Subject, Act]] = field(default_factory=list)
    reads: list[Subject] = field(default_factory=list)
    parents: list[Subject] = field(default_factory=list)
    waits: list[tuple[Subject, Wait]] = field(default_factory=list)
    exclusive: Exclusive

    @property
    def unfinished(self) -> list[Subject]:
        return [
            *(s for s, _ in self.acts),
            *self.reads,
            *self.parents,
            *(s for s, _ in self.waits),
            *self.exclusive.queued,
        ]

    @property
    def may_be_left(self) -> bool:
        """Only Salesforce has something to do, and nobody looks at what comes of it."""
        alone = all(act.target is Side.SALESFORCE and act.exclusive is None for _, act in self.acts)
        return alone and bool(self.acts) and len(self.unfinished) == len(self.acts)


def _rounds(
    workspace: Workspace,
    subjects: list[Subject],
    late: Sequence[tuple[Subject, Act]],
    book: ParentBook,
    ending: Ending,
    report: PassReport,
    *,
    may_leave: bool,
) -> list[tuple[Subject, Act]]:
    """Works on these subjects until they come to rest, writing first what the chunk before left `late`.

    With `may_leave`, returns the writes in Salesforce that nothing else waits for, to be done with the
    next chunk's: no intent is stored for them yet, and their signals stay until they are done.
    """
    active = subjects
    waiting: list[tuple[Subject, Wait]] = []
    exclusive = Exclusive()
    for _ in range(ROUNDS_MAX):
        turn = _Round(waits=waiting, exclusive=exclusive, acts=[*late])
        late = ()
        decided, heirs = hand_on(workspace, ask_all(workspace, active, book), book)
        for subject, decision in decided:
            if not _sort(workspace, subject, decision, turn, book):
                end(workspace, subject, decision, ending, report)
        if workspace.stop():
            for subject in [*turn.unfinished, *heirs]:
                subject.keep_signals = True
            return []
        if may_leave and turn.may_be_left and not heirs:
            return turn.acts
        active = turn.reads + turn.parents + heirs
        fetch(workspace, active)
        active += _write(workspace, turn.acts, book, ending, report)
        waiting = turn.waits
        if turn.acts or turn.parents:
            # somebody may have become what the others wait for
            active += [subject for subject, _ in waiting]
            waiting = []
        active += exclusive.release([*active, *(subject for subject, _ in waiting)])
        if not active:
            break
    else:
        raise AssertionError(f"no rest after {ROUNDS_MAX} rounds: {active[0].link.born}")
    _end_waiting(workspace, waiting, book, ending, report)
    return []


def _end_waiting(
    workspace: Workspace,
    waiting: Sequence[tuple[Subject, Wait]],
    book: ParentBook,
    ending: Ending,
    report: PassReport,
) -> None:
    for subject, wait in waiting:
        parent = book.subject(wait.on)
        if parent is not None and parent.keep_signals:
            # a parent that was pulled in has no signal of its own: its child's brings it back
            subject.keep_signals = True
        end(workspace, subject, wait, ending, report)


def _sort(workspace: Workspace, subject: Subject, decision: Decision, turn: _Round, book: ParentBook) -> bool:
    """Puts the subject where its decision is carried out; False when nothing is left but to end it."""
    if isinstance(decision, Act):
        if turn.exclusive.admit(subject, decision.exclusive):
            turn.acts.append((subject, decision))
    elif isinstance(decision, Read):
        subject.want(decision)
        turn.reads.append(subject)
    elif isinstance(decision, Wait):
        turn.waits.append((subject, decision))
        turn.parents += pull_in(workspace, decision, book, urgent=_asked_for(subject))
    elif isinstance(decision, Settled) and decision.reissue:
        subject.reissue()
        turn.reads.append(subject)
    else:
        return False
    return True


def _write(
    workspace: Workspace,
    acts: Sequence[tuple[Subject, Act]],
    book: ParentBook,
    ending: Ending,
    report: PassReport,
) -> list[Subject]:
    """Carries out one step for each; the subjects whose step was applied."""
    if not acts:
        return []
    held = keep_from_birth(workspace, acts)
    held |= workspace.gate([(subject, act) for subject, act in acts if subject.link.born not in held])
    for subject, _ in acts:
        if subject.link.born in held:
            end(workspace, subject, held[subject.link.born], ending, report)
    acts = [(subject, act) for subject, act in acts if subject.link.born not in held]
    for _, act in acts:
        ending.findings += act.findings
    written = perform(workspace, acts, report)
    for subject in written:
        book.add(subject)
    applied = {id(subject) for subject in written}
    for subject, _ in acts:
        # refused is settled already; delayed and unknown keep their signals
        if id(subject) not in applied and not subject.keep_signals:
            ending.seen += subject.signals
    return written


def ask_all(workspace: Workspace, subjects: Sequence[Subject], book: ParentBook) -> list[tuple[Subject, Decision]]:
    """Decisions of all; those that asked for unknown parents are asked again once these are loaded."""
    return book.answers(subjects, lambda subject: ask(workspace, subject, book))


def pull_in(workspace: Workspace, wait: Wait, book: ParentBook, *, urgent: bool = False) -> list[Subject]:
    """The parent somebody waits for joins the batch, born by need, unless it is at work already, or put off and
    nobody `urgent` waits for it.
    """
    if wait.on.kind not in workspace.kinds():
        return []
    present = book.subject(wait.on)
    if present is not None:
        if present.needed or present.link.mate_id is not None:
            return []
        # looked at before anybody needed it
        present.needed = True
        return [present]
    mapping = workspace.pack.kinds[wait.on.kind]
    if mapping.born is not wait.on.side:
        return []
    known = workspace.store.load_links([wait.on]).get(wait.on)
    if known is not None and not urgent and is_held(known.backoff, workspace.clock.now()):
        # it failed, and who waits for it does not make it be tried sooner
        return []
    parent = Subject(mapping=mapping, link=known or Link(born=wait.on), stored=known, needed=True)
    parent.wanted.add(mapping.born)
    book.add(parent)
    return [parent]
