"""The real clock, chance and ids: the only place that asks the machine for any of them."""

from __future__ import annotations

import random
import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    """`ports.Clock` on this machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def chance() -> float:
    """A random share in [0, 1), for the jitter of waits; nothing depends on its quality."""
    return random.random()  # noqa: S311 - spreads retries in time, no secret


def new_trace_id() -> str:
    """The id of a new unit of work, in the form of W3C's trace-id: 32 hexadecimal digits."""
    return secrets.token_hex(16)
