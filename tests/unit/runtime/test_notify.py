"""systemd is told by a datagram on the socket it named."""

from __future__ import annotations

import os
import socket

import pytest

from connector.runtime.notify import READY, WATCHDOG, Notifier


@pytest.fixture
def listener(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "notify"))
        bound.settimeout(5)
        yield bound


def test_states_arrive_in_one_datagram(listener, tmp_path):
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert notifier.tell(READY, "STATUS=4 shards")
    assert listener.recv(100) == b"READY=1\nSTATUS=4 shards"


def test_an_abstract_socket_too():
    name = f"connector-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(f"\0{name}")
        bound.settimeout(5)
        assert Notifier({"NOTIFY_SOCKET": f"@{name}"}).tell(WATCHDOG)
        assert bound.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_where_nobody_listens_nothing_happens(environment):
    assert not Notifier(environment).tell(READY)


def test_a_sign_of_life_is_due_twice_as_often_as_it_is_watched_for():
    assert Notifier({"WATCHDOG_USEC": "30000000"}).watchdog_s == 15
    assert Notifier({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}).watchdog_s == 15


@pytest.mark.parametrize(
    "environment", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "3", "WATCHDOG_PID": "1"}]
)
def test_whom_nobody_watches_owes_none(environment):
    assert Notifier(environment).watchdog_s is None
