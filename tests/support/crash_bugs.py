"""Bugs planted in a child, each against a rule that a death may not break; the search has to find every one.

Without a death none of them shows: each leads to the right end as long as the process lives.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from connector.core.model import Applied, OperationState, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.model import Link, Operation, Outcome
    from connector.store.store import SqlStore

#: within Stripe's memory of idempotency keys, and after they are pruned
SOON, DAYS_LATER = timedelta(minutes=1), timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """`flow` is the story in which it shows, for a death at `moment` and a process that is away for `down_for`."""

    plant: Callable[[], None]
    flow: str
    moment: str
    down_for: timedelta
    #: what the oracle says
    seen: str


def _nobody_looks_at_strangers() -> None:
    """The guard behind two of the rules: what Stripe's events name and no link knows is asked for its mark."""
    from connector.flows import route

    def left_alone(_workspace: Any, _subjects: Any, strays: Sequence[Any], routed: Any) -> None:
        routed.idle += strays

    route._claim_strays = left_alone


def _truth_before_the_call() -> None:
    """An update is settled as done at once and sent when the process has time."""
    from connector.salesforce.system import SalesforceSystem

    apply, close = SalesforceSystem.apply, SalesforceSystem.close
    later: list[Operation] = []

    def apply_later(
        system: SalesforceSystem, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]
    ) -> None:
        updates = [operation for operation in operations if operation.target_id is not None]
        later.extend(updates)
        for operation in updates:
            on_outcome(operation, Applied(target_id=str(operation.target_id)))
        apply(system, [operation for operation in operations if operation not in updates], on_outcome)

    def send_and_close(system: SalesforceSystem) -> None:
        apply(system, later, lambda _operation, _outcome: None)
        close(system)

    SalesforceSystem.apply, SalesforceSystem.close = apply_later, send_and_close


def _intent_after_the_call() -> None:
    """The operation is stored together with its outcome."""
    _nobody_looks_at_strangers()
    from connector.store.store import SqlStore

    begin, settle = SqlStore.begin, SqlStore.settle
    kept: dict[str, tuple[Link, Operation]] = {}

    def remember(store: SqlStore, links: Sequence[Link], operations: Sequence[Operation]) -> list[Operation]:
        by_born = {link.born: link for link in links}
        kept.update({operation.idempotency_key: (by_born[operation.born], operation) for operation in operations})
        return [
            replace(operation, id=-number, state=OperationState.SENT) for number, operation in enumerate(operations, 1)
        ]

    def store_both(store: SqlStore, settlements: Sequence[Any]) -> None:
        keys = [settlement.operation.idempotency_key for settlement in settlements if settlement.operation]
        due = [kept.pop(key) for key in keys if key in kept]
        stored = begin(store, [link for link, _ in due], [operation for _, operation in due])
        ids = {operation.idempotency_key: operation.id for operation in stored}
        settle(
            store,
            [
                replace(each, operation=replace(each.operation, id=ids[each.operation.idempotency_key]))
                if each.operation and each.operation.idempotency_key in ids
                else each
                for each in settlements
            ],
        )

    SqlStore.begin, SqlStore.settle = remember, store_both


def _link_before_the_intent() -> None:
    """What the link will remember and the operation are stored in two transactions."""
    from connector.store.store import SqlStore

    begin = SqlStore.begin

    def in_two(store: SqlStore, links: Sequence[Link], operations: Sequence[Operation]) -> Sequence[Operation]:
        begin(store, links, [])
        return begin(store, [], operations)

    SqlStore.begin = in_two


def _one_system_after_the_other() -> None:
    """Both are polled at once: which of them is at its n-th commit would be chance, and the search might pass it by."""
    from connector.workers import Threads

    pool = Threads.pool
    Threads.pool = lambda threads, *, size, name: pool(threads, size=1 if name == "poll" else size, name=name)


def _cursor_before_the_signals() -> None:
    _one_system_after_the_other()
    from connector.store.store import SqlStore

    record = SqlStore.record_signals

    def in_two(store: SqlStore, signals: Sequence[Any], cursors: Sequence[Any], **given: Any) -> int:
        record(store, [], cursors, **given)
        return record(store, signals, [], **given)

    SqlStore.record_signals = in_two


def _signals_forgotten_when_taken() -> None:
    from connector.store.store import SqlStore

    load = SqlStore.load_signals

    def take(store: SqlStore, **given: Any) -> Any:
        taken = load(store, **given)
        if taken:
            store.forget_signals(taken)
        return taken

    SqlStore.load_signals = take


def _key_of_the_process() -> None:
    from connector.stripe.writes import Writer

    plan = Writer._plan

    def with_its_own(writer: Writer, operation: Operation) -> Any:
        step, call = plan(writer, operation)
        if call.idempotency_key is not None:
            object.__setattr__(call, "idempotency_key", f"{os.getpid()}-{call.idempotency_key}")
        return step, call

    Writer._plan = with_its_own


def _key_trusted_for_ever() -> None:
    from connector.flows import recover

    recover.may_resend = lambda *_: True


def _abandoned_instead_of_sent_again() -> None:
    """A create whose fate is unknown is planned anew under a new key."""
    _nobody_looks_at_strangers()
    from connector.flows import recover

    adds = recover._adds
    recover._adds = lambda operation: operation.target is Side.SALESFORCE and adds(operation)


def _upgrade_kept_half_way() -> None:
    """Each statement that changes a table is committed by itself."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "after_cursor_execute")
    def _after(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith(("CREATE", "ALTER")):
            connection.connection.driver_connection.execute("COMMIT")
            connection.connection.driver_connection.execute("BEGIN IMMEDIATE")


PLANTED = {
    "the truth is stored before the call": Planted(
        plant=_truth_before_the_call,
        flow="first sync",
        moment="after commit",
        down_for=SOON,
        seen="lost|do not say the same",
    ),
    "the intent is stored after the call": Planted(
        plant=_intent_after_the_call,
        flow="first sync",
        moment="after POST /v1/customers",
        down_for=DAYS_LATER,
        # the brake finds a mark of ours of which we know nothing; without it the customer is doubled
        seen="store_restored|doubled",
    ),
    "the link is stored before the intent": Planted(
        plant=_link_before_the_intent,
        flow="first sync",
        moment="after commit",
        down_for=SOON,
        seen="lost|do not say the same",
    ),
    "the cursor is stored before the signals": Planted(
        plant=_cursor_before_the_signals,
        flow="update",
        moment="after commit",
        down_for=SOON,
        seen="lost|do not say the same",
    ),
    "signals are forgotten when they are taken": Planted(
        plant=_signals_forgotten_when_taken,
        flow="update",
        moment="after commit",
        down_for=SOON,
        seen="lost|do not say the same",
    ),
    "the key is the process's": Planted(
        plant=_key_of_the_process, flow="first sync", moment="after POST /v1/products", down_for=SOON, seen="doubled"
    ),
    "a pruned key is trusted": Planted(
        plant=_key_trusted_for_ever,
        flow="first sync",
        moment="after POST /v1/customers",
        down_for=DAYS_LATER,
        seen="doubled",
    ),
    "an unknown create is given up without a look": Planted(
        plant=_abandoned_instead_of_sent_again,
        flow="first sync",
        moment="after POST /v1/products",
        down_for=SOON,
        seen="doubled",
    ),
    "the upgrade is committed statement by statement": Planted(
        plant=_upgrade_kept_half_way, flow="migration", moment="", down_for=SOON, seen="the pass after it ended with"
    ),
}
