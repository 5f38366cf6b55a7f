"""One remote call with retries: the loop obeys the decision, and nothing else."""

from __future__ import annotations

import pytest

from connector.core.errors import Ambiguous, Refused, RemoteError, Throttled, Transient
from connector.core.model import Side
from connector.core.retry import RetryPolicy
from connector.remote import Caller, TryingAgain
from tests.support.clock import ManualClock


class _Call:
    """Fails with these errors in turn, then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self.left = list(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.left:
            raise self.left.pop(0)
        return "answer"


def _error(kind: type[RemoteError]) -> RemoteError:
    return kind("no", side=Side.STRIPE, action="invoice.create")


def _caller(clock: ManualClock, chance: float = 0.0) -> Caller:
    return Caller(policy=RetryPolicy(attempts=3, base_s=1, cap_s=30), clock=clock, chance=lambda: chance)


def test_an_answer_is_the_answer_without_a_wait() -> None:
    clock, call = ManualClock(), _Call()
    assert _caller(clock).call(call, repeatable=True) == "answer"
    assert (call.made, clock.slept_s) == (1, [])


def test_it_waits_as_decided_and_tries_again() -> None:
    clock, call = ManualClock(), _Call(_error(Transient), _error(Ambiguous))
    assert _caller(clock).call(call, repeatable=True) == "answer"
    assert (call.made, clock.slept_s) == (3, [1.0, 2.0])


def test_every_wait_is_told_before_it_begins() -> None:
    clock = ManualClock()
    told: list[tuple[TryingAgain, int]] = []
    caller = Caller(
        policy=RetryPolicy(attempts=3, base_s=1, cap_s=30),
        clock=clock,
        chance=lambda: 0.0,
        notice=lambda notice: told.append((notice, len(clock.slept_s))),
    )
    first, second = _error(Transient), _error(Ambiguous)
    caller.call(_Call(first, second), repeatable=True)
    assert told == [
        (TryingAgain(error=first, wait_s=1.0, attempt=2, attempts=3), 0),
        (TryingAgain(error=second, wait_s=2.0, attempt=3, attempts=3), 1),
    ]


def test_what_is_not_tried_again_is_not_told() -> None:
    told: list[TryingAgain] = []
    caller = Caller(policy=RetryPolicy(attempts=1), clock=ManualClock(), chance=lambda: 0.0, notice=told.append)
    for kind in (Refused, Transient):
        with pytest.raises(kind):
            caller.call(_Call(_error(kind)), repeatable=True)
    assert told == []


def test_chance_is_asked_for_every_wait() -> None:
    clock, call = ManualClock(), _Call(_error(Transient), _error(Transient))
    _caller(clock, chance=1.0).call(call, repeatable=True)
    assert clock.slept_s == [0.5, 1.0]


def test_the_last_error_is_raised_as_it_was() -> None:
    last = _error(Transient)
    call = _Call(_error(Transient), _error(Transient), last)
    with pytest.raises(Transient) as raised:
        _caller(ManualClock()).call(call, repeatable=True)
    assert (raised.value is last, call.made) == (True, 3)


def test_a_refusal_is_raised_at_once() -> None:
    clock, call = ManualClock(), _Call(_error(Refused))
    with pytest.raises(Refused):
        _caller(clock).call(call, repeatable=True)
    assert (call.made, clock.slept_s) == (1, [])


def test_what_may_have_been_applied_is_not_repeated_where_twice_is_twice() -> None:
    call = _Call(_error(Ambiguous))
    with pytest.raises(Ambiguous):
        _caller(ManualClock()).call(call, repeatable=False)
    assert call.made == 1


def test_the_wait_the_system_asks_for_is_slept() -> None:
    throttled = _error(Throttled)
    assert isinstance(throttled, Throttled)
    throttled.retry_after_s = 9
    clock = ManualClock()
    _caller(clock).call(_Call(throttled), repeatable=True)
    assert clock.slept_s == [9]


def test_a_bug_of_ours_passes_through() -> None:
    call = _Call(AssertionError("a bug"))
    with pytest.raises(AssertionError, match="a bug"):
        _caller(ManualClock()).call(call, repeatable=True)
    assert call.made == 1
