"""The sandbox as a child process: started, asked where it serves, always stopped."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.core.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_END_AFTER_S = 10


class SandboxFailed(ConnectorError):
    """The child ended before it served; its own words are in `sandbox.log`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What the child's first line says; the issue's contract for `connector sandbox serve`."""

    salesforce: Mapping[str, str]
    stripe: Mapping[str, str]


@contextlib.contextmanager
def serving(arguments: Sequence[str], *, log: Path) -> Iterator[Connection]:
    """Runs `connector sandbox serve` while the block runs."""
    command = [sys.executable, "-m", "connector", "sandbox", "serve", "--json", *arguments]
    with log.open("wb") as errors:
        # A group of its own: the terminal's Ctrl-C reaches only us, and we stop the child when we are done with it.
        child = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield _connection(child, log)
        finally:
            _end(child)


def _connection(child: subprocess.Popen[bytes], log: Path) -> Connection:
    assert child.stdout is not None
    line = child.stdout.readline()
    try:
        said: Any = json.loads(line)
        return Connection(salesforce=said["salesforce"], stripe=said["stripe"])
    except (ValueError, KeyError, TypeError) as error:
        raise SandboxFailed(f"the sandbox did not start, see {log}") from error


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(timeout=_END_AFTER_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()
