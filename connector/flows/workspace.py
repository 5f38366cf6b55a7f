"""What the flows work with, put together once by `app.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.mapping import Pack
    from connector.core.model import Identity
    from connector.core.view import Policy
    from connector.ports import Clock, Store, System


def never() -> bool:
    return False


def silent(_text: str, _done: int, _of: int) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    pack: Pack
    policy: Policy
    identity: Identity
    salesforce: System
    stripe: System
    store: Store
    clock: Clock
    #: how many signals one drain takes; bounds memory
    batch_size: int = 1000
    shards: int = 4
    #: asked between steps: True ends the run after the operations in flight
    stop: Callable[[], bool] = never
    #: told (what, done, of) while long work goes on
    progress: Callable[[str, int, int], None] = silent
    #: kinds that must not run, with the reason (absent fields, missing permissions)
    stopped_kinds: dict[str, str] = field(default_factory=dict)

    def system(self, side: Side) -> System:
        return self.salesforce if side is Side.SALESFORCE else self.stripe

    def kinds(self) -> tuple[str, ...]:
        """The kinds that may run, parents first."""
        return tuple(kind for kind in self.pack.kinds if kind not in self.stopped_kinds)
