"""Everything that runs at the same time, one at a time: a seeded choice says who goes on.

Tasks are threads that pass one baton. Only its holder runs; it is offered to the others where the program
could be interrupted by another one: around remote calls and transactions, and where somebody waits. The
choice is drawn from a seed, so the same seed gives the same order, and an order that harms can be repeated.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from random import Random

#: how often the baton stays where it is although others could run
STAYS = 0.6


class Deadlock(AssertionError):
    """Everybody waits, and nobody is left to wake them."""


class _Task:
    def __init__(self, name: str) -> None:
        self.name = name
        self.turn = threading.Semaphore(0)
        self.waits: Callable[[], bool] | None = None
        self.done = False

    @property
    def may_run(self) -> bool:
        return not self.done and (self.waits is None or self.waits())


class Scheduler:
    """The thread that makes it is the first task, and holds the baton."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._current = _Task("main")
        self._tasks = [self._current]
        self.switches = 0

    @property
    def alone(self) -> bool:
        return len(self._tasks) == 1

    def pause(self) -> None:
        """Others may go on here."""
        if len(self._tasks) > 1:
            self._switch()

    def wait_until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._current.waits = holds
            self._switch()
        self._current.waits = None

    def start(self, function: Callable[[], None], *, name: str) -> None:
        """A new task; it runs when it is chosen. The function may not raise."""
        task = _Task(name)

        def run() -> None:
            task.turn.acquire()
            try:
                function()
            finally:
                task.done = True
                self._tasks.remove(task)
                self._hand_on(self._choose())

        self._tasks.append(task)
        threading.Thread(target=run, name=f"simulated {name}", daemon=True).start()

    def _choose(self) -> _Task:
        able = [task for task in self._tasks if task.may_run]
        if not able:
            raise Deadlock(f"all wait: {[task.name for task in self._tasks]}")
        if len(able) == 1:
            return able[0]
        if self._current in able and self._chance.random() < STAYS:
            return self._current
        return self._chance.choice(able)

    def _switch(self) -> None:
        me, chosen = self._current, self._choose()
        if chosen is not me:
            self._hand_on(chosen)
            me.turn.acquire()

    def _hand_on(self, chosen: _Task) -> None:
        self.switches += 1
        self._current = chosen
        chosen.turn.release()


class _SimulatedFuture(Future[Any]):
    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler

    def result(self, timeout: float | None = None) -> Any:
        del timeout
        self._scheduler.wait_until(self.done)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        del timeout
        self._scheduler.wait_until(self.done)
        return super().exception(0)


class _SimulatedPool(Executor):
    """Takes what was submitted in its order; as many at once as there are workers."""

    def __init__(self, scheduler: Scheduler, *, size: int, name: str) -> None:
        self._scheduler = scheduler
        self._size = size
        self._name = name
        self._pending: deque[tuple[_SimulatedFuture, Callable[[], Any]]] = deque()
        self._running = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = _SimulatedFuture(self._scheduler)
        self._pending.append((future, lambda: fn(*args, **kwargs)))
        if self._running < self._size:
            self._running += 1
            self._scheduler.start(self._work, name=self._name)
        return future

    def _work(self) -> None:
        while self._pending:
            future, function = self._pending.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001 - carried to whoever asks for the result
                future.set_exception(error)
            self._scheduler.pause()
        self._running -= 1

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            for future, _ in self._pending:
                future.cancel()
        if wait:
            self._scheduler.wait_until(lambda: not self._running)


class _SimulatedMailbox:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._items: deque[Any] = deque()

    def put(self, item: Any, /) -> None:
        self._items.append(item)

    def get(self) -> Any:
        self._scheduler.wait_until(lambda: bool(self._items))
        return self._items.popleft()


class SimulatedWorkers:
    """`ports.Workers` under one scheduler."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler

    def pool(self, *, size: int, name: str) -> Executor:
        return _SimulatedPool(self.scheduler, size=size, name=name)

    def wait(self, futures: Collection[Future[Any]], *, first_exception: bool = False) -> None:
        waiting = list(futures)

        def over() -> bool:
            if first_exception and any(_failed(future) for future in waiting):
                return True
            return all(future.done() for future in waiting)

        self.scheduler.wait_until(over)

    def mailbox(self) -> _SimulatedMailbox:
        return _SimulatedMailbox(self.scheduler)


def _failed(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception(0) is not None
