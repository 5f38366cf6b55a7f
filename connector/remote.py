"""One remote call, tried again as `core.retry` decides. The one retry layer of this program.

Both libraries' own retries are switched off; tenacity does the looping, the decision is pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import tenacity

from connector.core.errors import RemoteError
from connector.core.retry import GiveUp, RetryPolicy, decide

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.ports import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TryingAgain:
    """A call failed, and is sent again after a wait."""

    error: RemoteError
    wait_s: float
    #: the number of the attempt to come, of so many at most
    attempt: int
    attempts: int


def unheard(_notice: TryingAgain) -> None:
    """Nobody is told."""


class Caller:
    """Calls with retries. `chance` gives the random share of each wait; `notice` is told of each before it
    begins, from whichever thread waits.
    """

    def __init__(
        self,
        *,
        policy: RetryPolicy,
        clock: Clock,
        chance: Callable[[], float],
        notice: Callable[[TryingAgain], None] = unheard,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._chance = chance
        self._notice = notice

    def call(self, function: Callable[[], T], *, repeatable: bool) -> T:
        """Runs `function`, which raises core.errors only; raises its last error when told to give up."""
        try:
            return function()
        except RemoteError as error:
            first = error
        # nearly every call succeeds at once, and tenacity's book-keeping is not paid for by those
        return self._retry(function, first, repeatable=repeatable)

    def _retry(self, function: Callable[[], T], first: RemoteError, *, repeatable: bool) -> T:
        waits: dict[int, float] = {}
        failed = [first]

        def attempt() -> T:
            if failed:
                raise failed.pop()
            return function()

        def retry(state: tenacity.RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome is not None else None
            if not isinstance(error, RemoteError):
                return False
            decision = decide(
                self._policy, error, attempt=state.attempt_number, chance=self._chance(), repeatable=repeatable
            )
            if isinstance(decision, GiveUp):
                return False
            waits[state.attempt_number] = decision.wait_s
            self._notice(
                TryingAgain(
                    error=error,
                    wait_s=decision.wait_s,
                    attempt=state.attempt_number + 1,
                    attempts=self._policy.attempts,
                )
            )
            return True

        retrying = tenacity.Retrying(
            retry=retry,
            wait=lambda state: waits[state.attempt_number],
            stop=tenacity.stop_never,
            sleep=self._clock.sleep,
            reraise=True,
        )
        return retrying(attempt)
