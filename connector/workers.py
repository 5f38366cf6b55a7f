"""The real workers: threads. The only place of the program's core path that starts any.

A simulation gives workers of its own, which run in an order it chose.
"""

from __future__ import annotations

import contextvars
import queue
from concurrent.futures import ALL_COMPLETED, FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from concurrent.futures import Executor, Future

    from connector.ports import Mailbox, Workers


T = TypeVar("T")


class _Pool(ThreadPoolExecutor):
    """What is bound for the log where work is handed over is bound where it is done."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return super().submit(contextvars.copy_context().run, fn, *args, **kwargs)


class Threads:
    """`ports.Workers` on this machine's threads."""

    def pool(self, *, size: int, name: str) -> Executor:
        return _Pool(max_workers=size, thread_name_prefix=name)

    def wait(self, futures: Collection[Future[Any]], *, first_exception: bool = False) -> None:
        wait(futures, return_when=FIRST_EXCEPTION if first_exception else ALL_COMPLETED)

    def mailbox(self) -> Mailbox[Any]:
        return queue.SimpleQueue()


#: threads hold nothing: one instance serves everybody
THREADS: Final[Workers] = Threads()
