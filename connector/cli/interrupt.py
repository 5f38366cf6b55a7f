"""Ctrl-C: the first asks the work to stop after the operation in flight, the second ends the process."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from connector.cli.output import Output


@contextlib.contextmanager
def stop_flag(output: Output) -> Iterator[Callable[[], bool]]:
    """Yields `stop() -> bool`; SIGINT and SIGTERM are handled inside the block only."""
    asked = threading.Event()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        asked.set()
        output.note("stopping after the operation in flight; once more to stop at once")

    earlier = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """While a person is asked something, Ctrl-C ends the command at once: nothing is in flight."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)
