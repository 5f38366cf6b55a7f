"""Where a command's words go: the result to stdout, everything else to stderr.

With `--json` the last line of stdout is one JSON object with `schema_version` and `command`; the
answers are documented in docs/json.md.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

SCHEMA_VERSION: Final = 1
#: for pipes and files, where nobody's window says how wide a line may be
_WIDTH_WITHOUT_TERMINAL: Final = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    #: e.g. `sync`, `mapping check`
    command: str
    as_json: bool = False
    no_color: bool = False
    debug: bool = False

    def console(self) -> Console:
        """For the result."""
        return self._console(stderr=False)

    def error_console(self) -> Console:
        """For progress and errors."""
        return self._console(stderr=True)

    def _console(self, *, stderr: bool) -> Console:
        from rich.console import Console

        stream = sys.stderr if stderr else sys.stdout
        return Console(
            file=stream,
            # rich obeys NO_COLOR and leaves colours out of pipes by itself.
            no_color=True if self.no_color else None,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=True,
            width=None if stream.isatty() or "COLUMNS" in os.environ else _WIDTH_WITHOUT_TERMINAL,
        )

    def result(self, answer: Mapping[str, Any], *, human: Callable[[Console], None]) -> None:
        """Prints the answer, as JSON or by `human`."""
        if self.as_json:
            sys.stdout.write(to_json({"schema_version": SCHEMA_VERSION, "command": self.command, **answer}) + "\n")
        else:
            human(self.console())
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """A line for the person watching, never part of the result."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def to_json(value: Any) -> str:
    """One line. Decimals, dates and the like become text: no amount passes through a float."""
    text = json.dumps(value, ensure_ascii=False, default=_as_text)
    # half of a character, from an environment of another encoding, has no place in UTF-8
    return text if text.isprintable() or _is_whole(text) else json.dumps(value, default=_as_text)


def _as_text(value: Any) -> str:
    """Moments as ISO 8601, like those that are stored as text."""
    return value.isoformat() if isinstance(value, date) else str(value)


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str) -> str:
    """For a terminal: what would move its cursor, hide or turn around what stands there is written out."""
    return "".join(each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in text)
