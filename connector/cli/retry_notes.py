"""Says that a system does not answer and is tried again: a sentence for people, or a line of a JSON log."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from connector.core.errors import Throttled, Unreachable
from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.ports import Clock
    from connector.remote import TryingAgain

_NAMES: Final = {Side.SALESFORCE: "Salesforce", Side.STRIPE: "Stripe"}
_SHORTEST_SHOWN_S: Final = 0.1


class RetryNotes:
    """Called from any thread. Threads that wait for one system at the same time are one piece of news.

    `say` prints a sentence; None writes to the log.
    """

    def __init__(self, *, say: Callable[[str], None] | None, clock: Clock) -> None:
        self._say = say
        self._clock = clock
        self._lock = threading.Lock()
        #: per side, when the wait that was told last is over
        self._told_until_s: dict[Side, float] = {}

    def __call__(self, notice: TryingAgain) -> None:
        side, now_s = notice.error.side, self._clock.monotonic_s()
        with self._lock:
            if now_s < self._told_until_s.get(side, now_s):
                return
            self._told_until_s[side] = now_s + notice.wait_s
        if self._say is not None:
            self._say(words_of(notice))
        else:
            _log(notice)


def words_of(notice: TryingAgain) -> str:
    """Never the remote message, which may quote anything."""
    error, wait_s = notice.error, max(_SHORTEST_SHOWN_S, notice.wait_s)
    wait = f"{wait_s:.1f}".removesuffix(".0")
    detail = error.status or error.code
    if isinstance(error, Unreachable):
        what = "cannot be reached"
    elif isinstance(error, Throttled):
        what = "asks to wait"
    else:
        what = f"did not answer {error.action}" + (f" ({detail})" if detail else "")
    return f"{_NAMES[error.side]} {what}, trying again in {wait} s ({notice.attempt} of {notice.attempts})"


def _log(notice: TryingAgain) -> None:
    import structlog

    error = notice.error
    structlog.get_logger("connector").warning(
        "trying_again",
        side=error.side.value,
        action=error.action,
        error=type(error).__name__,
        status=error.status,
        code=error.code,
        wait_ms=round(notice.wait_s * 1000),
        attempt=notice.attempt,
        attempts=notice.attempts,
    )
