"""Time that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

DEFAULT_START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class ManualClock:
    """A `ports.Clock`: `sleep` returns at once and the clock has moved. `slept_s` lists the waits asked for."""

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        assert start.tzinfo is not None, "the wall clock is timezone-aware"
        self._now = start
        self._monotonic_s = 0.0
        self.slept_s: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.advance(timedelta(seconds=seconds))

    def advance(self, by: timedelta) -> None:
        """Time passes on both clocks."""
        assert by >= timedelta(), "use `set_wall` for a clock that is put back"
        self._now += by
        self._monotonic_s += by.total_seconds()

    def set_wall(self, now: datetime) -> None:
        """Somebody corrects the wall clock, in either direction; durations do not notice."""
        assert now.tzinfo is not None, "the wall clock is timezone-aware"
        self._now = now.astimezone(UTC)


class SkewedClock:
    """One machine's idea of the time: the world's clock, wrong by `skew`."""

    def __init__(self, clock: ManualClock, skew: timedelta) -> None:
        self._clock = clock
        self._skew = skew

    def now(self) -> datetime:
        return self._clock.now() + self._skew

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)
