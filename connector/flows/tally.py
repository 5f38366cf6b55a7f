"""What a guard counts, and for how long: a pass counts for itself and what was ended within the last hour, a service
counts all of the last hour for all its workers.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from connector.core.brake import Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from connector.ports.memory import BrakeMemory

#: what is let through because a person released it, told apart from what counts
COVERED: Final = "covered"
#: how long what a service wrote counts against the limits
WINDOW: Final = timedelta(hours=1)


class Tally(Protocol):
    """Records, by what was written of them."""

    def known(self, records: Collection[str]) -> Mapping[str, AbstractSet[str]]:
        """What these records count as already."""
        ...

    def add(self, adding: Mapping[str, Collection[str]]) -> Mapping[str, int]:
        """Weight -> how many records there are now."""
        ...

    def take_back(self, adding: Mapping[str, Collection[str]]) -> None:
        """What was added was not written after all."""
        ...


class HourTally:
    """The last hour's, in the store: shared by all who work on it, and kept over restarts."""

    def __init__(self, brakes: BrakeMemory, *, now: Callable[[], datetime]) -> None:
        self._brakes = brakes
        self._now = now

    def known(self, records: Collection[str]) -> Mapping[str, AbstractSet[str]]:
        return self._brakes.load_tallied(records, since=self._now() - WINDOW)

    def add(self, adding: Mapping[str, Collection[str]]) -> Mapping[str, int]:
        return self._brakes.tally(adding, since=self._now() - WINDOW)

    def take_back(self, adding: Mapping[str, Collection[str]]) -> None:
        self._brakes.untally(adding)


class PassTally:
    """One pass's, forgotten with it; but what it ends counts with all that was ended within the last hour: a mass void
    in small passes is one. That costs nothing where nothing is ended.
    """

    def __init__(self, hour: HourTally) -> None:
        self._written: dict[str, set[str]] = {}
        self._hour = hour

    def known(self, records: Collection[str]) -> Mapping[str, AbstractSet[str]]:
        return {record: {weight for weight, of in self._written.items() if record in of} for record in records}

    def add(self, adding: Mapping[str, Collection[str]]) -> Mapping[str, int]:
        for weight, records in adding.items():
            self._written.setdefault(weight, set()).update(records)
        numbers = {weight: len(records) for weight, records in self._written.items()}
        ending = adding.get(Weight.END, ())
        return {**numbers, **(_only_ended(self._hour.add({Weight.END: ending})) if ending else {})}

    def take_back(self, adding: Mapping[str, Collection[str]]) -> None:
        for weight, records in adding.items():
            self._written[weight].difference_update(records)
        if adding.get(Weight.END):
            self._hour.take_back({Weight.END: adding[Weight.END]})


def _only_ended(numbers: Mapping[str, int]) -> dict[str, int]:
    return {Weight.END: numbers[Weight.END]}


def counts_of(numbers: Mapping[str, int]) -> dict[Weight, int]:
    """Every weight's, what is covered aside."""
    return {weight: numbers.get(weight.value, 0) for weight in Weight}
