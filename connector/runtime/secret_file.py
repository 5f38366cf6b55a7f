"""A file for one secret that only its owner may read."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from connector.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path

_OWNER_ONLY: Final = 0o600


class SecretFile:
    """`ports.SecretKeeper`. An empty file is a secret that is owed: reserved, and never stored."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def is_owed(self) -> bool:
        with contextlib.suppress(OSError):
            return self.path.is_file() and self.path.stat().st_size == 0
        return False

    def is_taken(self) -> bool:
        """Whether it holds something, perhaps the secret in use."""
        with contextlib.suppress(OSError):
            return self.path.is_file() and self.path.stat().st_size > 0
        return False

    def reserve(self) -> None:
        """Raises ConfigError when it cannot be written, or holds something: that may be the secret in use."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, _OWNER_ONLY))
            self.path.chmod(_OWNER_ONLY)
            size = self.path.stat().st_size
        except OSError as error:
            raise self._unusable(f"cannot be written: {error.strerror}") from error
        if size:
            raise self._unusable("holds something already, perhaps the secret that is in use")

    def release(self) -> None:
        if self.is_owed():
            self.path.unlink()

    def store(self, secret: str) -> None:
        """Raises ConfigError when it cannot be written; the file then says that the secret is owed."""
        try:
            with self.path.open("w", encoding="ascii") as file:
                file.write(f"{secret}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                os.truncate(self.path, 0)
            raise self._unusable(
                f"the secret could not be written: {error.strerror}; run this command again"
            ) from error

    def _unusable(self, observed: str) -> ConfigError:
        remedy = "name another file with --secret-file"
        return ConfigError([Problem(where=str(self.path), observed=observed, remedy=remedy)])
