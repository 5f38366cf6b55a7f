"""A port that was chosen is still there when somebody listens on it."""

from __future__ import annotations

import errno
import socket
import sys

import pytest

from connector.web.server import listen
from tests.support.ports import kept_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets two bind a port on which one listens")


def test_nobody_else_gets_it_and_nobody_answers_there():
    port = kept_port()
    with socket.socket() as other:
        with pytest.raises(OSError) as refused:
            other.bind(("127.0.0.1", port))
        assert refused.value.errno == errno.EADDRINUSE
        assert other.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


def test_whoever_was_told_its_number_listens_there_again_and_again():
    port = kept_port()
    for _ in range(2):
        listening = listen(None, f"127.0.0.1:{port}", setting="CONNECTOR_WEB__OPS_LISTEN")
        with listening.socket, socket.create_connection(("127.0.0.1", port)), listening.socket.accept()[0]:
            pass
