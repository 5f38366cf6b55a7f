"""The moments at which a process may be killed: around commits, around requests, at every change of a file.

Installed in a child of its own, from outside: the program has no seam for it. A moment is written down
before it is decided whether to die there, so that the last line of a dead process names where it died.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import requests

#: what can be counted; "reads" are requests that change nothing anywhere, "statements" are those of the database
COMMITS, SENDS, READS, FILES, STATEMENTS = "commits", "sends", "reads", "files", "statements"
EFFECTS = frozenset({COMMITS, SENDS})
#: leaves out the moments before a commit or a request: unless something else is under way, what the one before left
#: behind is just what they find
ONLY_AFTER = "only after"
#: what the interpreter says before it changes a file system
_CHANGES = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.truncate", "os.chmod"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Moments:
    def __init__(self, path: Path, *, kill_at: int | str | None, counts: frozenset[str]) -> None:
        self._written_to = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._kill_at = kill_at
        self._counts = counts
        self._count = 0
        self._by_name: Counter[str] = Counter()
        self._lock = threading.Lock()

    def reached(self, name: str) -> None:
        with self._lock:
            self._count += ONLY_AFTER not in self._counts or not name.startswith("before ")
            os.write(self._written_to, f"{name}\n".encode())
            self._by_name[name] += 1
            if self._kill_at in (self._count, f"{name} #{self._by_name[name]}"):
                os.kill(os.getpid(), signal.SIGKILL)

    def install(self, *, now: str) -> None:
        _start_clock(datetime.fromisoformat(now))
        if COMMITS in self._counts:
            self._watch_commits()
        if SENDS in self._counts:
            self._watch_requests()
        if FILES in self._counts:
            self._watch_files()
        if STATEMENTS in self._counts:
            self._watch_statements()

    def _watch_commits(self) -> None:
        from sqlalchemy.engine import Connection

        from connector.store.database import _WRITES

        commit = Connection._commit_impl

        def watched(connection: Connection) -> None:
            if not connection.get_execution_options().get(_WRITES):
                commit(connection)
                return
            self.reached("before commit")
            commit(connection)
            self.reached("after commit")

        Connection._commit_impl = watched

    def _watch_requests(self) -> None:
        from requests.adapters import HTTPAdapter

        send = HTTPAdapter.send

        def watched(adapter: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **given: Any) -> Any:
            if request.method == "GET" and READS not in self._counts:
                return send(adapter, request, *args, **given)
            name = f"{request.method} {request.path_url.partition('?')[0]}"
            self.reached(f"before {name}")
            reply = send(adapter, request, *args, **given)
            self.reached(f"after {name}")
            return reply

        HTTPAdapter.send = watched

    def _watch_files(self) -> None:
        def before(event: str, args: tuple[Any, ...]) -> None:
            if event == "open" and isinstance(args[2], int) and args[2] & _WRITING:
                self.reached(f"before open {args[0]}")
            elif event in _CHANGES:
                self.reached(f"before {event.removeprefix('os.')} {args[0]}")

        synced = os.fsync

        def fsync(descriptor: int) -> None:
            self.reached("before fsync")
            synced(descriptor)

        os.fsync = fsync
        sys.addaudithook(before)

    def _watch_statements(self) -> None:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        @event.listens_for(Engine, "before_cursor_execute")
        def _before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            self.reached(f"before {' '.join(statement.split()[:3])}")


def _start_clock(start: datetime) -> None:
    """The program's day is the sandbox's; waits cost nothing."""
    from connector.runtime.clock import SystemClock

    began, slept_s = time.monotonic(), [0.0]

    def monotonic_s(_clock: SystemClock) -> float:
        return time.monotonic() - began + sum(slept_s)

    SystemClock.monotonic_s = monotonic_s
    SystemClock.now = lambda clock: start + timedelta(seconds=clock.monotonic_s())
    SystemClock.sleep = lambda _clock, seconds: slept_s.append(seconds)
