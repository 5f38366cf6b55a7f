"""Intent, call, truth: one round of writes.

tx1 stores the operations and what their links will remember; then the calls go out with no
transaction open; each batch of outcomes is settled in one tx2. Outcomes may come from any thread,
only this one writes to the store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from connector.core import settle
from connector.core.body import decode_body, encode_body, idempotency_key
from connector.core.conditions import Blocked, of_refusal
from connector.core.mapping import Context
from connector.core.model import (
    Applied,
    Delay,
    FailureClass,
    Link,
    Operation,
    OperationState,
    Outcome,
    Refusal,
    Side,
    Signal,
    Unknown,
)
from connector.core.retry import Failed, put_off
from connector.ports import Settlement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from connector.core.view import Act
    from connector.flows.report import PassReport
    from connector.flows.subject import Subject
    from connector.flows.workspace import Workspace
    from connector.ports import Mailbox

#: outcomes settled in one transaction; smaller loses less to a crash, larger commits less often
SETTLE_BATCH = 50

#: what a side posts: an outcome, what stopped it, and None at its end
Posted: TypeAlias = "tuple[Operation, Outcome] | BaseException | None"


@dataclass(slots=True, kw_only=True)
class Job:
    """One operation under way and the subject it is for."""

    subject: Subject
    operation: Operation
    #: how it ended, once it has
    outcome: Outcome | None = None


def perform(workspace: Workspace, acts: Sequence[tuple[Subject, Act]], report: PassReport) -> list[Subject]:
    """Writes one step for each subject; the subjects that can be asked again."""
    planned = []
    for subject, act in acts:
        if settle.PENDING in subject.link.progress:
            # loaded while another worker's operation was under way: what was read may be older than its effect
            subject.keep_signals = True
            continue
        link = settle.begin(subject.link, act)
        subject.link = link
        planned.append((subject, _operation(workspace, subject, act)))
    stored = workspace.store.begin([subject.link for subject, _ in planned], [op for _, op in planned])
    by_born = {operation.born: operation for operation in stored}
    jobs = []
    for subject, _ in planned:
        operation = by_born.get(subject.link.born)
        if operation is None:
            # another worker is writing for this pair: look again later
            subject.keep_signals = True
            continue
        subject.stored = subject.link
        jobs.append(Job(subject=subject, operation=operation))
    return run_jobs(workspace, jobs, report)


def run_jobs(workspace: Workspace, jobs: Sequence[Job], report: PassReport) -> list[Subject]:
    """Sends stored operations to both systems at once and settles what comes back."""
    waiting = {job.operation.born: job for job in jobs}
    outcomes: Mailbox[Posted] = workspace.workers.mailbox()
    again: list[Subject] = []
    failure = None
    batch: list[tuple[Job, Outcome]] = []
    # whatever ends the settling: nobody writes any more once the pool is left
    with workspace.workers.pool(size=len(Side), name="apply") as pool:
        running = 0
        for side in Side:
            operations = [job.operation for job in jobs if job.operation.target is side]
            if operations:
                _start(workspace, side, operations, outcomes, pool)
                running += 1
        while running:
            item = outcomes.get()
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                failure = failure or item
            else:
                batch.append((waiting[item[0].born], item[1]))
            if batch and (len(batch) >= SETTLE_BATCH or not running):
                again += _settle(workspace, batch, report)
                batch = []
    if failure is not None:
        raise failure
    return again


def _start(
    workspace: Workspace, side: Side, operations: Sequence[Operation], outcomes: Mailbox[Posted], pool: Executor
) -> None:
    def run() -> None:
        try:
            workspace.system(side).apply(operations, lambda operation, outcome: outcomes.put((operation, outcome)))
        except BaseException as error:  # noqa: BLE001 - carried to the thread that settles, raised there
            outcomes.put(error)
        finally:
            outcomes.put(None)

    pool.submit(run)


def _operation(workspace: Workspace, subject: Subject, act: Act) -> Operation:
    link = subject.link
    return Operation(
        born=link.born,
        target=act.target,
        action=act.action,
        target_id=act.target_id,
        body=encode_body(dict(act.body)),
        revision=link.revision,
        idempotency_key=idempotency_key(
            workspace.identity, kind=link.kind, born_id=link.born.id, revision=link.revision, action=act.action
        ),
        first_sent_at=workspace.now_at(act.target),
        attempts=1,
        cause=subject.cause,
    )


def _settle(workspace: Workspace, batch: Sequence[tuple[Job, Outcome]], report: PassReport) -> list[Subject]:
    settlements, again = [], []
    for job, outcome in batch:
        settlement, ask_again = _settlement(workspace, job, outcome, report)
        settlements.append(settlement)
        if ask_again:
            again.append(job.subject)
    workspace.store.settle(settlements)
    return again


def _settlement(workspace: Workspace, job: Job, outcome: Outcome, report: PassReport) -> tuple[Settlement, bool]:
    """What the outcome changes, and whether the subject may be asked for its next step."""
    subject, operation = job.subject, job.operation
    job.outcome = outcome
    name = f"{operation.kind}.{operation.action}"
    if isinstance(outcome, Applied):
        signals = _apply_to_subject(workspace, job, outcome, report)
        if operation.action == "create" and not subject.signals:
            # Born because another record needs it, which has what it needs from here on: should we die before the
            # mark is written back, nothing else would bring anybody here again.
            signals = (*signals, Signal(key=subject.link.born, cause="settle"))
        ended = replace(operation, state=OperationState.SETTLED)
        return _of(subject, ended, outcome, f"{name} applied", signals), True
    if isinstance(outcome, Refusal):
        subject.link = without_pending(subject.link)
        subject.link = subject.link_at_home(workspace.shards)
        blocked = Blocked(
            code=f"{operation.kind}.refused.{outcome.code}",
            reason=f"{operation.target.value} refused {name}: {outcome.code}: {outcome.message}",
            condition=of_refusal(outcome),
        )
        subject.link = subject.park(subject.link, blocked, now=workspace.clock.now())
        report.of(operation.kind).parked += 1
        ended = replace(operation, state=OperationState.ABANDONED)
        return _of(subject, ended, outcome, f"{name} refused"), False
    subject.keep_signals = True
    report.of(operation.kind).delayed += 1
    _put_off(workspace, subject, operation, outcome)
    if isinstance(outcome, Delay) and operation.attempts > 1:
        # this attempt did nothing, an earlier one may have: giving it up would make the record a second time
        outcome = Unknown(code=outcome.code, message=outcome.message, request_id=outcome.request_id)
    if isinstance(outcome, Delay):
        subject.link = without_pending(subject.link)
        ended = replace(operation, state=OperationState.ABANDONED)
        return _of(subject, ended, outcome, f"{name} delayed"), False
    assert isinstance(outcome, Unknown)
    return _of(subject, replace(operation, state=OperationState.UNKNOWN), outcome, f"{name} unknown"), False


def _put_off(workspace: Workspace, subject: Subject, operation: Operation, outcome: Delay | Unknown) -> None:
    """Remembers with the link that it failed, and until when it is to be left alone."""
    if isinstance(outcome, Delay):
        failure, retry_after_s = outcome.failure, outcome.retry_after_s
    else:
        failure, retry_after_s = FailureClass.AMBIGUOUS, None
    if failure is None:
        # its side stopped before it was its turn
        return
    failed = Failed(failure=failure, to=operation.target, code=outcome.code, retry_after_s=retry_after_s)
    link = subject.link
    backoff = put_off(workspace.retries, link.backoff, failed, kind=link.kind, at=workspace.moment())
    subject.link = replace(link, backoff=backoff)


def _apply_to_subject(workspace: Workspace, job: Job, outcome: Applied, report: PassReport) -> tuple[Signal, ...]:
    subject, operation = job.subject, job.operation
    count = report.of(operation.kind)
    count.writes += 1
    creates = operation.action == "create"
    if creates:
        count.created += 1
        count.left_out.pop(operation.born.id, None)
        subject.created = True
    elif not subject.created and not subject.updated:
        count.updated += 1
        subject.updated = True
    content = decode_body(operation.body)
    context = context_of(workspace, subject.link)
    concerned = settle.asked_for(subject.link)
    subject.link = settle.applied(subject.mapping, subject.link, operation, outcome, context)
    subject.stored = subject.link
    subject.others.clear()
    if operation.target is Side.STRIPE:
        _took_stripe(subject, operation, outcome)
    elif creates:
        # read back before the next step: what Salesforce stored is what counts
        subject.records.pop(Side.SALESFORCE, None)
    elif operation.target_id is not None and operation.target_id == subject.id_on(Side.SALESFORCE):
        subject.took_salesforce_fields(_nested(content["fields"]))
    return tuple(Signal(key=key, cause="settle") for key in concerned)


def _took_stripe(subject: Subject, operation: Operation, outcome: Applied) -> None:
    if operation.action == "delete":
        subject.records.pop(Side.STRIPE, None)
    elif outcome.record is not None:
        subject.records[Side.STRIPE] = outcome.record
    elif operation.action == "create" or operation.target_id == subject.id_on(Side.STRIPE):
        # written, and the reply does not show it: what was read before is not the record any more
        subject.records.pop(Side.STRIPE, None)


def context_of(workspace: Workspace, link: Link) -> Context:
    """What codecs need to read this pair's values, also while its first operation is under way."""
    pending = (link.progress.get(settle.PENDING) or {}).get("progress", {})
    currency = link.progress.get("currency") or pending.get("currency")
    policy = workspace.policy
    return Context(currency=currency or policy.currency, time_zone=policy.time_zone, currencies=policy.currencies)


def _nested(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if not isinstance(value, dict)}


def without_pending(link: Link) -> Link:
    """The link once nothing is under way for it."""
    return replace(link, progress={name: value for name, value in link.progress.items() if name != settle.PENDING})


def _of(
    subject: Subject, operation: Operation, outcome: Outcome, event: str, signals: tuple[Signal, ...] = ()
) -> Settlement:
    return Settlement(
        link=subject.link, operation=operation, outcome=outcome, event=event, cause=subject.cause, signals=signals
    )
