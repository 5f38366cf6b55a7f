"""Commands as processes forked from one that has imported everything: see `fork_server`."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]


class Forked:
    """A command under way, asked and told as a `subprocess.Popen` is; its parent is not this process, so its end is
    told through a pipe.
    """

    def __init__(self, fate: BinaryIO) -> None:
        self._fate = fate
        line = fate.readline()
        assert line, "the process that forks the children has ended; its words are above"
        self.pid = int(line)
        #: negative after a signal; None while it runs
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        if self.returncode is None and select.select([self._fate], [], [], 0)[0]:
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; waits for so many seconds. Raises TimeoutError."""
        if self.returncode is None:
            if not select.select([self._fate], [], [], timeout)[0]:
                raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
            line = self._fate.readline()
            assert line, "the process that forks the children has ended; its words are above"
            self.returncode = int(line)
            self._fate.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forks:
    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def start(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        out: BinaryIO,
        err: BinaryIO,
        death: Mapping[str, Any] | None = None,
    ) -> Forked:
        order = {"arguments": arguments, "folder": str(folder), "environment": dict(environment), "death": death}
        fate, told_to = os.pipe()
        with Path(os.devnull).open("rb") as nothing:
            streams = [nothing.fileno(), out.fileno(), err.fileno(), told_to]
            socket.send_fds(self._orders, [json.dumps(order).encode()], streams)
        os.close(told_to)
        # unbuffered: what `select` is asked about must not lie in a buffer
        return Forked(os.fdopen(fate, "rb", buffering=0))

    def close(self) -> None:
        self._orders.close()
        self._server.wait(timeout=60)


@cache
def forks() -> Forks:
    """One for all tests of this process."""
    made = Forks()
    atexit.register(made.close)
    return made
