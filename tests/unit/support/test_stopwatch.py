"""What a machine came too late does not count, and everything else does."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from tests.support.clock import ManualClock
from tests.support.waiting import Stopwatch


@pytest.mark.parametrize(
    ("steps_s", "took_s"),
    [
        pytest.param([], 0.0, id="nothing passed"),
        pytest.param([0.05] * 40, 2.0, id="woken in time"),
        pytest.param([0.05, 2.05, 0.06, 0.05], 0.2, id="two of four wake-ups came late"),
    ],
)
def test_it_is_the_time_that_passed_but_for_what_came_late(steps_s, took_s):
    clock, asleep, left = ManualClock(), threading.Event(), list(steps_s)

    def wait(_seconds):
        if not left:
            asleep.set()
            return True
        clock.advance(timedelta(seconds=left.pop(0)))
        return False

    with Stopwatch(monotonic_s=clock.monotonic_s, wait=wait) as watch:
        assert asleep.wait(60)
    assert watch.took_s == pytest.approx(took_s)
