"""One remote call, tried again as `core.retry` decides. The one retry layer of this program.

Both libraries' own retries are switched off; tenacity does the looping, the decision is pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import tenacity

from connector.core.errors import RemoteError
from connector.core.retry import GiveUp, RetryPolicy, decide

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.ports import Clock

T = TypeVar("T")


class Caller:
    """Calls with retries. `chance` gives the random share of each wait."""

    def __init__(self, *, policy: RetryPolicy, clock: Clock, chance: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._chance = chance

    def call(self, function: Callable[[], T], *, repeatable: bool) -> T:
        """Runs `function`, which raises core.errors only; raises its last error when told to give up."""
        waits: dict[int, float] = {}

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
            return True

        retrying = tenacity.Retrying(
            retry=retry,
            wait=lambda state: waits[state.attempt_number],
            stop=tenacity.stop_never,
            sleep=self._clock.sleep,
            reraise=True,
        )
        return retrying(function)
