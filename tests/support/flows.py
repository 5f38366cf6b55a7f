"""A store of its own and a Stripe that answers as told: for flows whose systems misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.core.model import Key, Link, Record, Side
from connector.core.view import Act
from connector.flows.subject import Subject
from connector.flows.workspace import Workspace
from tests.support.memory import IDENTITY
from tests.support.views import PACK, POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.core.model import Operation, Outcome
    from tests.support.clock import ManualClock

BORN = Key(side=Side.SALESFORCE, kind="customer", id="001000000000001AAA")


class FakeStripe:
    """Answers each operation by `answer` and finds `marked` by our mark; notes what was sent and looked up."""

    def __init__(self, answer: Callable[[Operation], Outcome], marked: Mapping[str, Record] | None = None) -> None:
        self.answer = answer
        self.marked = marked or {}
        self.sent: list[Operation] = []
        self.looked_up: list[str] = []

    def apply(self, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]) -> None:
        for operation in operations:
            self.sent.append(operation)
            on_outcome(operation, self.answer(operation))

    def find(self, _kind: str, born_ids: Sequence[str]) -> Mapping[str, Record]:
        self.looked_up += born_ids
        return self.marked


def workspace_of(store: Any, clock: ManualClock, stripe: Any) -> Workspace:
    # Stripe's clock is right
    stripe.now = clock.now
    return Workspace(
        pack=PACK, policy=POLICY, identity=IDENTITY, salesforce=stripe, stripe=stripe, store=store, clock=clock
    )


def create(born: Key = BORN) -> tuple[Subject, Act]:
    act = Act(target=Side.STRIPE, action="create", body={"name": "Acme"}, sent={"name": "Acme"})
    return Subject(mapping=PACK.kinds["customer"], link=Link(born=born)), act
