"""Operations a dead or unlucky worker left behind, brought to an end before anything else is done.

create or append at Stripe, young: the stored bytes again with the same key (Stripe replays its answer).
create at Stripe, old, tried often enough, or whose key answers the same for ever: looked up by our mark;
found is settled, absent is abandoned.
create in Salesforce: upserted again by external id, safe at any age.
anything else: abandoned; the records are read and planned again (bodies hold absolute values, and a
finalised, voided or attached document shows it).

One whose link is put off waits as long; what is used up is not sent again, and the pair is parked by its
next drain (flows/drain.py), when nothing is in doubt any more.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from connector.core import settle
from connector.core.model import Applied, Key, Link, Operation, OperationState, Side, Signal, Unknown
from connector.core.retry import is_held, is_used_up
from connector.flows.perform import Job, context_of, run_jobs, without_pending
from connector.flows.subject import Subject
from connector.ports import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from connector.flows.report import PassReport
    from connector.flows.workspace import Workspace

#: Stripe keeps a key at least 24 h (platform.md C1); the margin is for clocks and for the way there
KEY_TRUSTED_FOR: Final = timedelta(hours=20)
#: what another process has just sent may seem to be sent later than now: each reckons the keeper's time from its answers
KEEPERS_TIME_DIFFERS: Final = timedelta(minutes=5)
#: Stripe saves server errors too and replays them for ever: after so many tries it is looked up
RESENDS_MAX: Final = 3
#: steps at Stripe that add to a record
APPENDS: Final = frozenset({"add_lines", "attach"})


def recover(
    workspace: Workspace,
    report: PassReport,
    *,
    urgent: Collection[Key] = (),
    under_way: Callable[[Sequence[Operation]], Collection[int | None]] = lambda _operations: (),
    among: Callable[[Operation, Link], bool] = lambda _operation, _link: True,
) -> int:
    """Ends every unresolved operation it can, or those `among` them it is told; the number it took on. A kind that must not run keeps its own: what
    stopped it may be in the stored bytes, and a key that grows old meanwhile is looked up. `urgent` keys are
    those a person asked for: no backoff holds them. `under_way` tells which of these somebody is at.
    """
    unresolved = _left_behind(workspace, under_way)
    candidates = [operation for operation in unresolved if operation.kind not in workspace.stopped_kinds]
    if not candidates:
        return 0
    links = workspace.store.load_links([operation.born for operation in candidates])
    now = workspace.clock.now()
    operations = [
        operation
        for operation in candidates
        if among(operation, links[operation.born])
        and (not is_held(links[operation.born].backoff, now) or not _keys(links[operation.born]).isdisjoint(urgent))
    ]
    again: list[Operation] = []
    look_up: list[Operation] = []
    abandon: list[Operation] = []
    for operation in operations:
        if operation.kind not in workspace.pack.kinds or not _adds(operation):
            abandon.append(operation)
        elif may_resend(workspace, operation, links[operation.born]):
            again.append(operation)
        elif is_create(operation) and operation.target is Side.STRIPE:
            look_up.append(operation)
        else:
            abandon.append(operation)
    report.recovered += len(operations)
    _abandon(workspace, abandon, links)
    _look_up(workspace, look_up, links)
    _resend(workspace, again, links, report)
    return len(operations)


def _left_behind(
    workspace: Workspace, under_way: Callable[[Sequence[Operation]], Collection[int | None]]
) -> Sequence[Operation]:
    """Unresolved, and nobody is at it. Looked at before it is asked who is at what and again after it: what is begun in
    between would seem to be nobody's, and what is ended in between would be ended once more.
    """
    before = workspace.store.load_unresolved()
    if not before:
        return ()
    others = {*under_way(before)}
    mine = {operation.id for operation in before if operation.id not in others}
    return [operation for operation in workspace.store.load_unresolved() if operation.id in mine] if mine else ()


def is_create(operation: Operation) -> bool:
    """Creates, of the record or of a companion with its own marker: what must not happen twice."""
    return operation.action == "create" or (operation.target is Side.SALESFORCE and operation.target_id is None)


def _adds(operation: Operation) -> bool:
    """What would be there twice if it were done twice under another key."""
    return is_create(operation) or operation.action in APPENDS


def may_resend(workspace: Workspace, operation: Operation, link: Link) -> bool:
    """Whether doing the stored call again has the effect of doing it once, and was not tried often enough."""
    if is_used_up(workspace.retries, link.backoff, kind=link.kind):
        return False
    if operation.target is Side.SALESFORCE:
        return True
    assert operation.first_sent_at is not None
    # by the keeper's clock: ours may have been put forward or back since
    age = workspace.now_at(operation.target) - operation.first_sent_at
    return -KEEPERS_TIME_DIFFERS <= age < KEY_TRUSTED_FOR and operation.attempts < RESENDS_MAX


def _subject(workspace: Workspace, link: Link) -> Subject:
    return Subject(mapping=workspace.pack.kinds[link.kind], link=link, stored=link, unasked="recover")


def _resend(
    workspace: Workspace, operations: Sequence[Operation], links: Mapping[Key, Link], report: PassReport
) -> None:
    jobs = [
        Job(
            subject=_subject(workspace, links[operation.born]),
            operation=replace(operation, attempts=operation.attempts + 1),
        )
        for operation in operations
    ]
    if not jobs:
        return
    # begun before a brake was pulled is no reason to write while it is on: another process may have pulled it
    workspace.gate(())
    run_jobs(workspace, jobs, report)
    spent = [job for job in jobs if isinstance(job.outcome, Unknown) and job.outcome.key_is_spent]
    _end_spent(workspace, [job.operation for job in spent], {job.subject.link.born: job.subject.link for job in spent})
    others = [job.subject.link for job in jobs if job not in spent]
    workspace.store.settle([Settlement(link=link, signals=_look_again(link)) for link in others])


def _end_spent(workspace: Workspace, operations: Sequence[Operation], links: Mapping[Key, Link]) -> None:
    """Their keys will never tell more: Stripe saved a server error, or knows the key with other bytes."""
    _look_up(workspace, [operation for operation in operations if is_create(operation)], links)
    _abandon(workspace, [operation for operation in operations if not is_create(operation)], links)


def _look_up(workspace: Workspace, operations: Sequence[Operation], links: Mapping[Key, Link]) -> None:
    """Lists by our mark (search lags): what is there is settled, what is absent may be planned again."""
    kinds = {operation.kind for operation in operations}
    for kind in sorted(kinds):
        group = [operation for operation in operations if operation.kind == kind]
        found = workspace.stripe.find(kind, [operation.born.id for operation in group])
        settlements = []
        for operation in group:
            link = links[operation.born]
            record = found.get(operation.born.id)
            if record is None or record.id in link.earlier_mates:
                settlements.append(_abandoned(operation, link))
                continue
            outcome = Applied(target_id=record.id)
            subject = _subject(workspace, link)
            context = context_of(workspace, subject.link)
            settlements.append(
                Settlement(
                    link=settle.applied(subject.mapping, link, operation, outcome, context),
                    operation=replace(operation, state=OperationState.SETTLED),
                    outcome=outcome,
                    event=f"{kind}.{operation.action} found by its mark",
                    cause="recover",
                    signals=_look_again(link),
                )
            )
        workspace.store.settle(settlements)


def _abandon(workspace: Workspace, operations: Sequence[Operation], links: Mapping[Key, Link]) -> None:
    if operations:
        workspace.store.settle([_abandoned(operation, links[operation.born]) for operation in operations])


def _abandoned(operation: Operation, link: Link) -> Settlement:
    # the far record may hold the write already: it has to be read before anything is planned
    unsure = {**without_pending(link).progress, "status": None}
    return Settlement(
        link=replace(link, progress=unsure),
        operation=replace(operation, state=OperationState.ABANDONED),
        event=f"{operation.kind}.{operation.action} abandoned, to be planned again",
        cause="recover",
        signals=_look_again(link),
    )


def _look_again(link: Link) -> tuple[Signal, ...]:
    """At the pair, and at whom the operation under way concerns beside it."""
    return tuple(Signal(key=key, cause="recover") for key in sorted(_keys(link).union(settle.asked_for(link))))


def _keys(link: Link) -> set[Key]:
    return {link.born} if link.mate is None else {link.born, link.mate}
