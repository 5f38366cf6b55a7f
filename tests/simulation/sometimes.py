"""What must happen in some run at least, or the runs prove little (invariants.md, "Sometimes-assertions")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation import faults

if TYPE_CHECKING:
    from collections import Counter

APPEND_REBUILT: Final = "draft deleted"
LATE_COMMIT: Final = "late commit below the watermark"
WINDOW_CROSSED: Final = "24 h window crossed"

SOMETIMES: Final = frozenset(
    {
        *faults.ALL,
        "answer replayed",
        "saved 500 replayed",
        "old answer read",
        "signal lost",
        "signal late",
        "signal doubled",
        "signals reordered",
        "second daemon",
        "killed",
        "clock stepped",
        "backup restored",
        "store lost",
        "brake store_restored",
        APPEND_REBUILT,
        LATE_COMMIT,
        WINDOW_CROSSED,
    }
)


def never_seen(seen: Counter[str]) -> list[str]:
    return sorted(name for name in SOMETIMES if not seen[name])
