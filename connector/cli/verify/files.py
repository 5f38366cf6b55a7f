"""The reports that are written to files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.cli.verify.people import for_people
from connector.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from connector.cli.output import Output


def write_files(
    output: Output, wanted: Mapping[Path, Callable[[Mapping[str, Any]], str]], report: Mapping[str, Any], *, hide: bool
) -> None:
    """Writes each file. Raises ConfigError for one that cannot be written."""
    for path, render in wanted.items():
        text = render(for_people(report, hide=hide))
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            problem = Problem(
                where=str(path),
                observed=f"cannot be written: {error.strerror}",
                remedy="name a file in a folder of yours",
            )
            raise ConfigError([problem]) from error
        output.note(f"wrote {path}")
