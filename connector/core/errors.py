"""Every error this program raises on purpose.

    ConnectorError
      UsageError            the operator can fix it; shown without a traceback, every problem at once
        ConfigError         settings, files, secrets
        MappingError        a mapping pack
        PrerequisiteError   a remote system is not set up as the mapping needs
      RemoteError           a remote system, with everything known about the failed call
        Transient           may succeed when tried again
          Unreachable       no connection came about, so nothing was sent
        Throttled           may succeed when tried again after `retry_after_s`
        Ambiguous           sent, no trustworthy reply: becomes Outcome Unknown, never failure
        Refused             the system understood and said no
        Unauthorised        the credentials are not accepted: stop this side
        Unfinished          accepted, and still being worked on when our patience ended
      StoreError            our own database
        StoreBusy           locked by another process
        StoreUnusable       full, read-only or damaged
        SchemaTooNew        written by a newer version of this program
        LeaseLost           another worker took over
      Interrupted           the operator asked to stop; carries where
    AssertionError          a bug of ours: the drain crashes, the link stays

Foreign errors are translated at one place per adapter (`classify`), nobody else looks at status
codes or message text. Messages hold no secrets: adapters redact before they raise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.model import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing the operator can fix."""

    #: file and line as `path:line`, a setting's name, or a system's name
    where: str
    #: what was found
    observed: str
    #: what would be right, and how to get there
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.observed}\n    fix: {self.remedy}"


class ConnectorError(Exception):
    """The root of the tree above."""


class UsageError(ConnectorError):
    """The operator can fix it; `problems` holds all of them, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        assert problems
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigError(UsageError):
    pass


class MappingError(UsageError):
    pass


class PrerequisiteError(UsageError):
    pass


class RemoteError(ConnectorError):
    def __init__(
        self,
        message: str,
        *,
        side: Side,
        action: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        fields: Sequence[str] = (),
    ) -> None:
        self.message = message
        self.side = side
        #: what we were doing, as `invoice.create` or `GET /v1/events`
        self.action = action
        self.status = status
        #: the system's own error code, e.g. `UNABLE_TO_LOCK_ROW` or `parameter_unknown`
        self.code = code
        self.request_id = request_id
        #: the system's field or parameter names the error is about
        self.fields = tuple(fields)
        where = f"{side.value} {action}"
        parts = [str(part) for part in (status, code) if part is not None]
        super().__init__(f"{where}: {' '.join(parts)}{': ' if parts else ''}{message}")


class Transient(RemoteError):
    pass


class Unreachable(Transient):
    pass


class Throttled(RemoteError):
    """`retry_after_s` is the wait the system asked for, None when it named none."""

    retry_after_s: int | None = None


class Ambiguous(RemoteError):
    pass


class Refused(RemoteError):
    pass


class Unauthorised(RemoteError):
    pass


class Unfinished(RemoteError):
    pass


class StoreError(ConnectorError):
    pass


class StoreBusy(StoreError):
    pass


class StoreUnusable(StoreError):
    pass


class SchemaTooNew(StoreError):
    pass


class LeaseLost(StoreError):
    pass


class Interrupted(ConnectorError):
    pass
