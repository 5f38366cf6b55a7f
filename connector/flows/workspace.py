"""What the flows work with, put together once by `app.py`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from connector.core.brake import BrakeLimits
from connector.core.model import Side
from connector.core.quota import QuotaShares
from connector.core.retry import Moment, RetryPolicies
from connector.workers import THREADS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from connector.core.mapping import Pack
    from connector.core.model import Identity, Key
    from connector.core.view import Act, Park, Policy
    from connector.flows.subject import Subject
    from connector.ports import Clock, KeyedSystem, Store, System, Workers


def never() -> bool:
    return False


def certain() -> float:
    return 0.0


def untraced() -> str:
    """Nobody follows what is done."""
    return "0" * 32


def unguarded(_acts: Sequence[tuple[Subject, Act]]) -> dict[Key, Park]:
    return {}


def silent(_text: str, _done: int, _of: int) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    pack: Pack
    policy: Policy
    identity: Identity
    salesforce: System
    stripe: KeyedSystem
    store: Store
    clock: Clock
    workers: Workers = THREADS
    #: when a pass looks so wrong that a person has to look first
    limits: BrakeLimits = field(default_factory=BrakeLimits)
    #: asked before each batch of writes: the links that must not be written now; raises Braked
    gate: Callable[[Sequence[tuple[Subject, Act]]], dict[Key, Park]] = unguarded
    #: how many signals one drain takes; bounds memory
    batch_size: int = 1000
    shards: int = 4
    #: asked between steps: True ends the run after the operations in flight
    stop: Callable[[], bool] = never
    #: told (what, done, of) while long work goes on
    progress: Callable[[str, int, int], None] = silent
    #: kinds that must not run, with the reason (absent fields, missing permissions)
    stopped_kinds: dict[str, str] = field(default_factory=dict)
    #: how what failed is tried again, in this pass and later
    retries: RetryPolicies = field(default_factory=RetryPolicies)
    #: how much of the day's calls may be used up before we stop
    shares: QuotaShares = field(default_factory=QuotaShares)
    #: the id of a new unit of work
    new_trace_id: Callable[[], str] = untraced
    #: a random number in [0, 1): the share of a wait that is left to chance
    chance: Callable[[], float] = certain

    def traced(self, trace_id: str) -> Workspace:
        """For one unit of work: what is stored names it."""
        return replace(self, store=self.store.traced(trace_id))

    def moment(self) -> Moment:
        return Moment(now=self.clock.now(), chance=self.chance())

    def system(self, side: Side) -> System:
        return self.salesforce if side is Side.SALESFORCE else self.stripe

    def now_at(self, side: Side) -> datetime:
        """The time by which a write there grows old: where keys are kept, the keeper's own."""
        return self.stripe.now() if side is Side.STRIPE else self.clock.now()

    def kinds(self) -> tuple[str, ...]:
        """The kinds that may run, parents first."""
        return tuple(kind for kind in self.pack.kinds if kind not in self.stopped_kinds)
