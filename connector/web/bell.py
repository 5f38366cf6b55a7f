"""What ends on another thread, told to those who await it in an event loop.

Waking a loop is a system call, and gives the interpreter away to whoever wants it. What ends together, as the
events of one commit do, wakes it once.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future


class Bell:
    """Of one event loop. `of` is called in the loop; the futures end on any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ended: deque[tuple[asyncio.Future[None], Future[None]]] = deque()
        self._is_rung = False

    def of(self, future: Future[None]) -> asyncio.Future[None]:
        """Ends as `future` does. Who no longer waits may cancel it: nothing is undone by that."""
        waiting = self._loop.create_future()
        future.add_done_callback(lambda ended: self._ring(waiting, ended))
        return waiting

    def _ring(self, waiting: asyncio.Future[None], ended: Future[None]) -> None:
        self._ended.append((waiting, ended))
        if self._is_rung or self._loop.is_closed():
            return
        self._is_rung = True
        self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        # first, so that what ends from here on rings again
        self._is_rung = False
        while self._ended:
            waiting, ended = self._ended.popleft()
            if waiting.done():
                continue
            error = ended.exception()
            if error is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(error)
