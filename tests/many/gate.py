"""A way to a system that can be shut behind a request: it arrives and is carried out, and its reply does not come back."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Gate:
    """Stands on a port of its own before `address`. While it is shut, what answers a POST is held back, but for the
    first few where so many are let through.
    """

    def __init__(self, address):
        parts = urlsplit(address)
        self._target = (parts.hostname, parts.port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open = threading.Event()
        self._open.set()
        self._held = self._lets_through = 0
        self._turn = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    @property
    def held(self):
        """Replies that have been held back so far."""
        return self._held

    def shut(self, *, after=0):
        self._lets_through = after
        self._open.clear()

    def open(self):
        self._open.set()

    def close(self):
        self._open.set()
        self._listening.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        is_write = threading.Event()
        with contextlib.suppress(OSError), socket.create_connection(self._target) as server, client:
            back = threading.Thread(target=self._bring_back, args=(server, client, is_write), daemon=True)
            back.start()
            while data := client.recv(65536):
                if data.startswith((b"POST", b"GET", b"DELETE")):
                    is_write.set() if data.startswith(b"POST") else is_write.clear()
                server.sendall(data)

    def _bring_back(self, server, client, is_write):
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if is_write.is_set() and not self._open.is_set() and not self._is_let_through():
                    self._open.wait()
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _is_let_through(self):
        with self._turn:
            if self._lets_through:
                self._lets_through -= 1
                return True
            self._held += 1
            return False
