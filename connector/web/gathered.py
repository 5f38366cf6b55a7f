"""An answer leaves as one packet: uvicorn writes what comes before its body and the body one after the other.

Each write is a system call that gives the interpreter away, and beside threads that work the way back to it takes
longer than all that is done for the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio


class Gathered:
    """A transport that sends what is written in one turn of the loop at once, at the turn's end."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._written:
            self._loop.call_soon(self._send)
        self._written.append(data)

    def close(self) -> None:
        """Ends the connection behind what was written."""
        self._send()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send(self) -> None:
        if self._written:
            # emptied first: whatever comes of this write, the next one asks to be sent again
            written, self._written = self._written, []
            self._transport.write(b"".join(written))


class GatheringProtocol(H11Protocol):
    """uvicorn's own protocol over such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Gathered(transport, self.loop))  # type: ignore[arg-type]
