"""The one way a file of a person's is read: bounded, UTF-8, a file and nothing else.

A device never ends, a pipe waits for somebody, and a wrong path may name a backup of ten gigabytes.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class UnreadableFile(Exception):
    """Why, in words that go on `cannot be read: `."""


def read_text_file(path: Path, *, bytes_max: int) -> str:
    """Its text without a byte order mark. Raises UnreadableFile."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableFile("it is not a file")
        # the size is not asked for but read: a file may grow meanwhile
        with path.open("rb") as file:
            content = file.read(bytes_max + 1)
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error)) from error
    except ValueError as error:
        # a NUL in the path, or half of a character
        raise UnreadableFile("no file can have this name") from error
    if len(content) > bytes_max:
        raise UnreadableFile(f"it has more than {bytes_max:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile("it is not UTF-8 text") from error


def exists(path: Path) -> bool:
    """Whether there is something of this name; False for a name no file can have."""
    try:
        os.stat(path)  # noqa: PTH116 - Path.exists raises for a name that is too long
    except (OSError, ValueError):
        return False
    return True
