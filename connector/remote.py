"""One remote call, tried again as `core.retry` decides. The one retry layer inside a call.

Both libraries' own retries are switched off; tenacity does the looping, the decision is pure. Retries have
a budget per side, so that a system in trouble is not asked several times as much as one in health.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

import requests
import tenacity

from connector.core.errors import RemoteError
from connector.core.retry import GiveUp, decide

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.model import Side
    from connector.core.retry import RetryPolicies
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


#: why there was no answer -> what it is called; the first that fits counts
_NO_ANSWER: Final[tuple[tuple[type[Exception], str], ...]] = (
    (requests.exceptions.SSLError, "tls"),
    (requests.exceptions.ConnectTimeout, "connect_timeout"),
    (requests.exceptions.Timeout, "timeout"),
    (requests.exceptions.ConnectionError, "connection"),
)
_OTHER: Final = "other"
#: every code there is: whoever counts by it has so many counters and no more
CODES: Final = frozenset({str(status.value) for status in HTTPStatus} | {name for _, name in _NO_ANSWER} | {_OTHER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what came of it, attempts that are repeated each on their own."""

    side: Side
    #: one of CODES: the status, or why there was none
    code: str
    took_s: float
    #: the system's own id of the request, where it tells one
    request_id: str | None = None


def unnoted(_exchange: Exchange) -> None:
    """Nobody is told."""


class Ear:
    """Times the exchanges with one system and tells of each, from whichever thread it was."""

    def __init__(self, side: Side, *, monotonic_s: Callable[[], float], heard: Callable[[Exchange], None]) -> None:
        self._side = side
        self._heard = heard
        self.now_s = monotonic_s

    def answered(self, began_s: float, status: int, request_id: str | None) -> None:
        """Once the whole answer was read."""
        code = str(status)
        self._tell(began_s, code if code in CODES else _OTHER, request_id)

    def failed(self, began_s: float, error: requests.RequestException) -> None:
        self._tell(began_s, next((name for sort, name in _NO_ANSWER if isinstance(error, sort)), _OTHER), None)

    def _tell(self, began_s: float, code: str, request_id: str | None) -> None:
        self._heard(Exchange(side=self._side, code=code, took_s=self.now_s() - began_s, request_id=request_id))


class Budget:
    """What may be spent on retries, counted in calls: each call adds one, a retry takes as many as its policy's
    share makes of it (0.2: five). Thread-safe.
    """

    #: a process that has made few calls may retry them; one that has made many saves up no storm
    AT_FIRST: Final = 100
    MOST: Final = 500

    def __init__(self) -> None:
        self._calls = float(self.AT_FIRST)
        self._lock = threading.Lock()

    def earn(self) -> None:
        with self._lock:
            self._calls = min(self.MOST, self._calls + 1)

    def spend(self, share: float) -> bool:
        """Whether one more retry is affordable; takes its price."""
        with self._lock:
            if self._calls * share < 1:
                return False
            self._calls -= 1 / share
            return True


class Caller:
    """Calls to one system, with retries. `chance` gives the random share of each wait; `notice` is told of each
    before it begins, from whichever thread waits; `heard` of each exchange.
    """

    def __init__(
        self,
        *,
        policies: RetryPolicies,
        clock: Clock,
        chance: Callable[[], float],
        notice: Callable[[TryingAgain], None] = unheard,
        heard: Callable[[Exchange], None] = unnoted,
    ) -> None:
        self._policies = policies
        self._clock = clock
        self._chance = chance
        self._notice = notice
        self._heard = heard
        self._budget = Budget()

    def ear(self, side: Side) -> Ear:
        """For the session that carries the calls, which alone sees each exchange."""
        return Ear(side, monotonic_s=self._clock.monotonic_s, heard=self._heard)

    def call(self, function: Callable[[], T], *, repeatable: bool, kind: str | None = None) -> T:
        """Runs `function`, which raises core.errors only; raises its last error when told to give up. `kind` is
        that of the records the call is about, where there is one.
        """
        self._budget.earn()
        try:
            return function()
        except RemoteError as error:
            first = error
        # nearly every call succeeds at once, and tenacity's book-keeping is not paid for by those
        return self._retry(function, first, repeatable=repeatable, kind=kind)

    def _retry(self, function: Callable[[], T], first: RemoteError, *, repeatable: bool, kind: str | None) -> T:
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
            if error.failure is None:
                return False
            policy = self._policies.policy(error.failure, to=error.side, kind=kind)
            decision = decide(policy, error, attempt=state.attempt_number, chance=self._chance(), repeatable=repeatable)
            if isinstance(decision, GiveUp) or not self._budget.spend(policy.budget):
                return False
            waits[state.attempt_number] = decision.wait_s
            self._notice(
                TryingAgain(
                    error=error,
                    wait_s=decision.wait_s,
                    attempt=state.attempt_number + 1,
                    attempts=policy.attempts,
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
