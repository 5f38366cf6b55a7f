"""What ends on another thread is told in the loop, and a loop is woken once for all that ended meanwhile."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextlib import suppress

import pytest

from connector.core.errors import StoreBusy
from connector.web.bell import Bell


class Counted:
    """The running loop, counting how often it is woken."""

    def __init__(self, loop):
        self._loop = loop
        self.woken = 0

    def __getattr__(self, name):
        return getattr(self._loop, name)

    def call_soon_threadsafe(self, *given):
        self.woken += 1
        return self._loop.call_soon_threadsafe(*given)


def test_what_ends_together_wakes_the_loop_once_and_each_hears_of_its_own():
    async def wait():
        loop = Counted(asyncio.get_running_loop())
        bell, futures = Bell(loop), [Future() for _ in range(10)]
        waiting = [bell.of(each) for each in futures]

        def end():
            for number, each in enumerate(futures):
                if number == 3:
                    each.set_exception(StoreBusy("somebody writes"))
                else:
                    each.set_result(None)

        # the loop does not turn meanwhile
        end()
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [str(each) for each in told] == ["None"] * 3 + ["somebody writes"] + ["None"] * 6
        return loop.woken

    assert asyncio.run(wait()) == 1


def test_what_ends_later_rings_again():
    async def wait():
        loop = Counted(asyncio.get_running_loop())
        bell = Bell(loop)
        for _ in range(3):
            future = Future()
            waiting = bell.of(future)
            await asyncio.to_thread(future.set_result, None)
            await waiting
        return loop.woken

    assert asyncio.run(wait()) == 3


def test_who_lost_its_patience_is_left_alone_and_nothing_is_undone():
    async def wait():
        bell, future, other = Bell(asyncio.get_running_loop()), Future(), Future()
        future.set_running_or_notify_cancel()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bell.of(future), 0)
        waiting = bell.of(other)
        future.set_result(None)
        other.set_result(None)
        await waiting

    asyncio.run(wait())


def test_a_loop_that_is_gone_keeps_nobody_from_storing():
    async def begin():
        future = Future()
        waiting = Bell(asyncio.get_running_loop()).of(future)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        return future

    future = asyncio.run(begin())
    future.set_result(None)
    assert future.result() is None
