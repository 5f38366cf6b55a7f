"""The sandbox as a child process: started, asked where it serves, always stopped."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.cli.demo.child import running
from connector.core.errors import ConnectorError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


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
    with running(["sandbox", "serve", "--json", *arguments], log=log) as child:
        yield _connection(child, log)


def _connection(child: subprocess.Popen[bytes], log: Path) -> Connection:
    assert child.stdout is not None
    line = child.stdout.readline()
    try:
        said: Any = json.loads(line)
        return Connection(salesforce=said["salesforce"], stripe=said["stripe"])
    except (ValueError, KeyError, TypeError) as error:
        raise SandboxFailed(f"the sandbox did not start, see {log}") from error
