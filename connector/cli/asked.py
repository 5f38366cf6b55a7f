"""Asking a running service for a job, and waiting for what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connector.ports import Clock
    from connector.ports.service import ScheduleMemory

#: what becomes of a moment that no clock took
NOT_TAKEN: Final = "not taken"
#: a clock looks every three seconds
TAKEN_WITHIN_S: Final = 15.0
_LOOK_EVERY_S: Final = 0.2
_NOBODY_THERE: Final = (
    "no service runs on this database; start `connector run`, or use `connector sync`, `sweep`, `verify`"
)


def ask_and_wait(
    memory: ScheduleMemory, clock: Clock, jobs: Sequence[str], *, by: str, waits: bool
) -> list[dict[str, Any]]:
    """How each job ended; outcome None for one that is only taken yet. What nobody takes is withdrawn."""
    asked = {job: memory.ask_for(job, by=by) for job in jobs}
    return [{"job": job, **_ended(memory, clock, job, due_at, waits=waits)} for job, due_at in asked.items()]


def _ended(memory: ScheduleMemory, clock: Clock, job: str, due_at: datetime, *, waits: bool) -> dict[str, Any]:
    began_s = clock.monotonic_s()
    while True:
        found = memory.load(job, due_at)
        assert found is not None, "only this command withdraws it"
        if found["finished_at"] is not None:
            return {"outcome": found["outcome"], "reason": found["reason"]}
        if found["is_taken"] and not waits:
            return {"outcome": None, "reason": None}
        late = clock.monotonic_s() - began_s >= TAKEN_WITHIN_S
        if not found["is_taken"] and late and memory.withdraw(job, due_at):
            return {"outcome": NOT_TAKEN, "reason": _NOBODY_THERE}
        clock.sleep(_LOOK_EVERY_S)
