"""The day's calls of a system, and who may still make some: money goes before the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from connector.core.model import Side

#: how often the time between two polls is doubled at most
_STRETCHES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Calls of the rolling day, everybody's together, as the system tells them."""

    used: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaShares:
    """Which share of the day's calls may be used up, by everybody, before we stop; the rest is other people's."""

    #: before products, customers and other catalogue kinds wait
    catalogue: float = 0.7
    #: before everything waits
    money: float = 0.95

    def may_go_on(self, quota: Quota | None, *, is_catalogue: bool) -> bool:
        """True while nothing is known, too: the first call tells."""
        if quota is None or quota.total <= 0:
            return True
        return quota.used < quota.total * (self.catalogue if is_catalogue else self.money)

    def stretch(self, quota: Quota | None) -> int:
        """By how many times the moments at which changes are asked for lie further apart: once the catalogue waits,
        twice, and up to sixteen times the closer the end of what money may use comes (invariants.md I28).
        """
        if quota is None or self.may_go_on(quota, is_catalogue=True):
            return 1
        span = (self.money - self.catalogue) * quota.total
        over = quota.used - self.catalogue * quota.total
        steps = _STRETCHES if span <= 0 else min(_STRETCHES, 1 + int(_STRETCHES * over / span))
        return int(2**steps)


def quota_note(side: Side) -> str:
    """The name under which the store keeps what this system told last, `{"used", "total"}`."""
    return f"quota.{side.value}.seen"


def quota_until_note(side: Side) -> str:
    """The name under which the store keeps until when this system is left alone, as ISO text."""
    return f"quota.{side.value}.until"
