"""The real command line under strace: a fault at the n-th time it asks the disk to keep something (invariants.md T3).

The program's clock is the machine's here, so the simulated systems go by that as well.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.support.clock import ManualClock
from tests.support.crash import SYNC, Answer, Ground

if TYPE_CHECKING:
    from datetime import timedelta

STRACE = shutil.which("strace")
TIMEOUT_S = 300
SYNCS = "fsync,fdatasync"
_SYNC = re.compile(r"\b(?:fsync|fdatasync)\(\d+<(?P<path>[^>]*)>\)")


class MachineClock(ManualClock):
    """Goes as the machine's does; what a test lets pass comes on top."""

    def __init__(self) -> None:
        super().__init__(datetime.now(UTC))
        self._started = datetime.now(UTC)

    def now(self) -> datetime:
        return super().now() + (datetime.now(UTC) - self._started)

    def advance(self, by: timedelta) -> None:
        """The child cannot be taken along: time passes by itself."""

    def set_wall(self, now: datetime) -> None:
        """As above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """How a traced command ended, and which files were synced, in order."""

    answer: Answer
    synced: tuple[str, ...]


def why_not() -> str | None:
    """Why nothing can be traced here."""
    if STRACE is None:
        return "strace not tried: it is not installed"
    tried = subprocess.run(
        [STRACE, "-f", "-o", "/dev/null", "-e", "trace=fsync", "true"], capture_output=True, check=False
    )
    return None if tried.returncode == 0 else f"strace not tried: it may not trace here: {tried.stderr.decode()[:200]}"


def run_traced(ground: Ground, *arguments: str, fault: str | None = None, before: str = "") -> Traced:
    """`fault` as strace writes it: `signal=SIGKILL:when=3`, `error=EIO:when=3`. `before` is Python run first."""
    assert STRACE is not None
    log = ground.folder / "strace"
    inject = ["-e", f"inject={SYNCS}:{fault}"] if fault else []
    # The real interpreter: a shim's own calls would be counted along (invariants.md T3).
    program = f"{before}\nimport sys\nfrom connector.cli.main import run\nsys.exit(run(sys.argv[1:]))"
    done = subprocess.run(
        [
            STRACE,
            "-f",
            "-y",
            "-o",
            str(log),
            "-e",
            f"trace={SYNCS}",
            *inject,
            sys.executable,
            "-c",
            program,
            *arguments,
        ],
        cwd=ground.folder,
        env={**ground.environment(ground.settings), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    status = -signal.SIGKILL if done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL) else done.returncode
    found = tuple(match["path"] for match in _SYNC.finditer(log.read_text(encoding="utf-8")))
    return Traced(answer=Answer(status=status, moments=[], out=done.stdout, err=done.stderr), synced=found)


def sync_traced(ground: Ground, **given: str) -> Traced:
    return run_traced(ground, *SYNC, **given)
