"""Puts into the queue what there is to drain, behind whoever noticed it.

Always after the commit of what is to be looked at: a drain that waits in the queue then begins later and sees it, so
that of many for one shard one is enough. A wake-up that dies with its process costs the time to the next look.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from connector.core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


#: a look is followed by the next one no sooner: webhooks wake it by the hundred a second
APART_S: Final = 0.2


class Waker:
    """Calls `put` for each of `busy()`, soon after `wake` and, if told so, every `look_every_s`. `failed` is told
    when the database did not take it: the next look is the cure.
    """

    def __init__(
        self,
        *,
        busy: Callable[[], Iterable[int]],
        put: Callable[[int], object],
        failed: Callable[[StoreError], None],
        look_every_s: float | None,
    ) -> None:
        self._busy = busy
        self._put = put
        self._failed = failed
        self._look_every_s = look_every_s
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="waker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        """What was noticed until now is put before it ends."""
        self._stopping.set()
        self._woken.set()
        self._thread.join()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        last = False
        while not last:
            self._woken.wait(self._look_every_s)
            last = self._stopping.is_set()
            self._woken.clear()
            try:
                for shard in self._busy():
                    self._put(shard)
            except StoreError as error:
                self._failed(error)
            self._stopping.wait(APART_S)
