"""Waiting for what real processes do: asked again and again, with an end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def until(holds: Callable[[], bool], *, patience_s: float = 60.0) -> None:
    """Raises AssertionError when it does not become true in time."""
    deadline_s = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline_s, f"not within {patience_s} s"
        time.sleep(0.02)
