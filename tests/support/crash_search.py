"""One story lived through again and again, cut short at another moment each time, and compared with the whole one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from tests.support.crash import SYNC
from tests.support.crash_bugs import DAYS_LATER, SOON
from tests.support.crash_moments import EFFECTS, ONLY_AFTER
from tests.support.crash_view import (
    Holdings,
    assert_money_is_conserved,
    assert_nothing_is_open,
    assert_one_to_one,
    differences,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    from tests.support.crash import Ground, Snapshot
    from tests.support.crash_flows import Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """A flow that nobody cut short, and how things were before it."""

    before: Snapshot
    moments: Sequence[str]
    wanted: dict[str, list[str]]
    links: Any


_LIVED: WeakKeyDictionary[Ground, dict[tuple[Flow, frozenset[str]], _Whole]] = WeakKeyDictionary()


class Story:
    """What a flow leads to when nobody dies; `explore` and `die` tell what it leads to when somebody does."""

    def __init__(
        self, ground: Ground, flow: Flow, *, counts: Iterable[str] = EFFECTS, bugs: Iterable[str] = ()
    ) -> None:
        self._ground = ground
        self._flow = flow
        self._counts = frozenset(counts)
        self._bugs = tuple(bugs)
        # Planted bugs and what is counted make no difference to it: once on each ground is enough.
        lived = _LIVED.setdefault(ground, {})
        key = (flow, self._counts - {ONLY_AFTER})
        self._whole = lived.get(key) or lived.setdefault(key, _live(ground, flow, self._counts))
        #: by name, of the run that nobody killed
        self.moments = list(self._whole.moments)

    def die(self, kill_at: int | str, *, down_for: timedelta, again_at: int | None = None) -> bool:
        """Whether it came to that moment; raises AssertionError when the end is not what it would have been.

        With `again_at` the run that goes on is killed as well.
        """
        ground = self._ground
        self.put_back()
        answer = ground.run(*self._flow.command, kill_at=kill_at, counts=self._counts, bugs=self._bugs)
        where = f"killed at moment {kill_at}: {answer.moments[-1]}"
        ground.world.clock.advance(down_for)
        reached = answer.died
        if reached and again_at is not None:
            answer = ground.run(*SYNC, kill_at=again_at, counts=self._counts, bugs=self._bugs)
            where += f", and again at {again_at}: {answer.moments[-1]}"
            reached = answer.died
        assert reached or answer.status == 0, f"{where}: ended with {answer.status}: {answer.err}"
        self.go_on(f"{where}, down for {down_for}")
        return reached

    def put_back(self) -> None:
        """Everything as it was before the command."""
        self._ground.restore(self._whole.before)

    def go_on(self, after: str) -> None:
        """The next process starts; raises AssertionError when it does not lead to what it would have been."""
        passes: list[str] = []
        try:
            for command in self._flow.resume:
                answer = self._ground.run(*command, bugs=self._bugs)
                assert answer.status in (0, 1), f"{' '.join(command)} ended with {answer.status}: {answer.err}"
            passes += self._ground.rest(self._bugs)
            self._assert_same()
        except AssertionError as error:
            raise AssertionError(f"{self._flow.name}, {after}: {error}\nafter the passes {passes}") from error

    def die_everywhere(
        self, *, start: int = 1, step: int = 1, downtimes: Sequence[timedelta] = (), pairs: bool = False
    ) -> int:
        """At every moment, for as long as runs are killed, in steps; with `pairs` also again at every moment of
        the run that goes on. Without `downtimes` each moment has one of the two. How many deaths there were.
        """
        deaths = 0
        for kill_at in count(start, step):
            for down_for in downtimes or [downtime(kill_at)]:
                if not self.die(kill_at, down_for=down_for):
                    assert kill_at > self._count * 0.8, f"no run got to moment {kill_at} of {self._count}"
                    return deaths
                deaths += 1
            for again_at in count(1) if pairs else ():
                if not self.die(kill_at, down_for=downtime(kill_at + again_at), again_at=again_at):
                    break
                deaths += 1
        raise AssertionError("unreachable: count() has no end")

    @property
    def _count(self) -> int:
        return sum(ONLY_AFTER not in self._counts or not name.startswith("before ") for name in self.moments)

    def _assert_same(self) -> None:
        found = differences(self._whole.wanted, _sound(self._ground))
        assert not found, "not what it would have been without the death:\n  " + "\n  ".join(found)
        links = assert_nothing_is_open(self._ground)
        assert links == self._whole.links, "our memory is not what it would have been"


def _live(ground: Ground, flow: Flow, counts: frozenset[str]) -> _Whole:
    flow.begin(ground)
    before = ground.snapshot()
    whole = ground.run(*flow.command, counts=counts)
    assert whole.status == 0, whole.err
    ground.rest()
    wanted = _sound(ground)
    return _Whole(before=before, moments=whole.moments, wanted=wanted, links=assert_nothing_is_open(ground))


def _sound(ground: Ground) -> dict[str, list[str]]:
    """What both systems hold, once that holds together by itself."""
    held = Holdings.of(ground.world)
    assert_one_to_one(held)
    assert_money_is_conserved(held)
    return held.told()


def downtime(kill_at: int) -> timedelta:
    """One for each moment: two of any four neighbours are short, so that before and after a call have both."""
    return (SOON, DAYS_LATER)[kill_at // 2 % 2]
