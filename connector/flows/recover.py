"""Operations a dead or unlucky worker left behind, brought to an end before anything else is done.

create or append at Stripe, young: the stored bytes again with the same key (Stripe replays its answer).
create at Stripe, old: looked up by our mark; found is settled, absent is abandoned.
create in Salesforce: upserted again by external id, safe at any age.
anything else: abandoned; the records are read and planned again (bodies hold absolute values, and a
finalised, voided or attached document shows it).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from connector.core import settle
from connector.core.model import Applied, Key, Link, Operation, OperationState, Side, Signal
from connector.flows.perform import Job, context_of, run_jobs, without_pending
from connector.flows.subject import Subject
from connector.ports import Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.flows.report import PassReport
    from connector.flows.workspace import Workspace

#: Stripe keeps a key at least 24 h (platform.md C1); the margin is for clocks and for the way there
KEY_TRUSTED_FOR: Final = timedelta(hours=20)
#: Stripe saves server errors too and replays them for ever: after so many tries it is looked up
RESENDS_MAX: Final = 3
#: steps at Stripe that add to a record
APPENDS: Final = frozenset({"add_lines", "attach"})


def recover(workspace: Workspace, report: PassReport) -> int:
    """Ends every unresolved operation it can; the number it found. A kind that must not run keeps its own: what
    stopped it may be in the stored bytes, and a key that grows old meanwhile is looked up.
    """
    unresolved = workspace.store.load_unresolved()
    operations = [operation for operation in unresolved if operation.kind not in workspace.stopped_kinds]
    if not operations:
        return 0
    links = workspace.store.load_links([operation.born for operation in operations])
    again: list[Operation] = []
    look_up: list[Operation] = []
    abandon: list[Operation] = []
    for operation in operations:
        if operation.kind not in workspace.pack.kinds or not _adds(operation):
            abandon.append(operation)
        elif may_resend(workspace, operation):
            again.append(operation)
        elif is_create(operation):
            look_up.append(operation)
        else:
            abandon.append(operation)
    report.recovered += len(operations)
    _abandon(workspace, abandon, links)
    _look_up(workspace, look_up, links)
    _resend(workspace, again, links, report)
    return len(operations)


def is_create(operation: Operation) -> bool:
    """Creates, of the record or of a companion with its own marker: what must not happen twice."""
    return operation.action == "create" or (operation.target is Side.SALESFORCE and operation.target_id is None)


def _adds(operation: Operation) -> bool:
    """What would be there twice if it were done twice under another key."""
    return is_create(operation) or operation.action in APPENDS


def may_resend(workspace: Workspace, operation: Operation) -> bool:
    """Whether doing the stored call again has the effect of doing it once."""
    if operation.target is Side.SALESFORCE:
        return True
    assert operation.first_sent_at is not None
    age = workspace.clock.now() - operation.first_sent_at
    # a clock that stepped back makes the age untrustworthy: look instead of sending
    return timedelta(0) <= age < KEY_TRUSTED_FOR and operation.attempts < RESENDS_MAX


def _subject(workspace: Workspace, link: Link) -> Subject:
    return Subject(mapping=workspace.pack.kinds[link.kind], link=link, stored=link)


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
    run_jobs(workspace, jobs, report)
    workspace.store.settle([Settlement(link=job.subject.link, signals=_look_again(job.subject.link)) for job in jobs])


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
        signals=_look_again(link),
    )


def _look_again(link: Link) -> tuple[Signal, ...]:
    keys = [link.born]
    if link.mate_id is not None:
        keys.append(Key(side=link.born.side.other, kind=link.kind, id=link.mate_id))
    return tuple(Signal(key=key, cause="recover") for key in keys)
