"""What a pass did, counted: the numbers behind the table and the canonical log line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from connector.core.pace import Tally


@dataclass(slots=True, kw_only=True)
class KindCount:
    created: int = 0
    updated: int = 0
    #: writes of any sort, for "the second pass wrote nothing"
    writes: int = 0
    waiting: int = 0
    parked: int = 0
    delayed: int = 0
    #: signals of pairs that failed before and whose next attempt is not due
    held: int = 0
    unclaimed: int = 0
    #: birthplace id -> why it is not mirrored; gone once something needed it after all
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def not_mirrored(self) -> Counter[str]:
        """Reason -> records not mirrored for it."""
        return Counter(self.left_out.values())


@dataclass(slots=True, kw_only=True)
class PassReport:
    kinds: dict[str, KindCount] = field(default_factory=dict)
    looked_at: int = 0
    recovered: int = 0
    #: of the signals that were worked off, how long they had waited
    waited: Tally = field(default_factory=Tally)
    #: catalogue kinds that wait because the day's calls run short
    short_of_calls: set[str] = field(default_factory=set)
    #: where an interrupted pass stopped; None when it ran to its end
    stopped_at: str | None = None

    def of(self, kind: str) -> KindCount:
        return self.kinds.setdefault(kind, KindCount())

    def add(self, later: PassReport) -> None:
        """What a further pass did. A record it found parked or waiting may be one that this pass had found so."""
        for kind in later.kinds:
            mine, count = self.of(kind), later.of(kind)
            for name in ("created", "updated", "writes"):
                setattr(mine, name, getattr(mine, name) + getattr(count, name))
            for name in ("waiting", "parked", "unclaimed"):
                setattr(mine, name, max(getattr(mine, name), getattr(count, name)))
            # what was delayed was tried again
            mine.delayed = count.delayed
            mine.left_out |= count.left_out
        self.looked_at += later.looked_at
        self.recovered += later.recovered
        self.waited.merge(later.waited)

    @property
    def writes(self) -> int:
        return sum(count.writes for count in self.kinds.values())

    def facts(self, **more: Any) -> dict[str, Any]:
        """What the log line and the stored run say: the counts, the zeros left out."""
        kinds = {
            kind: {name: number for name, number in count.items() if isinstance(number, int) and number}
            for kind, count in self.as_dict().items()
        }
        return {
            "looked_at": self.looked_at,
            "writes": self.writes,
            "recovered": self.recovered,
            "kinds": {kind: count for kind, count in kinds.items() if count},
            **more,
        }

    def as_dict(self) -> dict[str, Any]:
        """Stable, JSON-able; part of the documented `--json` answers."""
        return {
            kind: {
                "created": count.created,
                "updated": count.updated,
                "writes": count.writes,
                "waiting": count.waiting,
                "parked": count.parked,
                "delayed": count.delayed,
                "held": count.held,
                "unclaimed": count.unclaimed,
                "not_mirrored": dict(sorted(count.not_mirrored.items())),
            }
            for kind, count in self.kinds.items()
        }
