"""Retry as a value: what to do about a failed call, now and in later passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.core.errors import (
    Ambiguous,
    Refused,
    RemoteError,
    Throttled,
    Transient,
    Unauthorised,
    Unfinished,
    Unreachable,
)
from connector.core.model import Backoff, FailureClass, Side
from connector.core.retry import (
    Failed,
    GiveUp,
    Moment,
    Retry,
    RetryPolicies,
    RetryPolicy,
    RetryRule,
    decide,
    is_held,
    is_used_up,
    put_off,
    read_failed,
    went_well,
)

POLICY = RetryPolicy(attempts=4, base_s=1, cap_s=10, jitter=0.5)


def _error(kind: type[RemoteError] = Transient, *, retry_after_s: int | None = None) -> RemoteError:
    error = kind("no", side=Side.STRIPE, action="invoice.create")
    if isinstance(error, Throttled):
        error.retry_after_s = retry_after_s
    return error


def _decide(error: RemoteError, **settings: Any) -> Retry | GiveUp:
    return decide(POLICY, error, **({"attempt": 1, "chance": 0.0, "repeatable": True} | settings))


@pytest.mark.parametrize("kind", [Transient, Unreachable, Throttled, Ambiguous])
def test_what_may_pass_is_tried_again(kind: type[RemoteError]) -> None:
    assert _decide(_error(kind)) == Retry(wait_s=1)


@pytest.mark.parametrize("kind", [Refused, Unauthorised, Unfinished, RemoteError])
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


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOCKED = Failed(failure=FailureClass.ROW_LOCK, to=Side.SALESFORCE, code="UNABLE_TO_LOCK_ROW")
#: waits of 10, 20, 40, 60, 60 … seconds; parked after 6 failures or 2 hours
PATIENCE = RetryPolicies(
    rules=(RetryRule(later={"attempts": 6, "base_s": 10, "cap_s": 60, "jitter": 0.5, "give_up_h": 2}),)
)


def _put_off(backoff: Backoff | None, failed: Failed = LOCKED, *, now: datetime = NOW, chance: float = 0.0) -> Backoff:
    return put_off(PATIENCE, backoff, failed, kind="invoice", at=Moment(now=now, chance=chance))


def _used_up(backoff: Backoff | None, *, policies: RetryPolicies = PATIENCE) -> bool:
    return is_used_up(policies, backoff, kind="invoice")


class TestLater:
    def test_the_first_failure_is_remembered_with_its_moment(self) -> None:
        assert _put_off(None) == Backoff(
            attempts=1, since=NOW, next_at=NOW + timedelta(seconds=10), code="salesforce.row_lock.UNABLE_TO_LOCK_ROW"
        )

    def test_waits_double_up_to_the_cap_until_the_attempts_are_used_up(self) -> None:
        backoff, now, waits = None, NOW, []
        while not _used_up(backoff):
            backoff = _put_off(backoff, now=now)
            waits.append((backoff.next_at - now).total_seconds())
            now = backoff.next_at
        assert waits == [10, 20, 40, 60, 60, 0]

    def test_age_alone_uses_it_up_too(self) -> None:
        backoff = _put_off(None)
        assert not _used_up(_put_off(backoff, now=NOW + timedelta(minutes=119)))
        assert _used_up(_put_off(backoff, now=NOW + timedelta(hours=2)))

    def test_what_is_used_up_need_not_wait_to_be_given_up(self) -> None:
        backoff = _put_off(_put_off(None), now=NOW + timedelta(hours=3))
        assert backoff.next_at == NOW + timedelta(hours=3)

    def test_the_last_attempt_comes_before_the_end_of_patience(self) -> None:
        backoff = _put_off(_put_off(None), replace(LOCKED, retry_after_s=86_400), now=NOW + timedelta(minutes=119))
        assert backoff.next_at == NOW + timedelta(hours=2, seconds=-1)
        assert not _used_up(backoff)

    def test_time_in_which_nobody_tried_uses_up_nothing(self) -> None:
        """One failure on Friday evening, the service stopped over the weekend: Monday is its second attempt."""
        assert not _used_up(_put_off(None))

    def test_after_a_step_that_came_through_nothing_holds_it_but_its_failures_count(self) -> None:
        backoff = went_well(_put_off(_put_off(None)))
        assert not is_held(backoff, NOW)
        assert _put_off(backoff).attempts == 3
        assert went_well(None) is None

    def test_nothing_failed_nothing_is_used_up_or_held(self) -> None:
        assert not _used_up(None)
        assert not is_held(None, NOW)

    @pytest.mark.parametrize(("chance", "wait_s"), [(0.0, 10), (0.5, 7.5), (0.999, 5.005)])
    def test_chance_shortens_the_wait_by_at_most_the_jitter(self, chance: float, wait_s: float) -> None:
        wait = _put_off(None, chance=chance).next_at - NOW
        assert wait.total_seconds() == pytest.approx(wait_s)

    def test_a_longer_wait_that_the_system_asks_for_is_kept(self) -> None:
        backoff = _put_off(None, replace(LOCKED, retry_after_s=900))
        assert backoff.next_at == NOW + timedelta(seconds=900)

    @pytest.mark.parametrize(("after_s", "held"), [(-1, False), (0, True), (9, True), (10, False)])
    def test_a_pair_is_held_from_the_failure_to_the_next_attempt(self, after_s: int, held: bool) -> None:
        """Before the failure means that the clock was put back: waiting for it to catch up could take days."""
        assert is_held(_put_off(None), NOW + timedelta(seconds=after_s)) is held

    def test_a_clock_that_was_put_back_starts_the_age_anew(self) -> None:
        earlier = NOW - timedelta(days=1)
        backoff = _put_off(_put_off(None), now=earlier)
        assert (backoff.attempts, backoff.since) == (2, earlier)

    @pytest.mark.parametrize("code", ["api_error", "a.b.c", ""])
    def test_the_stored_code_tells_which_policy_holds(self, code: str) -> None:
        failed = Failed(failure=FailureClass.AMBIGUOUS, to=Side.STRIPE, code=code)
        assert read_failed(failed.name) == failed

    def test_the_policy_of_the_last_failure_decides(self) -> None:
        lock = RetryRule(error=FailureClass.ROW_LOCK, later={"attempts": 2})
        policies = RetryPolicies(rules=(*PATIENCE.rules, lock))
        unreachable = Failed(failure=FailureClass.UNREACHABLE, to=Side.STRIPE, code="connection_refused")
        twice = _put_off(_put_off(None, unreachable), unreachable)
        assert not _used_up(twice, policies=policies)
        assert _used_up(_put_off(twice, LOCKED), policies=policies)

    def test_very_many_attempts_do_not_overflow(self) -> None:
        policies = RetryPolicies(rules=(RetryRule(later={"attempts": 10_000, "give_up_h": 700}),))
        worn = Backoff(attempts=9_000, since=NOW, next_at=NOW, code=LOCKED.name)
        after = put_off(policies, worn, LOCKED, kind="invoice", at=Moment(now=NOW, chance=0.0))
        assert after.next_at == NOW + timedelta(hours=1)
