"""Retry as a value: what to do about a failed call."""

from __future__ import annotations

from typing import Any

import pytest

from connector.core.errors import Ambiguous, Refused, RemoteError, Throttled, Transient, Unauthorised
from connector.core.model import Side
from connector.core.retry import GiveUp, Retry, RetryPolicy, decide

POLICY = RetryPolicy(attempts=4, base_s=1, cap_s=10, jitter=0.5)


def _error(kind: type[RemoteError] = Transient, *, retry_after_s: int | None = None) -> RemoteError:
    error = kind("no", side=Side.STRIPE, action="invoice.create")
    if isinstance(error, Throttled):
        error.retry_after_s = retry_after_s
    return error


def _decide(error: RemoteError, **settings: Any) -> Retry | GiveUp:
    return decide(POLICY, error, **({"attempt": 1, "chance": 0.0, "repeatable": True} | settings))


@pytest.mark.parametrize("kind", [Transient, Throttled, Ambiguous])
def test_what_may_pass_is_tried_again(kind: type[RemoteError]) -> None:
    assert _decide(_error(kind)) == Retry(wait_s=1)


@pytest.mark.parametrize("kind", [Refused, Unauthorised, RemoteError])
def test_a_refusal_is_never_tried_again(kind: type[RemoteError]) -> None:
    assert isinstance(_decide(_error(kind)), GiveUp)


@pytest.mark.parametrize(("kind", "again"), [(Ambiguous, False), (Transient, True), (Throttled, True)])
def test_what_may_have_been_applied_is_repeated_only_where_twice_is_once(kind: type[RemoteError], again: bool) -> None:
    assert isinstance(_decide(_error(kind), repeatable=False), Retry) is again


def test_waits_double_up_to_the_cap() -> None:
    policy = RetryPolicy(attempts=99, base_s=1, cap_s=10, jitter=0)
    waits = [decide(policy, _error(), attempt=attempt, chance=0.9, repeatable=True) for attempt in range(1, 7)]
    assert waits == [Retry(wait_s=wait) for wait in (1, 2, 4, 8, 10, 10)]


@pytest.mark.parametrize(("chance", "wait_s"), [(0.0, 2.0), (0.5, 1.5), (0.999, 1.001)])
def test_chance_shortens_the_wait_by_at_most_the_jitter(chance: float, wait_s: float) -> None:
    decision = _decide(_error(), attempt=2, chance=chance)
    assert isinstance(decision, Retry)
    assert decision.wait_s == pytest.approx(wait_s)


def test_attempts_end() -> None:
    assert isinstance(_decide(_error(), attempt=3), Retry)
    assert _decide(_error(), attempt=4) == GiveUp(reason="4 attempts")


def test_the_wait_the_system_asks_for_is_kept() -> None:
    assert _decide(_error(Throttled, retry_after_s=7), chance=0.9) == Retry(wait_s=7)


def test_our_own_wait_is_kept_when_it_is_longer() -> None:
    assert _decide(_error(Throttled, retry_after_s=0)) == Retry(wait_s=1)


def test_a_wait_that_is_too_long_is_left_to_the_next_run() -> None:
    assert _decide(_error(Throttled, retry_after_s=11)) == GiveUp(reason="asked to wait 11 s")
