"""Where the tests' files lie while they run: in memory, where there is room for them.

Thousands of stores sync every commit, as they should, and waiting for a disk is most of what that takes. That a commit
is synced before it is acknowledged is told by the system calls themselves (tests/crash/test_disk_faults.py).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 * 1024**3


def keep_in_memory() -> None:
    """For this process and those it starts, unless TMPDIR says where."""
    if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None
