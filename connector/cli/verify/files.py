"""The reports that are written to files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from connector.core.errors import ConfigError, Problem
from connector.runtime.private_reports import for_people

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from connector.cli.output import Output


def refuse_unwritable(paths: Iterable[Path]) -> None:
    """Raises ConfigError for a file that cannot be written, before anybody waits for what would stand in it."""
    for path in paths:
        if not path.parent.is_dir():
            raise _unwritable(path, "its folder is not there")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise _unwritable(path, "no permission")


def write_files(
    output: Output, wanted: Mapping[Path, Callable[[Mapping[str, Any]], str]], report: Mapping[str, Any], *, hide: bool
) -> None:
    """Writes each file. Raises ConfigError for one that cannot be written."""
    for path, render in wanted.items():
        text = render(for_people(report, hide=hide))
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise _unwritable(path, str(error.strerror)) from error
        output.note(f"wrote {path}")


def _unwritable(path: Path, reason: str) -> ConfigError:
    remedy = "name a file in a folder of yours"
    return ConfigError([Problem(where=str(path), observed=f"cannot be written: {reason}", remedy=remedy)])
