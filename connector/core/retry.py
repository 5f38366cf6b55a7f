"""Retry is a value: what to do about a failed call, decided without doing it.

`remote.py` obeys the decision inside one call; the scheduler obeys it between runs. A refusal is
never retried, whatever the policy says.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.core.errors import Ambiguous, RemoteError, Throttled, Transient


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    attempts: int = 5
    base_s: float = 0.5
    cap_s: float = 30.0
    #: share of the wait that is random, 0 to 1
    jitter: float = 0.5


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
    if not isinstance(error, Transient | Throttled | Ambiguous):
        return GiveUp(reason="not retryable")
    if isinstance(error, Ambiguous) and not repeatable:
        return GiveUp(reason="may have been applied")
    if attempt >= policy.attempts:
        return GiveUp(reason=f"{attempt} attempts")
    wait_s = min(policy.cap_s, policy.base_s * 2 ** (attempt - 1))
    wait_s *= 1 - policy.jitter * chance
    if isinstance(error, Throttled) and error.retry_after_s is not None:
        wait_s = max(wait_s, error.retry_after_s)
        if wait_s > policy.cap_s:
            return GiveUp(reason=f"asked to wait {error.retry_after_s} s")
    return Retry(wait_s=wait_s)
