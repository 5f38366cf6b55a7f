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
          QuotaSpent        the day's calls are used up: stop this side
        Ambiguous           sent, no trustworthy reply: becomes Outcome Unknown, never failure
        Refused             the system understood and said no
          Hidden            to a read: an object or field the mapping needs is not shown (any more)
        Unauthorised        the credentials are not accepted: stop this side
        Unfinished          accepted, and still being worked on when our patience ended
      StoreError            our own database
        StoreBusy           locked by another process
        StoreAway           its server is out of reach or not up; whether the last transaction was stored is not known
        StoreUnusable       full, read-only or damaged
        SchemaTooNew        written by a newer version of this program
        LeaseLost           another worker took over
          Superseded        this whole process was replaced: it may write no more
      Braked                a pass looks wrong: nothing was written, a person has to release it
      Unadopted             two systems that held records before they were joined: nothing was written
      Interrupted           the operator asked to stop; carries where
    AssertionError          a bug of ours: the drain crashes, the link stays

Foreign errors are translated at one place per adapter (`classify`), nobody else looks at status
codes or message text. Messages hold no secrets: adapters redact before they raise.

What may be tried again says so by its `failure`, the class that retry policies are written for. A refusal has
none, so that no policy can be about one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.model import FailureClass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connector.core.brake import TrippedBrake
    from connector.core.model import Finding, Side


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
    #: None for what is not tried again, whatever a policy says; an adapter narrows it
    failure: FailureClass | None = None

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
    failure = FailureClass.TRANSIENT


class Unreachable(Transient):
    failure = FailureClass.UNREACHABLE


class Throttled(RemoteError):
    """`retry_after_s` is the wait the system asked for, None when it named none."""

    failure = FailureClass.THROTTLED
    retry_after_s: int | None = None


class QuotaSpent(Throttled):
    """`until` is when it may go on; None until somebody who has a clock says so."""

    failure = FailureClass.QUOTA
    until: datetime | None = None


class Ambiguous(RemoteError):
    failure = FailureClass.AMBIGUOUS


class Refused(RemoteError):
    pass


class Hidden(Refused):
    """`kind` is the kind whose records cannot be read, None when the reply does not tell. What is hidden must
    never be read as empty: it stops its kind.
    """

    kind: str | None = None


class Unauthorised(RemoteError):
    pass


class Unfinished(RemoteError):
    pass


class StoreError(ConnectorError):
    pass


class StoreBusy(StoreError):
    pass


class StoreAway(StoreError):
    """The connection may have been lost after the server stored the transaction and before it said so: whoever
    goes on looks at what is there.
    """


class StoreUnusable(StoreError):
    pass


class SchemaTooNew(StoreError):
    pass


class LeaseLost(StoreError):
    pass


class Superseded(LeaseLost):
    pass


class Braked(ConnectorError):
    """`brakes` holds all that are open, with what would have been written."""

    def __init__(self, brakes: Sequence[TrippedBrake]) -> None:
        assert brakes
        self.brakes = tuple(brakes)
        super().__init__("; ".join(f"{brake.name}: {brake.observed}, allowed {brake.allowed}" for brake in brakes))


class Unadopted(ConnectorError):
    """A first pass might make records that exist already; `finding` says which and what to do."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.observed)


class Interrupted(ConnectorError):
    pass
