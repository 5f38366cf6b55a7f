"""Waiting for what real processes do: asked again and again, with an end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

#: far above what anything takes on a busy machine; a hang must end some time
PATIENCE_S = 180.0
_STEP_S = 0.05


def until(holds: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> None:
    """Raises AssertionError when it does not become true in time."""
    deadline_s = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline_s, f"not within {patience_s} s"
        time.sleep(0.02)


class Stopwatch:
    """How long the block takes, where it must not take long: without what this machine itself came too late
    meanwhile. A thread that sleeps in small steps tells that, which an idle machine wakes in time.
    """

    def __init__(
        self, *, monotonic_s: Callable[[], float] = time.monotonic, wait: Callable[[float], bool] | None = None
    ) -> None:
        """`wait` says whether to stop."""
        self._monotonic_s = monotonic_s
        self._stopping = threading.Event()
        self._wait = wait or self._stopping.wait
        self._late_s = 0.0
        self._thread = threading.Thread(target=self._sleep, name="stopwatch", daemon=True)
        self.took_s = 0.0

    def __enter__(self) -> Self:
        self._began_s = self._monotonic_s()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        took_s = self._monotonic_s() - self._began_s
        self._stopping.set()
        self._thread.join()
        self.took_s = max(0.0, took_s - self._late_s)

    def _sleep(self) -> None:
        since_s = self._monotonic_s()
        while not self._wait(_STEP_S):
            now_s = self._monotonic_s()
            self._late_s += max(0.0, now_s - since_s - _STEP_S)
            since_s = now_s
