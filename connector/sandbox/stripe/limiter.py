"""Token buckets per account and per endpoint (platform.md C2), on the injected clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

#: Integers, so that a rate is kept exactly however often the bucket is looked at.
ONE_TOKEN_MICRO = 1_000_000


@dataclass(slots=True)
class Bucket:
    """Fills with `rate` tokens per second up to one second's worth."""

    rate: int
    tokens_micro: int = field(init=False)
    filled_at: datetime | None = None

    def __post_init__(self) -> None:
        self.tokens_micro = self.rate * ONE_TOKEN_MICRO

    def fill(self, now: datetime) -> None:
        if self.filled_at is not None and now > self.filled_at:
            passed = now - self.filled_at
            micros = (passed.days * 86_400 + passed.seconds) * ONE_TOKEN_MICRO + passed.microseconds
            self.tokens_micro = min(self.rate * ONE_TOKEN_MICRO, self.tokens_micro + micros * self.rate)
        self.filled_at = now


class Limiter:
    def __init__(self, *, rate_per_second: int | None, endpoint_rate_per_second: int | None) -> None:
        self._account = None if rate_per_second is None else Bucket(rate_per_second)
        self._endpoint_rate = endpoint_rate_per_second
        self._endpoints: dict[str, Bucket] = {}

    def refuse(self, operation_id: str, now: datetime) -> str | None:
        """Takes one token of each bucket, or gives the reason why there is none and takes nothing."""
        if self._account is not None:
            self._account.fill(now)
            if self._account.tokens_micro < ONE_TOKEN_MICRO:
                return "global-rate"
        endpoint = self._endpoint(operation_id)
        if endpoint is not None:
            endpoint.fill(now)
            if endpoint.tokens_micro < ONE_TOKEN_MICRO:
                return "endpoint-rate"
            endpoint.tokens_micro -= ONE_TOKEN_MICRO
        if self._account is not None:
            self._account.tokens_micro -= ONE_TOKEN_MICRO
        return None

    def _endpoint(self, operation_id: str) -> Bucket | None:
        if self._endpoint_rate is None:
            return None
        bucket = self._endpoints.get(operation_id)
        if bucket is None:
            bucket = self._endpoints[operation_id] = Bucket(self._endpoint_rate)
        return bucket
