"""What all parts of one process of the service have in common, put together once by run.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.config.settings import Settings
    from connector.core.schedule import ScheduledJob
    from connector.ports import Clock
    from connector.service.counting import Counting
    from connector.service.faces import Faces
    from connector.service.presence import Presence
    from connector.service.roles import Role
    from connector.service.running import Running


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    settings: Settings
    role: Role
    jobs: tuple[ScheduledJob, ...]
    clock: Clock
    counting: Counting
    running: Running
    faces: Faces
    #: who this process is, for a person who looks for it
    holder: str
    presence: Presence
