"""One thread per shard, so that one slow shard never delays the others (WHERE, embedded).

A shard is woken when there is something new in it, and looks by itself now and then, for what is held back
until a moment. Failures make it wait longer and longer; a failure of one shard is no other's.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.core.errors import Interrupted, StoreError, Superseded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from connector.ports import Clock

#: a shard nobody wakes looks by itself: what was held back may be due
LOOK_EVERY_S: Final = 5.0
#: so long after a drain began the next one of its shard begins at the earliest, unless that drain found more to do: what
#: comes meanwhile is looked at together. Events come several about one thing, and each look costs calls and the processor
#: that takes webhooks in. A drain that talks to real systems takes about as long anyway
APART_S: Final = 0.5
#: waits after failures in a row
_WAITS_S: Final = (5, 15, 60, 120, 300)


@dataclass(slots=True)
class Shard:
    """What is known of one shard's thread."""

    number: int
    woken: threading.Event = field(default_factory=threading.Event)
    failures: int = 0
    #: why it does nothing at present; None when all is well
    trouble: str | None = None
    #: by the monotonic clock: when it was last seen to do or look
    seen_s: float = 0.0
    at_work: bool = False


class ShardWorkers:
    """`drain` works one shard off and says whether it should look again at once; it may raise. `failed` is told.
    `busy` names the shards in which something waits; it may raise StoreError.
    """

    def __init__(
        self,
        numbers: Iterable[int],
        *,
        drain: Callable[[int], bool],
        busy: Callable[[], Collection[int]],
        failed: Callable[[int, Exception], None],
        lost: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._shards = {number: Shard(number) for number in numbers}
        self._drain = drain
        self._busy = busy
        self._failed = failed
        self._lost = lost
        self._clock = clock
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(shard,), name=f"shard-{shard.number}", daemon=True)
            for shard in self._shards.values()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        for shard in self._shards.values():
            shard.woken.set()

    def stop(self) -> None:
        """No shard begins another drain; waits for those under way."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join()

    def is_alive(self) -> bool:
        """False once a thread is gone that should be there: a bug, and a reason to be started again."""
        return all(thread.is_alive() for thread in self._threads)

    def troubles(self) -> Mapping[int, str]:
        """Shard -> why it does nothing at present."""
        return {shard.number: shard.trouble for shard in self._shards.values() if shard.trouble is not None}

    def _run(self, shard: Shard) -> None:
        while not self._stopping.is_set():
            shard.woken.clear()
            shard.seen_s, shard.at_work = self._clock.monotonic_s(), True
            try:
                again = self._drain(shard.number)
                shard.failures, shard.trouble = 0, None
            except Interrupted:
                return
            except Superseded as error:
                shard.trouble = str(error)
                self._lost()
                return
            except Exception as error:  # noqa: BLE001 -- told and waited out: the other shards go on
                again = False
                shard.failures += 1
                shard.trouble = str(error)
                self._failed(shard.number, error)
                self._stopping.wait(_WAITS_S[min(shard.failures, len(_WAITS_S)) - 1])
            finally:
                shard.at_work = False
            if not again:
                self._rest(shard)

    def _rest(self, shard: Shard) -> None:
        """Until it is woken, or a look finds something in it: a drain of nothing costs ten times as much."""
        early_s = shard.seen_s + APART_S - self._clock.monotonic_s()
        if early_s > 0:
            self._stopping.wait(early_s)
        while not shard.woken.wait(LOOK_EVERY_S):
            try:
                if shard.trouble is not None or shard.number in self._busy():
                    return
            except StoreError:
                # the drain meets it too, and tells
                return
