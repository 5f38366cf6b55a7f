"""A process that has imported the whole program and forks a child for each command line it is told.

A start of Python and its imports cost more than most commands do. Forked, a child is there at once and is a real
process all the same: it has files, sockets, threads, a database connection and an exit code of its own, and a signal
takes them from it. What it does not try is the start from nothing: `Program.run_cold` does.

An order is one message on the socket it inherits: JSON, with the child's three streams and a pipe to tell its fate by.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import selectors
import signal
import socket
import sys
import tempfile
import threading
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import builders as b
from tests.support.crash_child import Death
from tests.support.statements import compile_once
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: what a child says when it could not even begin
BROKEN = 99
ORDER_BYTES_MAX = 200_000
STREAMS = 3
#: what a child had to import is told to the next ones
_LEARNT = ("connector.", "stripe.", "simple_salesforce.", "alembic.", "sqlalchemy.", "rich.", "psycopg", "uvicorn.")


class Server:
    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        #: pid -> the pipe its end is told to
        self._told_to: dict[int, int] = {}
        self._modules, self._modules_written = os.pipe()
        self._ended, self._end_written = os.pipe()
        for descriptor in (self._modules, self._ended, self._end_written):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._end_written)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Until the other end closes; children that still run then are killed."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._orders, selectors.EVENT_READ)
            selector.register(self._ended, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj == self._ended:
                        os.read(self._ended, 4096)
                        self._bury()
                    elif not self._take_order():
                        return self._kill_all()

    def _take_order(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._orders, ORDER_BYTES_MAX, STREAMS + 1)
        if not message:
            return False
        *streams, told_to = descriptors
        self._learn_imports()
        # What lives for good is left out of collections: a child that touched it would have to copy it.
        gc.freeze()
        child = os.fork()
        if child == 0:
            self._become_child(streams)
            _run(json.loads(message), self._modules_written)
        for descriptor in streams:
            os.close(descriptor)
        self._told_to[child] = told_to
        os.write(told_to, f"{child}\n".encode())
        return True

    def _become_child(self, streams: list[int]) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._orders.close()
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
            os.close(descriptor)

    def _bury(self) -> None:
        while self._told_to:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            told_to = self._told_to.pop(child)
            with contextlib.suppress(BrokenPipeError):
                os.write(told_to, f"{os.waitstatus_to_exitcode(status)}\n".encode())
            os.close(told_to)

    def _learn_imports(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for name in os.read(self._modules, 1 << 16).decode().split():
                importlib.import_module(name)

    def _kill_all(self) -> None:
        for child in self._told_to:
            os.kill(child, signal.SIGKILL)


def _run(order: Mapping[str, Any], modules: int) -> None:
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    known = len(sys.modules)
    sys.argv = ["connector", *order["arguments"]]
    code = BROKEN
    try:
        death = Death.as_told(order["death"])
        code = importlib.import_module("connector.cli.main").run(order["arguments"])
        threading._shutdown()
        atexit._run_exitfuncs()
        death.escaped()
        # The last ones: looking at all would copy the pages of all their names.
        fresh = [name for name in islice(reversed(sys.modules), len(sys.modules) - known) if name.startswith(_LEARNT)]
        tell(modules, reversed(fresh))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def tell(modules: int, names: Iterable[str]) -> None:
    """Whole names, and none of other children's between them: so much is written at once that a pipe takes all of it
    or nothing. What it does not take is told by a later child.
    """
    lines = [f"{name}\n".encode() for name in names]
    with contextlib.suppress(BlockingIOError):
        while lines:
            at_once = b""
            while lines and len(at_once) + len(lines[0]) <= select.PIPE_BUF:
                at_once += lines.pop(0)
            os.write(modules, at_once)


def _load_packs_once() -> None:
    """A pack is frozen, and reading its YAML costs as much as a pass."""
    app = importlib.import_module("connector.app")
    load, packs = app.load_pack, {}

    def load_once(folder: Path, **given: Any) -> Any:
        wanted = (folder, repr(given))
        if wanted not in packs:
            packs[wanted] = load(folder, **given)
        return packs[wanted]

    app.load_pack = load_once
    places = importlib.import_module("connector.config.places")
    load_once(places.share("mappings") / "cpq-billing", overrides={})


def _warm_up() -> None:
    """A pass of the whole program here: what it compiled and looked up its children find done."""
    compile_once()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        b.invoice(world)
        for _ in range(2):
            world.sync()
        world.close()
    assert threading.active_count() == 1, "a child would wait for what a thread of this process holds"


def main() -> None:
    importlib.import_module("connector.cli.main")
    _load_packs_once()
    _warm_up()
    Server(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
