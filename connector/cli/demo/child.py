"""A child process of the demo's: our own program again, always ended with the demo."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

#: a service ends the operation in flight within 30 s
_END_AFTER_S = 40


@contextlib.contextmanager
def running(
    arguments: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `connector ARGUMENTS` while the block runs; what it says to stderr goes to `log`. By default it has our
    environment and our folder.
    """
    command = [sys.executable, "-m", "connector", *arguments]
    with log.open("wb") as errors:
        # A group of its own: the terminal's Ctrl-C reaches only us, and we stop the child when we are done with it.
        child = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command,
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield child
        finally:
            end(child)


def end(child: subprocess.Popen[bytes]) -> int:
    """Asks it to end, insists in the end; its exit code."""
    child.terminate()
    try:
        code = child.wait(timeout=_END_AFTER_S)
    except subprocess.TimeoutExpired:
        child.kill()
        code = child.wait()
    if child.stdout is not None:
        child.stdout.close()
    return code
