"""The way between one process of the program and the two systems: it notes, delays, breaks and kills.

Also where some invariants are seen at the very moment they break: a remote call inside a transaction, a
second effect of one intent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from connector.core.model import Side
from connector.sandbox.transport import InProcessAdapter
from tests.simulation import faults
from tests.support.killing import WRITES

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from connector.core.model import Signal
    from connector.sandbox.http import App, Request, Response
    from tests.simulation.scheduler import Scheduler
    from tests.support.clock import ManualClock
    from tests.support.killing import Fate

#: how old an answer may be that is read for a new one
STALE_FOR = timedelta(seconds=60)
#: requests that add something each time they are carried out; the others say how something is to be
ADDS = ("/customers", "/products", "/quotes", "/invoices", "/report_payment", "/add_lines", "/attach_payment")


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Notes:
    """What happened in a run: the trace, what was sometimes seen, and which intents took effect."""

    trace: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    #: idempotency key -> times Stripe carried it out
    effects: Counter[str] = field(default_factory=Counter)
    #: idempotency keys that took effect while the present store was in use
    effects_of_store: list[str] = field(default_factory=list)
    open_transactions: int = 0
    #: the store was lost or restored: revisions are used again, and with them keys
    went_back: bool = False
    #: what an invariant seen on the way says; kept, because the program may survive the exception
    violation: str | None = None

    def write(self, line: str) -> None:
        self.trace.append(line)

    def saw(self, what: str) -> None:
        self.seen[what] += 1
        self.write(f"  ! {what}")

    def violated(self, what: str) -> None:
        self.violation = self.violation or what
        self.write(f"VIOLATION {what}")


@dataclass(slots=True)
class Planned:
    """A fault that waits for its request: the `at`-th or the first one after it that can meet it."""

    at: int
    name: str
    left: int = 1


@dataclass(slots=True, kw_only=True)
class Line:
    """One process's sockets and doors: shared by its two adapters and its store."""

    name: str
    clock: ManualClock
    chance: Random
    scheduler: Scheduler
    fate: Fate
    notes: Notes
    planned: list[Planned]
    org: Any
    account: Any
    requests: int = 0
    answers: dict[str, tuple[Any, Response]] = field(default_factory=dict)
    #: what becomes of signals: lost, doubled, late, reordered
    signals: dict[str, float] = field(default_factory=dict)
    late: list[Signal] = field(default_factory=list)

    def due(self, side: Side, request: Request) -> str | None:
        for planned in self.planned:
            if planned.at <= self.requests and _meets(planned.name, side, request):
                planned.left -= 1
                if not planned.left:
                    self.planned.remove(planned)
                return planned.name
        return None


def plan_fault(at: int, name: str) -> Planned:
    return Planned(at=at, name=name, left=faults.FAULTS[name].run if name in faults.FAULTS else 1)


def _meets(name: str, side: Side, request: Request) -> bool:
    if name in faults.FAULTS:
        fault = faults.FAULTS[name]
        return side in fault.sides and fault.meets(request)
    sides, meets = faults.OF_SYSTEMS[name]
    return side in sides and meets(request)


class Wire(InProcessAdapter):
    """Carries requests of one process to one system."""

    def __init__(self, app: App, line: Line) -> None:
        self._side = Side.STRIPE if app is line.account else Side.SALESFORCE
        self._line = line
        self._system = app
        super().__init__(_Answers(self))

    def handle(self, request: Request) -> Response:
        line = self._line
        what = f"{line.name} {request.method} {request.path}"
        line.fate.moment(f"before {what}")
        held = faults.is_sign_in(request)
        if not held:
            line.scheduler.pause()
            line.fate.moment(f"sent {what}")
        if line.notes.open_transactions:
            line.notes.violated(f"{what} inside a transaction")
        line.requests += 1
        line.clock.advance(timedelta(milliseconds=line.chance.choice((20, 60, 300))))
        fault = line.due(self._side, request)
        try:
            reply = self._exchange(request, fault)
        except Exception as error:
            line.notes.write(f"{what} -> {type(error).__name__}")
            raise
        line.notes.write(f"{what} -> {reply.status}")
        if not held:
            line.scheduler.pause()
        line.fate.moment(f"after {what}")
        return reply

    def _exchange(self, request: Request, fault: str | None) -> Response:
        line = self._line
        if fault is None:
            return self._answer(request)
        line.notes.saw(fault)
        if fault in faults.FAULTS:
            return faults.FAULTS[fault].play(request, self._answer)
        if fault == faults.SAVED_500:
            line.account.faults_after = faults.saved_500
            try:
                return self._answer(request)
            finally:
                line.account.faults_after = None
        if fault == faults.TOKEN_EXPIRY:
            line.org.expire_tokens()
        elif fault == faults.CURSOR_EXPIRY:
            line.org.expire_cursors()
        else:
            kept = line.answers.get(_name(request))
            if kept is not None and line.clock.now() - kept[0] <= STALE_FOR:
                line.notes.saw("old answer read")
                return kept[1]
        return self._answer(request)

    def _answer(self, request: Request) -> Response:
        """What the system says; counts what took effect."""
        line = self._line
        before = line.account.counters["writes"] if self._side is Side.STRIPE else 0
        reply = self._system.handle(request)
        if self._side is Side.STRIPE:
            self._note_stripe(request, reply, changed=line.account.counters["writes"] > before)
        if request.method == "GET" and faults.applied(reply):
            line.answers[_name(request)] = (line.clock.now(), reply)
        return reply

    def _note_stripe(self, request: Request, reply: Response, *, changed: bool) -> None:
        notes, key = self._line.notes, request.headers.get("idempotency-key")
        if reply.headers.get("Idempotent-Replayed") == "true":
            notes.saw("answer replayed" if reply.status < 500 else "saved 500 replayed")
        if request.method == "DELETE" and request.path.startswith("/v1/invoices/") and faults.applied(reply):
            notes.saw("draft deleted")
        if reply.status == 400 and b"idempotency_error" in reply.body and not notes.went_back:
            notes.violated(f"I3 {request.method} {request.path}: other bytes under the same key")
        if key is None or not changed:
            return
        notes.effects_of_store.append(key)
        if not request.path.endswith(ADDS):
            return
        notes.effects[key] += 1
        if notes.effects[key] > 1:
            notes.violated(
                f"I1 {request.method} {request.path}: the same intent took effect {notes.effects[key]} times"
            )


class _Answers:
    """The App that `InProcessAdapter` asks."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def handle(self, request: Request) -> Response:
        return self._wire.handle(request)


def _name(request: Request) -> str:
    return f"{request.path}?{request.query}"


class Door:
    """The store as one process reaches it: it may die there, others may go on there, signals get lost there."""

    def __init__(self, store: Any, line: Line) -> None:
        self._store = store
        self._line = line

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name.startswith("_") or name == "close" or not callable(method):
            return method
        return self._guarded(name, method)

    def _guarded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        line = self._line

        def call(*args: Any, **kwargs: Any) -> Any:
            line.fate.moment(f"before {name}")
            if name in WRITES:
                line.scheduler.pause()
                line.fate.moment(f"at {name}")
            if name == "record_signals":
                args = (self._touched(args[0]), *args[1:])
            answer = method(*args, **kwargs)
            if name in WRITES:
                line.notes.write(f"{line.name} {name}")
                line.scheduler.pause()
                line.fate.moment(f"after {name}")
            return answer

        return call

    def _touched(self, signals: Any) -> list[Any]:
        """Lost, late, doubled, in another order: what polls find, never what our own work raises."""
        line = self._line
        passed: list[Any] = list(line.late)
        line.late.clear()
        for signal in signals:
            if signal.cause not in ("poll", "event") or not line.signals:
                passed.append(signal)
                continue
            fate = line.chance.random()
            if fate < line.signals["lost"]:
                line.notes.saw("signal lost")
            elif fate < line.signals["late"]:
                line.notes.saw("signal late")
                line.late.append(signal)
            elif fate < line.signals["doubled"]:
                line.notes.saw("signal doubled")
                passed += [signal, signal]
            else:
                passed.append(signal)
        if line.signals and len(passed) > 1:
            line.chance.shuffle(passed)
            line.notes.saw("signals reordered")
        return passed


def plain(response: Response) -> Any:
    return orjson.loads(response.body)
