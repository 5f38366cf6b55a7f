"""How often a process of ours searches for garbage that refers to itself; all else is freed at once without a search.

Python does so after 700 new objects. A pass makes and keeps hundreds of thousands, and every tenth search goes through
them all: measured over 1,000 payments brought back, a fifth of the processor time.
"""

from __future__ import annotations

import gc
from typing import Final

#: new objects between two searches; of searches of the young between two of the older; of these between two of all
_THRESHOLDS: Final = (10_000, 10, 10)


def search_less_often() -> None:
    """For the whole process: the program's beginning calls it, no library may."""
    gc.set_threshold(*_THRESHOLDS)
