"""A wire that can be cut, between the program and whatever it talks to on a socket.

It carries bytes both ways until it is told otherwise: to keep them without a word, as a network does that is
gone, or to close what is open.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHUNK = 65_536


@dataclass(eq=False)
class _Pair:
    """One connection of the program's and the one it is carried on by."""

    client: socket.socket
    server: socket.socket

    def shut(self) -> None:
        """The thread that carries it is told by that, and closes it: what is closed under it wakes nobody."""
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.shut()
        self.client.close()
        self.server.close()


class Cut(Exception):
    """This connection ends here."""


class Proxy:
    """Listens on a port of its own; `connect` makes the connection that is carried on."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._pairs: set[_Pair] = set()
        self._lock = threading.Lock()
        #: cleared while the network is gone: nothing passes, nothing is closed
        self._passes = threading.Event()
        self._passes.set()
        self._refuses = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, name="proxy", daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def swallow(self) -> None:
        """From now on nothing arrives, and nobody is told."""
        self._passes.clear()

    def cut(self) -> None:
        """Closes what is open and every connection that is made from now on."""
        self._refuses = True
        self._close_all()

    def mend(self) -> None:
        """What was swallowed arrives late, and connections come about again."""
        self._refuses = False
        self._passes.set()

    def close(self) -> None:
        self._refuses = True
        self._passes.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._close_all()
        for thread in self._threads:
            thread.join()

    def _close_all(self) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            pair.shut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refuses:
                client.close()
                continue
            try:
                server = self._connect()
            except OSError:
                # as if nobody listened: the server is not up
                client.close()
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = _Pair(client, server)
            with self._lock:
                self._pairs.add(pair)
            thread = threading.Thread(target=self._carry, args=(pair,), name="proxied", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _carry(self, pair: _Pair) -> None:
        up, down = self._readers()
        try:
            with selectors.DefaultSelector() as readable:
                readable.register(pair.client, selectors.EVENT_READ, (up, pair.server))
                readable.register(pair.server, selectors.EVENT_READ, (down, pair.client))
                while True:
                    for key, _ in readable.select():
                        read, onward = key.data
                        data = key.fileobj.recv(_CHUNK)  # type: ignore[union-attr]
                        self._passes.wait()
                        if not data:
                            return
                        onward.sendall(read(data))
        except (OSError, ValueError, Cut):
            # closed by either end, or by us
            return
        finally:
            with self._lock:
                self._pairs.discard(pair)
            pair.close()

    def _readers(self) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
        """What is done with the bytes of each direction on their way."""
        return bytes, bytes


@contextlib.contextmanager
def to_port(port: int) -> Iterator[Proxy]:
    """Between the program and a server on this machine."""
    proxy = Proxy(lambda: socket.create_connection(("127.0.0.1", port)))
    try:
        yield proxy
    finally:
        proxy.close()
