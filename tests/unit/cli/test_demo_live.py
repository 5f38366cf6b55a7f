"""The live demo waits for its service without tripping over what is in its way."""

from __future__ import annotations

import socket
import sys

import pytest

from connector.cli.demo import live
from connector.web.server import listen
from tests.support.clock import ManualClock


class Asked(live.Service):
    """A service that answers this when it is asked how it is."""

    told: dict

    def health(self):
        return self.told


@pytest.mark.parametrize(
    ("told", "is_idle"),
    [
        ({}, False),
        ({"connected": True, "health": "unknown", "reasons": ["the database is locked"]}, False),
        ({"connected": True, "unresolved": 0, "streams": [{"waiting": 1}]}, False),
        ({"connected": True, "unresolved": 1, "streams": [{"waiting": 0}]}, False),
        ({"connected": False, "unresolved": 0, "streams": [{"waiting": 0}]}, False),
        ({"connected": True, "unresolved": 0, "streams": [{"waiting": 0}]}, True),
    ],
)
def test_it_is_idle_when_it_knows_that_nothing_is_left_to_do(told, is_idle, tmp_path):
    service = Asked(child=None, ops="", log=tmp_path / "log", clock=ManualClock())
    service.told = told
    assert service.is_idle() is is_idle


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets two bind a port on which one listens")
def test_the_address_of_the_service_is_nobody_elses_until_it_listens_there():
    with live.kept_address() as address:
        port = int(address.rpartition(":")[2])
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with listen(None, address, setting="CONNECTOR_WEB__OPS_LISTEN").socket:
            socket.create_connection(("127.0.0.1", port)).close()
