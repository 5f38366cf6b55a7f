"""A wire to PostgreSQL that is read on the way, so that it can be cut at a COMMIT, of which its client then does not
know what became.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from tests.support.proxy import Cut, Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WRITING = (b"INSERT", b"UPDATE", b"DELETE")
_COMMIT, _ROLLBACK = b"COMMIT\0", b"ROLLBACK"
#: messages of the frontend/backend protocol (chapter "Message Formats" of PostgreSQL's manual)
_QUERY, _PARSE, _BIND, _COMMAND_COMPLETE = b"Q", b"P", b"B", b"C"
#: what a startup message begins with; requests for encryption have other numbers and are answered by one byte
_PROTOCOL_3 = struct.pack("!HH", 3, 0)


class At(Enum):
    """What happens at a COMMIT."""

    LOST = "the server never hears of it"
    STORED = "the transaction is stored, the answer is lost"
    HELD = "it is on its way when the network goes, and arrives when that is mended"


@dataclass
class _Messages:
    """Whole messages out of the bytes of one direction."""

    #: the first messages of a connection have a length and no type
    typeless: bool
    rest: bytes = b""

    def take(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The type and the content of each; what is only begun waits for its end."""
        self.rest += data
        while True:
            head = 4 if self.typeless else 5
            if len(self.rest) < head:
                return
            (length,) = struct.unpack("!I", self.rest[head - 4 : head])
            end = head - 4 + length
            if len(self.rest) < end:
                return
            kind = b"" if self.typeless else self.rest[:1]
            content, self.rest = self.rest[head:end], self.rest[end:]
            yield kind, content
            if self.typeless and content[:4] == _PROTOCOL_3:
                self.typeless = False


@dataclass
class _Session:
    """What is known of one connection to PostgreSQL."""

    upward: _Messages = field(default_factory=lambda: _Messages(typeless=True))
    downward: _Messages = field(default_factory=lambda: _Messages(typeless=False))
    #: what prepared statements that write begin with, by name
    writing: dict[bytes, str] = field(default_factory=dict)
    #: and those of the present transaction
    wrote: set[str] = field(default_factory=set)
    #: the COMMIT under way is to be cut when its answer comes
    to_be_cut: bool = False
    encryption_asked: bool = False


class PostgresProxy(Proxy):
    """`commits` tells of each transaction that wrote, in their order, how its statements began: `UPDATE link SET`."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self.commits: list[frozenset[str]] = []
        #: COMMITs that something happened to
        self.met = 0
        self._next: tuple[At, int, str] | None = None
        super().__init__(connect)

    def at_commit(self, happens: At, *, number: int = 1, writing: str = "") -> None:
        """At the n-th COMMIT from now of a transaction that had a statement that begins so."""
        with self._lock:
            self._next = (happens, number, writing)

    def _readers(self) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
        session = _Session()

        def up(data: bytes) -> bytes:
            for kind, content in session.upward.take(data):
                if not kind:
                    session.encryption_asked = content[:4] != _PROTOCOL_3
                    continue
                happens = self._met(_committed(session, kind, content))
                if happens is At.LOST:
                    raise Cut
                if happens is At.HELD:
                    self.swallow()
                    self._passes.wait()
                session.to_be_cut |= happens is At.STORED
            return data

        def down(data: bytes) -> bytes:
            told = b""
            if session.encryption_asked:
                # one byte and no message: refused, as servers on a socket do
                session.encryption_asked = False
                data, told = data[1:], data[:1]
            for kind, _content in session.downward.take(data):
                if session.to_be_cut and kind == _COMMAND_COMPLETE:
                    raise Cut
            return told + data

        return up, down

    def _met(self, wrote: frozenset[str]) -> At | None:
        """What happens at this COMMIT."""
        if not wrote:
            return None
        with self._lock:
            self.commits.append(wrote)
            if self._next is None:
                return None
            happens, number, writing = self._next
            if not any(each.startswith(writing) for each in wrote):
                return None
            self._next = (happens, number - 1, writing) if number > 1 else None
            if number > 1:
                return None
            self.met += 1
            return happens


def _committed(session: _Session, kind: bytes, content: bytes) -> frozenset[str]:
    """What the transaction wrote that this message commits."""
    if kind == _PARSE:
        name, _, query = content.partition(b"\0")
        session.writing.pop(name, None)
        if query.lstrip().startswith(_WRITING):
            session.writing[name] = _beginning(query)
    elif kind == _BIND:
        name = content.partition(b"\0")[2].partition(b"\0")[0]
        if name in session.writing:
            session.wrote.add(session.writing[name])
    elif kind == _QUERY and content == _COMMIT:
        wrote, session.wrote = frozenset(session.wrote), set()
        return wrote
    elif kind == _QUERY and content.startswith(_ROLLBACK):
        session.wrote = set()
    return frozenset()


def _beginning(query: bytes) -> str:
    return " ".join(query.partition(b"\0")[0].decode().split()[:3])


@contextlib.contextmanager
def to_postgres(path: str) -> Iterator[PostgresProxy]:
    """`path` is the socket the server listens on."""

    def connect() -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.connect(path)
        except OSError:
            made.close()
            raise
        return made

    proxy = PostgresProxy(connect)
    try:
        yield proxy
    finally:
        proxy.close()


def through(proxy: Proxy, url: str) -> str:
    """The address of the same database on the other end of the proxy."""

    direct = make_url(url)
    return direct.set(host="127.0.0.1", port=proxy.port, query={}).render_as_string(hide_password=False)
