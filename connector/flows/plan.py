"""What a pass would write, without writing anything: neither to a system nor to our own store.

Reads the same signals, asks the same lifecycles. Parents that would be made get a symbolic id, so
their children can be planned with them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core.line import plain_number
from connector.core.mapping import read_path
from connector.core.model import CAUSE_PERSON, Key, Side, Signal
from connector.core.money import to_minor
from connector.core.plan import FieldChange, Plan, PlanEntry, PlanLine, digest
from connector.core.view import Act, Decision, Ignore, Park, Read, Settled, Wait
from connector.flows.adopt import unadopted
from connector.flows.amounts import amounts_moved
from connector.flows.chunks import fetch
from connector.flows.drain import ask_all, pull_in
from connector.flows.parents import ParentBook
from connector.flows.route import route
from connector.ports import StoredSignal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connector.core.brake import AmountMove
    from connector.core.currencies import CurrencyTable
    from connector.core.line import Line
    from connector.core.model import Finding, Link
    from connector.flows.subject import Subject
    from connector.flows.workspace import Workspace

#: Stripe calls and Salesforce rows of a whole life, per first step: what an entry's later steps will cost
_COSTS = {
    ("product", "create"): {"stripe": 1, "salesforce_rows": 1},
    ("customer", "create"): {"stripe": 1, "salesforce_rows": 1},
    ("quote", "create"): {"stripe": 2, "salesforce_rows": 1},
    ("invoice", "create"): {"stripe": 3, "salesforce_rows": 1},
    ("offline_payment", "create"): {"stripe": 2, "salesforce_rows": 1},
    ("payment", "create"): {"salesforce_rows": 3},
}


class _Draft:
    """What is collected while planning."""

    def __init__(self, currencies: CurrencyTable) -> None:
        self.currencies = currencies
        self.entries: list[PlanEntry] = []
        self.waiting: list[tuple[str, str]] = []
        self.parked: list[tuple[str, str]] = []
        #: kind -> id -> why it is not mirrored
        self.left_out: dict[str, dict[str, str]] = {}
        self.findings: list[Finding] = []
        self.moves: list[AmountMove] = []


def make_plan(
    workspace: Workspace, *, kinds: Sequence[str] = (), since: datetime | None = None, only: Sequence[Key] = ()
) -> Plan:
    """The plan of a pass with these restrictions, see `sync.run_pass`."""
    signals = _signals(workspace, since=since, only=only)
    return plan_signals(workspace, list(signals.values()), kinds=kinds).plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """A plan, and what the guard wants to know beside it."""

    plan: Plan
    #: agreed amounts that one side does not say any more
    moves: tuple[AmountMove, ...] = ()


def plan_signals(workspace: Workspace, signals: Sequence[StoredSignal], *, kinds: Sequence[str] = ()) -> Foresight:
    """What working off these signals would write."""
    chosen = [kind for kind in workspace.kinds() if not kinds or kind in kinds]
    draft, book = _Draft(workspace.policy.currencies), ParentBook(workspace)
    twins = unadopted(workspace)
    if twins is not None:
        draft.findings.append(twins)
    for kind in chosen:
        mine = [stored for stored in signals if stored.signal.key.kind == kind]
        for start in range(0, len(mine), workspace.batch_size):
            batch = mine[start : start + workspace.batch_size]
            _plan_batch(workspace, batch, book, draft)
            workspace.progress(f"planning {kind}", start + len(batch), len(mine))
    plan = plan_of(
        workspace,
        draft.entries,
        waiting=tuple(draft.waiting),
        parked=tuple(draft.parked),
        not_mirrored={kind: dict(Counter(reasons.values())) for kind, reasons in draft.left_out.items() if reasons},
        findings=tuple(_finding_dict(finding) for finding in draft.findings),
    )
    return Foresight(plan=plan, moves=tuple(draft.moves))


def plan_of(workspace: Workspace, entries: Sequence[PlanEntry], **more: Any) -> Plan:
    """A plan with these entries, what moves money or ends something last."""
    return Plan(
        org_id=workspace.identity.org_id,
        account_id=workspace.identity.account_id,
        pack_digest=workspace.pack.digest,
        created_at=workspace.clock.now().isoformat(),
        entries=tuple(sorted(entries, key=lambda entry: (entry.moves_money or entry.destructive, entry.destructive))),
        **more,
    )


def _signals(workspace: Workspace, *, since: datetime | None, only: Sequence[Key]) -> dict[Key, StoredSignal]:
    """Stored signals and what the systems say has changed, without storing it."""
    signals: dict[Key, StoredSignal] = {}
    if only:
        return {key: _stored(key, CAUSE_PERSON) for key in only}
    after = 0
    for kind in workspace.kinds():
        while found := workspace.store.load_signals(
            shards=None, kinds=[kind], limit=workspace.batch_size, after_seq=after
        ):
            signals |= {stored.signal.key: stored for stored in found}
            after = max(stored.seq for stored in found)
        after = 0
    for side in Side:
        cursors = workspace.store.load_cursors(side)
        for page in workspace.system(side).changes(cursors, kinds=workspace.kinds(), since=since):
            fresh = workspace.store.load_news(page.signals)
            signals |= {signal.key: _stored(signal.key) for signal in fresh if signal.key not in signals}
            workspace.progress(f"reading {side.value}", len(signals), 0)
    return signals


def _stored(key: Key, cause: str = "plan") -> StoredSignal:
    return StoredSignal(signal=Signal(key=key, cause=cause), seq=0, shard=0)


def _plan_batch(workspace: Workspace, batch: Sequence[StoredSignal], book: ParentBook, draft: _Draft) -> None:
    routed = route(workspace, batch)
    draft.waiting += [(f"{link.kind} {link.born.id}", _held_until(link)) for _, link in routed.held]
    subjects = [subject for subject in routed.subjects if book.subject(subject.link.born) is None]
    for subject in subjects:
        book.add(subject)
    fetch(workspace, subjects)
    active, waiting = subjects, []
    while active:
        reads: list[Subject] = []
        parents: list[Subject] = []
        decided = False
        for subject, decision in ask_all(workspace, active, book):
            if isinstance(decision, Read):
                subject.want(decision)
                reads.append(subject)
            elif isinstance(decision, Wait):
                waiting.append((subject, decision))
                parents += pull_in(workspace, decision, book)
            elif isinstance(decision, Settled) and decision.reissue:
                subject.reissue()
                reads.append(subject)
            else:
                decided = _record(subject, decision, book, draft) or decided
        fetch(workspace, reads + parents)
        active = reads + parents
        if parents or decided:
            active += [subject for subject, _ in waiting]
            waiting = []
    draft.waiting += [(f"{s.mapping.kind} {s.link.born.id}", wait.reason) for s, wait in waiting]
    draft.moves += [move for subject in subjects for move in amounts_moved(workspace, subject)]
    for subject in subjects:
        # a hundred thousand records would not fit into memory
        subject.forget()


def _held_until(link: Link) -> str:
    assert link.backoff is not None
    return f"failed {link.backoff.attempts} times, tried again from {link.backoff.next_at:%Y-%m-%d %H:%M} UTC on"


def _record(subject: Subject, decision: Decision, book: ParentBook, draft: _Draft) -> bool:
    """Writes the decision down; True when it made something others may wait for."""
    kind, key = subject.mapping.kind, f"{subject.mapping.kind} {subject.link.born.id}"
    if isinstance(decision, Act):
        draft.entries.append(entry_of(subject, decision, book, draft.currencies))
        draft.left_out.get(kind, {}).pop(subject.link.born.id, None)
        draft.findings += decision.findings
        if decision.action == "create":
            subject.link = replace(subject.link, mate_id=f"{{{key}}}")
            book.add(subject)
            return True
    elif isinstance(decision, Park):
        draft.parked.append((key, decision.reason))
        draft.findings += decision.findings
    elif isinstance(decision, Ignore):
        draft.left_out.setdefault(kind, {})[subject.link.born.id] = decision.reason
    elif isinstance(decision, Settled):
        draft.findings += decision.findings
    return False


def entry_of(subject: Subject, act: Act, book: ParentBook, currencies: CurrencyTable) -> PlanEntry:
    """One pair's next write."""
    mapping = subject.mapping
    body = _symbolic(dict(act.body), book)
    lasting = {name: value for name, value in body.items() if name not in act.volatile}
    if act.later or act.lines:
        lasting["later"] = [repr(part) for part in (*act.later, *act.lines)]
    return PlanEntry(
        kind=mapping.kind,
        id=subject.link.born.id,
        label=_label(subject),
        target=act.target.value,
        action=act.action,
        target_id=act.target_id,
        changes=tuple(_changes(subject, act, body)),
        moves_money=act.moves_money,
        destructive=act.destructive,
        amount_minor=_amount(subject, act, currencies),
        currency=subject.link.progress.get("currency") or act.progress.get("currency"),
        base={side.value: found.version for side, found in subject.records.items() if found is not None},
        digest=digest(mapping.kind, subject.link.born.id, act.action, lasting),
        costs=_COSTS.get((mapping.kind, act.action), _cost_of_one(act.target)),
        lines=tuple(_line(line) for line in act.lines),
    )


def _line(line: Line) -> PlanLine:
    return PlanLine(
        description=line.description,
        quantity=None if line.quantity is None else plain_number(line.quantity),
        amount_minor=line.amount_minor,
        tax_minor=line.tax_minor,
        product=line.product_id,
    )


def _cost_of_one(target: Side) -> dict[str, int]:
    return {"stripe": 1} if target is Side.STRIPE else {"salesforce_rows": 1}


def _symbolic(value: Any, book: ParentBook) -> Any:
    """The value with every parent's mate id replaced by the parent's name: equal before and after its birth."""
    if isinstance(value, dict):
        return {name: _symbolic(part, book) for name, part in value.items()}
    if isinstance(value, list):
        return [_symbolic(part, book) for part in value]
    return book.name_of(value) if isinstance(value, str) else value


def _label(subject: Subject) -> str:
    """What people call the record: its Name in Salesforce, else its id."""
    record = subject.records.get(Side.SALESFORCE)
    name = None if record is None else read_path(record.fields, "Name")
    return str(name or subject.link.born.id)


def _amount(subject: Subject, act: Act, currencies: CurrencyTable) -> int | None:
    """Minor units an entry bills or moves, where it says so."""
    if act.lines:
        return sum(line.amount_minor + line.tax_minor for line in act.lines)
    final = act.progress.get("final")
    if final is not None:
        # an invoice keeps total and tax, a quote its total
        return int(final[0] if isinstance(final, list) else final)
    for name in ("amount", "total"):
        value = act.sent.get(name, act.progress.get(name))
        if isinstance(value, int):
            return value
    record = subject.records.get(Side.SALESFORCE)
    path = subject.mapping.salesforce.roles.get("total")
    currency = subject.link.progress.get("currency") or act.progress.get("currency")
    if record is None or path is None or currency is None or not act.moves_money:
        return None
    total = read_path(record.fields, path)
    return None if total is None else to_minor(Decimal(total), currency, currencies)


def _changes(subject: Subject, act: Act, body: dict[str, Any]) -> list[FieldChange]:
    """Dotted wire names with their old and new values; a create has no old ones."""
    target = subject.records.get(act.target)
    content = body["fields"] if act.target is Side.SALESFORCE else body
    old = {} if target is None else target.fields
    return [
        FieldChange(field=path, old=None if act.action == "create" else read_path(old, path), new=value)
        for path, value in (_flat(content, "") if content else ())
    ]


def _flat(value: Any, prefix: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [pair for name, part in value.items() for pair in _flat(part, f"{prefix}.{name}" if prefix else name)]
    return [(prefix, value)]


def _finding_dict(finding: Finding) -> dict[str, Any]:
    return asdict(finding)
