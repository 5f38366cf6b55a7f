"""Tells the store how this process is, so that `connector status`, health and `restore` know of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from connector.core.service import ProcessSeen
from connector.service.running import STARTING
from connector.store.processes import TELL_EVERY_S

if TYPE_CHECKING:
    from connector.ports import Clock
    from connector.ports.service import Processes
    from connector.service.counting import Counting
    from connector.service.roles import Role
    from connector.service.running import Running


@dataclass(slots=True, kw_only=True)
class Presence:
    """Of one process, by one thread."""

    processes: Processes
    holder: str
    role: Role
    running: Running
    counting: Counting
    clock: Clock
    _told: ProcessSeen | None = field(default=None, init=False)
    _told_s: float = field(default=0.0, init=False)

    def now(self) -> ProcessSeen:
        """What there is to tell. Who does not work on records needs neither system."""
        is_cut_off = self.role.works and self.running.not_connected not in (None, STARTING)
        return ProcessSeen(
            holder=self.holder,
            role=self.role.value,
            why_not=self.running.not_connected if is_cut_off else None,
            why_not_since=self.running.not_connected_since if is_cut_off else None,
            troubles={str(shard): why for shard, why in sorted(self.running.troubles().items())},
            refused=self.counting.refused(),
        )

    def tell(self) -> None:
        """What is new, or now and then that it lives. Raises StoreError."""
        if self._told is None:
            self.processes.purge()
        told, now_s = self.now(), self.clock.monotonic_s()
        if told != self._told or now_s - self._told_s >= TELL_EVERY_S:
            self.processes.tell(told)
            self._told, self._told_s = told, now_s

    def end(self) -> None:
        """Raises StoreError: then its silence says the same, a little later."""
        self.processes.tell(replace(self.now(), why_not=None, why_not_since=None, troubles={}, lives=False))
