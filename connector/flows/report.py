"""What a pass did, counted: the numbers behind the table and the canonical log line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class KindCount:
    created: int = 0
    updated: int = 0
    #: writes of any sort, for "the second pass wrote nothing"
    writes: int = 0
    waiting: int = 0
    parked: int = 0
    delayed: int = 0
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
    #: where an interrupted pass stopped; None when it ran to its end
    stopped_at: str | None = None

    def of(self, kind: str) -> KindCount:
        return self.kinds.setdefault(kind, KindCount())

    @property
    def writes(self) -> int:
        return sum(count.writes for count in self.kinds.values())

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
                "unclaimed": count.unclaimed,
                "not_mirrored": dict(sorted(count.not_mirrored.items())),
            }
            for kind, count in self.kinds.items()
        }
