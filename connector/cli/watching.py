"""Looking again and again until somebody stops it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.ports import Clock

_PERIOD: Final = re.compile(r"(\d{1,4})\s*(s|m)?")
#: how often a sleeping watch looks whether it is to end
_NAP_S: Final = 0.2


def period_s(text: str, *, shortest_s: int) -> int:
    """`30s`, `2m`, `45` in seconds. Raises click's usage error for anything else."""
    found = _PERIOD.fullmatch(text.strip())
    seconds = 0 if found is None else int(found[1]) * (60 if found[2] == "m" else 1)
    if seconds < shortest_s:
        raise click.BadParameter(f"write seconds or minutes, at least {shortest_s}s: 30s, 2m", param_hint="--watch")
    return seconds


def repeat(look: Callable[[], None], every_s: int, *, clock: Clock, stop: Callable[[], bool]) -> None:
    """Looks every so many seconds until it is stopped, which it notices at once."""
    while not stop():
        look()
        until_s = clock.monotonic_s() + every_s
        while not stop() and clock.monotonic_s() < until_s:
            clock.sleep(_NAP_S)
