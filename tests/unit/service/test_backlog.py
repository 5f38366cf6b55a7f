"""How much may wait, and that asking is cheap."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.service.backlog import Backlog, TooMuchWaits
from tests.support.clock import ManualClock


class Inbox:
    def __init__(self):
        self.waiting, self.asked = 0, 0

    def backlog(self):
        self.asked += 1
        return self.waiting, None


def test_it_is_full_when_more_waits_than_may():
    inbox, clock = Inbox(), ManualClock()
    backlog = Backlog(inbox, most=100, monotonic_s=clock.monotonic_s)
    for waiting, full in ((0, False), (100, False), (101, True), (7, False)):
        inbox.waiting = waiting
        clock.advance(timedelta(seconds=1))
        assert backlog.is_full() is full


def test_who_reads_is_told_how_much_waits_and_which_setting_it_is():
    inbox, clock = Inbox(), ManualClock()
    backlog = Backlog(inbox, most=100, monotonic_s=clock.monotonic_s)
    backlog.require_room()
    inbox.waiting = 5000
    clock.advance(timedelta(seconds=1))
    with pytest.raises(TooMuchWaits, match=r"5000 records wait.*CONNECTOR_RUN__SIGNALS_WAITING_MAX=100"):
        backlog.require_room()


def test_a_burst_asks_the_store_once_a_second():
    inbox, clock = Inbox(), ManualClock()
    backlog = Backlog(inbox, most=100, monotonic_s=clock.monotonic_s)
    for _ in range(500):
        backlog.is_full()
    assert inbox.asked == 1
    clock.advance(timedelta(seconds=1))
    backlog.is_full()
    assert inbox.asked == 2
