"""Death at a chosen moment: before or after any commit of the store, any request, any reply.

What a killed process would not have done must not be done: once dead, every further hook raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.transport import InProcessAdapter

if TYPE_CHECKING:
    import requests

    from connector.sandbox.http import App

WRITES = frozenset(
    {
        "pin_identity",
        "record_signals",
        "forget_signals",
        "begin",
        "settle",
        "report",
        "start_run",
        "finish_run",
        "save_note",
    }
)


class Killed(BaseException):
    """Not an Exception: nothing in the program may catch it and go on."""


class Fate:
    """Counts the moments a process could die at, and kills at the chosen one."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.kill_at = kill_at
        self.moments: list[str] = []
        self.dead = False

    def moment(self, name: str) -> None:
        if self.dead:
            raise Killed(name)
        self.moments.append(name)
        if len(self.moments) == self.kill_at:
            self.dead = True
            raise Killed(name)


class MortalStore:
    """A store whose process may die before or after each transaction that writes."""

    def __init__(self, store: Any, fate: Fate) -> None:
        self._store = store
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in WRITES:
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            self._fate.moment(f"before {name}")
            answer = method(*args, **kwargs)
            self._fate.moment(f"after {name}")
            return answer

        return call


class MortalAdapter(InProcessAdapter):
    """A socket whose process may die before the request leaves or before the reply is read."""

    def __init__(self, app: App, fate: Fate) -> None:
        super().__init__(app)
        self._fate = fate

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self._fate.moment(f"before {request.method} {request.path_url.partition('?')[0]}")
        reply = super().send(request, *args, **kwargs)
        self._fate.moment(f"after {request.method} {request.path_url.partition('?')[0]}")
        return reply
