"""Serves several apps, each on its own address, from one thread with one event loop."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import uvicorn

from connector.core.errors import ConfigError, Problem
from connector.web.gathered import GatheringProtocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp

#: how long answers under way are waited for when the service stops
GRACE_S: Final = 10
#: waiting connections the system keeps for us while the loop is busy
_BACKLOG: Final = 512
_LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """An app and the socket it is served on, bound already."""

    app: ASGIApp
    socket: socket.socket

    @property
    def address(self) -> str:
        host, port = self.socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def listen(app: ASGIApp, address: str, *, setting: str) -> Listening:
    """Binds `host:port` now, so that a port that is taken is told before anything else begins. Raises ConfigError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, int(port)))
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        problem = Problem(
            where=setting,
            observed=f"cannot listen on {address}: {error.strerror}",
            remedy="choose a free port of this machine, or stop what uses it",
        )
        raise ConfigError([problem]) from error
    return Listening(app=app, socket=bound)


class _Server(uvicorn.Server):
    """Looks whether it is to end twice a second: its own ten times cost an idle service a third of its time."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110 - whoever stops it is another thread
            await asyncio.sleep(_LOOK_EVERY_S)


class WebServer:
    """Runs until `stop`; raises what a server died of when stopped."""

    def __init__(self, listening: Sequence[Listening]) -> None:
        self._listening = listening
        self._servers = [
            _Server(
                uvicorn.Config(
                    each.app,
                    http=GatheringProtocol,
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    date_header=False,
                    lifespan="off",
                    # addresses in X-Forwarded-For are anybody's word
                    proxy_headers=False,
                    timeout_graceful_shutdown=GRACE_S,
                    backlog=_BACKLOG,
                )
            )
            for each in listening
        ]
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        for server in self._servers:
            server.should_exit = True
        self._thread.join(GRACE_S + 5)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 -- carried to whoever stops the server
            self._failure = error

    async def _serve(self) -> None:
        # the process's signals are the service's matter, not the server's: `serve` would take them over
        await asyncio.gather(
            *(
                server._serve(sockets=[each.socket])  # noqa: SLF001 -- the public one installs signal handlers
                for server, each in zip(self._servers, self._listening, strict=True)
            )
        )
