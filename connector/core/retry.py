"""Retry is a value: what to do about a failed call, decided without doing it.

Two decisions, one policy. `decide` is obeyed by `remote.py` inside one call, where only what is provably
safe is tried again. `put_off` is what becomes of the rest: a moment before which the pair is left alone,
stored with its link. A refusal is never retried, whatever a policy says: policies are about failure
classes, and a refusal has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import Ambiguous, RemoteError, Throttled
from connector.core.model import Backoff, FailureClass, Side

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterPolicy:
    """How a pair is tried again after its call gave up: in later passes, over restarts."""

    #: failures in a row after which it is parked
    attempts: int = 30
    base_s: float = 30.0
    cap_s: float = 3600.0
    #: share of the wait that is random, 0 to 1
    jitter: float = 0.2
    #: hours since the first failure after which it is parked
    give_up_h: float = 48.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How one call is tried again."""

    attempts: int = 5
    base_s: float = 0.5
    cap_s: float = 30.0
    #: share of the wait that is random, 0 to 1
    jitter: float = 0.5
    #: how many retries a call adds to what one side may spend on them: 0.2 is one in five calls
    budget: float = 0.2
    later: LaterPolicy = LaterPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """Some numbers, and what they are for; a selector that is None is for all."""

    error: FailureClass | None = None
    kind: str | None = None
    to: Side | None = None
    #: fields of RetryPolicy, and of its `later`
    now: Mapping[str, Any] = field(default_factory=dict)
    later: Mapping[str, Any] = field(default_factory=dict)
    #: file and line
    where: str = ""

    @property
    def weight(self) -> int:
        """The heavier of two rules that say the same thing wins: kind before error class before direction."""
        return 4 * (self.kind is not None) + 2 * (self.error is not None) + (self.to is not None)

    def concerns(self, error: FailureClass, *, kind: str | None, to: Side) -> bool:
        return self.error in (None, error) and self.kind in (None, kind) and self.to in (None, to)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicies:
    """All rules; of two with the same weight the later one wins."""

    rules: tuple[RetryRule, ...] = ()

    def policy(self, error: FailureClass, *, to: Side, kind: str | None = None) -> RetryPolicy:
        """The numbers that hold for this failure, each from the most specific rule that gives it."""
        now: dict[str, Any] = {}
        later: dict[str, Any] = {}
        for rule in sorted(self.rules, key=lambda rule: rule.weight):
            if rule.concerns(error, kind=kind, to=to):
                now |= rule.now
                later |= rule.later
        return RetryPolicy(**now, later=LaterPolicy(**later))


def uniform(**now: Any) -> RetryPolicies:
    """One policy for everything."""
    return RetryPolicies(rules=(RetryRule(now=now),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    reason: str


def decide(policy: RetryPolicy, error: RemoteError, *, attempt: int, chance: float, repeatable: bool) -> Retry | GiveUp:
    """What to do after the `attempt`-th try (from 1) ended with `error`.

    `chance` is a random number in [0, 1). `repeatable` says that doing the call twice has the
    effect of doing it once (reads, keyed Stripe writes, Salesforce writes of absolute values);
    an Ambiguous end may be retried only then.
    """
    if error.failure is None:
        return GiveUp(reason="not retryable")
    if isinstance(error, Ambiguous) and not repeatable:
        return GiveUp(reason="may have been applied")
    if attempt >= policy.attempts:
        return GiveUp(reason=f"{attempt} attempts")
    wait_s = _wait_s(policy, attempt, chance)
    if isinstance(error, Throttled) and error.retry_after_s is not None:
        wait_s = max(wait_s, error.retry_after_s)
        if wait_s > policy.cap_s:
            return GiveUp(reason=f"asked to wait {error.retry_after_s} s")
    return Retry(wait_s=wait_s)


def _wait_s(policy: RetryPolicy | LaterPolicy, attempt: int, chance: float) -> float:
    # no wait is longer than the cap, so a large exponent need not be computed
    doubled: float = policy.base_s * 2 ** min(attempt - 1, _DOUBLINGS_MAX)
    return min(policy.cap_s, doubled) * (1 - policy.jitter * chance)


_DOUBLINGS_MAX: Final = 64
_LAST_MOMENT: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """How an operation on a pair ended when it did not come through."""

    failure: FailureClass
    to: Side
    #: the system's own code
    code: str
    retry_after_s: int | None = None

    @property
    def name(self) -> str:
        """As it is stored: it says which policy holds, also after a restart."""
        return f"{self.to.value}.{self.failure.value}.{self.code}"


def put_off(policies: RetryPolicies, backoff: Backoff | None, failed: Failed, *, kind: str, at: Moment) -> Backoff:
    """The backoff after one more failure. One that is used up may be looked at again at once: to be given up."""
    attempts = 1 if backoff is None else backoff.attempts + 1
    since = at.now if backoff is None else min(backoff.since, at.now)
    later = policies.policy(failed.failure, to=failed.to, kind=kind).later
    after = Backoff(attempts=attempts, since=since, next_at=at.now, code=failed.name)
    if _is_used_up(later, after):
        return after
    wait_s = max(_wait_s(later, attempts, at.chance), failed.retry_after_s or 0)
    # the last attempt comes before the end of patience, however long the wait
    last_at = since + timedelta(hours=later.give_up_h) - _LAST_MOMENT
    return replace(after, next_at=min(at.now + timedelta(seconds=wait_s), max(last_at, at.now)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now, and a random number in [0, 1)."""

    now: datetime
    chance: float


def went_well(backoff: Backoff | None) -> Backoff | None:
    """After a step that came through: nothing holds the pair any more. Its failures count until it comes to rest,
    so that a document whose last step always fails is not begun again for ever.
    """
    return None if backoff is None else replace(backoff, next_at=backoff.since)


def is_held(backoff: Backoff | None, now: datetime) -> bool:
    """Whether a pair has to be left alone. A clock that was put back holds nobody until it has caught up."""
    return backoff is not None and backoff.since <= now < backoff.next_at


def is_used_up(policies: RetryPolicies, backoff: Backoff | None, *, kind: str) -> bool:
    """Whether enough was tried: what is left is to find out what happened, and to park. Only a failure uses up
    patience: time in which nobody tried (a stopped service) does not.
    """
    if backoff is None:
        return False
    failed = read_failed(backoff.code)
    return _is_used_up(policies.policy(failed.failure, to=failed.to, kind=kind).later, backoff)


def read_failed(name: str) -> Failed:
    """What `Failed.name` wrote."""
    to, failure, code = name.split(".", 2)
    return Failed(failure=FailureClass(failure), to=Side(to), code=code)


def _is_used_up(later: LaterPolicy, backoff: Backoff) -> bool:
    # a failure that came too late has left `next_at` at its own moment
    return backoff.attempts >= later.attempts or backoff.next_at - backoff.since >= timedelta(hours=later.give_up_h)
