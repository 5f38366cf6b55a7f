"""How a forked child dies: planted bugs, and the moment it is killed at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.crash_bugs import PLANTED
from tests.support.crash_moments import Moments

if TYPE_CHECKING:
    from collections.abc import Mapping


class Death:
    def __init__(self, moments: Moments | None) -> None:
        self._moments = moments

    @classmethod
    def as_told(cls, told: Mapping[str, Any] | None) -> Death:
        """Plants and installs what the order says; None is a child that nobody kills."""
        if told is None:
            return cls(None)
        for bug in told["bugs"]:
            PLANTED[bug].plant()
        moments = Moments(Path(told["moments"]), kill_at=told["kill_at"], counts=frozenset(told["counts"]))
        moments.install(now=told["now"])
        return cls(moments)

    def escaped(self) -> None:
        """The command has ended; one may still die on the way out."""
        if self._moments is not None:
            self._moments.reached("exit")
