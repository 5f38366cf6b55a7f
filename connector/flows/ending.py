"""What a drain's decisions without a call change: links at rest, findings, signals done with.

Collected while a chunk is worked on and stored together, whatever happened to the rest of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from connector.core import settle
from connector.core.conditions import SHARED, Group, group_of, of_decision, unparked
from connector.core.discarded import CODE, is_discarded
from connector.core.fields import FieldErrors
from connector.core.model import CAUSE_RELEASED, Finding, Link, LinkState, Severity, Side
from connector.core.view import Decision, Ignore, Park, Settled, Unclaimed, Wait
from connector.flows.parked import load_group
from connector.flows.signalling import raise_signals
from connector.ports import Settlement

if TYPE_CHECKING:
    from connector.flows.report import PassReport
    from connector.flows.subject import Subject
    from connector.flows.workspace import Workspace
    from connector.ports import StoredSignal


@dataclass(slots=True, kw_only=True)
class Ending:
    """What is stored when a chunk is done with."""

    settlements: list[Settlement] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    cleared: list[tuple[str, str]] = field(default_factory=list)
    #: (kind, birthplace id) of pairs that are over: whatever was found about them is as well
    over: set[tuple[str, str]] = field(default_factory=set)
    seen: list[StoredSignal] = field(default_factory=list)
    #: causes that a look of ours found gone: whatever else is parked for them is looked at
    released: set[Group] = field(default_factory=set)


def end(workspace: Workspace, subject: Subject, decision: Decision, ending: Ending, report: PassReport) -> None:
    """Writes down how a subject came to rest, and counts it."""
    if settle.PENDING in subject.link.progress:
        # loaded while another worker's operation was under way: stored after its end, it would be so for ever
        subject.keep_signals = True
    else:
        _end(workspace, subject, decision, ending, report)


def _end(workspace: Workspace, subject: Subject, decision: Decision, ending: Ending, report: PassReport) -> None:
    kind = subject.mapping.kind
    count = report.of(kind)
    link = subject.link_at_home(workspace.shards)
    if subject.stored is not None and _ends_pair(decision):
        ending.over.add((kind, link.born.id))
    if isinstance(decision, Settled):
        link = _settled(workspace, subject, link, decision)
        ending.findings += decision.findings
        ending.cleared += decision.cleared
    elif isinstance(decision, Park):
        count.parked += 1
        ending.findings += decision.findings
        link = subject.park(link, of_decision(decision), now=workspace.clock.now())
    elif isinstance(decision, Wait):
        count.waiting += 1
        link = replace(
            unparked(link),
            state=LinkState.WAITING,
            reason=decision.reason,
            reason_code="waiting",
            waiting_on=decision.on,
        )
    elif isinstance(decision, Ignore):
        count.left_out[link.born.id] = decision.reason
        if link.born.side is Side.STRIPE:
            ending.cleared.append((f"unclaimed.{kind}", link.born.id))
        if subject.stored is None:
            ending.seen += subject.signals
            return
        code = CODE if is_discarded(link) else None
        link = unparked(link)
        link = replace(link, state=LinkState.CLOSED, reason=decision.reason, reason_code=code, waiting_on=None)
    else:
        assert isinstance(decision, Unclaimed)
        count.unclaimed += 1
        ending.findings.append(_unclaimed(subject, decision))
        ending.seen += subject.signals
        return
    if link != subject.stored:
        event = f"{kind} {decision.__class__.__name__.lower()}"
        event = event if link.state is not LinkState.OPEN else ""
        ending.settlements.append(Settlement(link=link, event=event, cause=subject.cause))
        subject.link = subject.stored = link
    _release(subject, link, ending)
    if not subject.keep_signals:
        ending.seen += subject.signals


def _release(subject: Subject, link: Link, ending: Ending) -> None:
    """One record of a group was looked at, and what blocked it is gone: that may be so for the others."""
    before = subject.parked_before
    if before is None or not subject.by_look or before.condition is None or before.condition.type not in SHARED:
        return
    if link.state is not LinkState.PARKED or group_of(link) != group_of(before):
        ending.released.add(group_of(before))


def _ends_pair(decision: Decision) -> bool:
    if isinstance(decision, Settled):
        return decision.closed
    return decision.gone if isinstance(decision, Park) else isinstance(decision, Ignore)


def _settled(workspace: Workspace, subject: Subject, link: Link, decision: Settled) -> Link:
    state = LinkState.CLOSED if decision.closed else LinkState.OPEN
    progress = {**link.progress, **decision.progress}
    stripe = subject.records.get(Side.STRIPE)
    if stripe is not None:
        progress |= settle.observed(stripe.fields)
    # what failed before is over; of a pair that waits or is not needed at the moment, it is not
    link = replace(
        unparked(link), state=state, reason=None, reason_code=None, waiting_on=None, progress=progress, backoff=None
    )
    if subject.records.get(Side.SALESFORCE) is None or stripe is None:
        return link
    view = subject.view(policy=workspace.policy, now=workspace.clock.now(), parents=lambda *_: None, kinds={})
    try:
        return settle.agreed(link, view.values(Side.SALESFORCE), view.values(Side.STRIPE), learned=decision.learned)
    except FieldErrors:
        return link


def _unclaimed(subject: Subject, decision: Unclaimed) -> Finding:
    kind = subject.mapping.kind
    return Finding(
        code=f"unclaimed.{kind}",
        subject=subject.link.born.id,
        severity=Severity.WARNING,
        observed=f"{kind} {subject.link.born.id} at Stripe belongs to nothing in Salesforce: {decision.reason}",
        wanted="every record at Stripe has its counterpart in Salesforce, or somebody who knows why not",
        why="the connector neither copies nor ignores what it did not make: copying could bill twice",
        remedy="link it (`connector adopt --plan`), or leave it to the people who made it",
    )


def store(workspace: Workspace, ending: Ending, report: PassReport) -> None:
    """Stores links, findings and signals, in this order: a death in between only brings another look."""
    if ending.settlements:
        workspace.store.settle(ending.settlements)
    # a finding made again in this chunk is not cleared by an earlier step of it
    made = {(finding.code, finding.subject) for finding in ending.findings}
    cleared = set(ending.cleared)
    if cleared or ending.over:
        known = {(finding.code, finding.subject) for finding in workspace.store.load_findings()}
        over = {(code, subject) for code, subject in known if (kind_of(code), subject) in ending.over}
        cleared = ((cleared & known) | over) - made
    if ending.findings or cleared:
        workspace.store.report(ending.findings, cleared=sorted(cleared))
    for group in sorted(ending.released):
        keys = [link.born for link in load_group(workspace.store, group)]
        raise_signals(workspace, keys, cause=CAUSE_RELEASED)
    if ending.seen:
        workspace.store.forget_signals(ending.seen)
        now = workspace.clock.now()
        for stored in ending.seen:
            if stored.raised_at is not None:
                report.waited.add(stored.signal.key.kind, now - stored.raised_at)


def kind_of(code: str) -> str:
    """The kind a finding's code is about: `invoice.balance_fell`, `drift.invoice.due`, `unclaimed.invoice`."""
    first, _, rest = code.partition(".")
    return rest.partition(".")[0] if first in ("drift", "unclaimed") else first
