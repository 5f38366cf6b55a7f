"""How a verification ends: may the daemon run, and if nobody can say so, what is left to do. Pure.

A check that failed or crashed counts by its severity, a warning as a warning at most. Of what is
unknown or not attested the blockers count, because nobody can say that the daemon may run; strict
makes the others count as well. "Ready" needs more than an exit code of 0: nothing open at all at or
above the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.model import Severity
from connector.core.verify.checks import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.core.verify.checks import Result

_WEIGHTS: Final = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2, Severity.BLOCKER: 3}
_BAD: Final = (Verdict.FAIL, Verdict.CRASHED, Verdict.WARN)
_UNSURE: Final = (Verdict.UNKNOWN, Verdict.MANUAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    #: the least severity that counts
    fail_on: Severity
    strict: bool
    #: ids of open checks that failed, crashed or warn, at or above the limit
    failed: tuple[str, ...]
    #: ids of open checks that are unknown or not attested, at or above the limit
    unsure: tuple[str, ...]
    #: those of `unsure` that fail the run
    stopping: tuple[str, ...]

    @property
    def ready(self) -> bool:
        return not self.failed and not self.unsure

    @property
    def fails(self) -> bool:
        """Whether the exit code is 1."""
        return bool(self.failed or self.stopping)


def end(results: Iterable[Result], *, fail_on: Severity, strict: bool) -> Ending:
    counting = [result for result in results if result.is_open and counts_as(result, fail_on)]
    unsure = [result for result in counting if result.verdict in _UNSURE]
    return Ending(
        fail_on=fail_on,
        strict=strict,
        failed=tuple(result.check.id for result in counting if result.verdict in _BAD),
        unsure=tuple(result.check.id for result in unsure),
        stopping=tuple(result.check.id for result in unsure if strict or result.severity is Severity.BLOCKER),
    )


def counts_as(result: Result, fail_on: Severity) -> bool:
    """Whether an open result is at or above the limit."""
    weight = _WEIGHTS[result.severity]
    if result.verdict is Verdict.WARN:
        weight = min(weight, _WEIGHTS[Severity.WARNING])
    return weight >= _WEIGHTS[fail_on]
