"""The audit trail as a file to hand out, with a manifest beside it that says what it holds."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from connector.cli.output import to_json
from connector.core.csv_text import csv_line
from connector.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from connector.core.chain import AuditRow

#: a row's parts in the order in which they are hashed, then its hash
COLUMNS: Final = (
    "previous_hash",
    "scope_id",
    "seq",
    "at",
    "kind",
    "born_side",
    "born_id",
    "event",
    "detail_json",
    "hash",
)


class TrailFile:
    """Takes rows one by one. An existing file is never written over: it may be somebody's evidence."""

    def __init__(self, path: Path, *, form: str, since: datetime | None) -> None:
        self.path = path
        self.manifest_path = path.with_name(path.name + ".manifest.json")
        self._form = form
        self._since = since
        self._digest = hashlib.sha256()
        self._first: AuditRow | None = None
        self._last: AuditRow | None = None
        self.rows = 0
        for each in (self.path, self.manifest_path):
            if each.exists():
                raise _unwritable(each, "it exists")
        self._file = _create(self.path)
        if form == "csv":
            self._write(csv_line(COLUMNS))

    def take(self, row: AuditRow) -> None:
        # from the first row of that time on, whole: a clock that was put back leaves no gap in the chain
        if self._first is None and self._since is not None and row.at < self._since:
            return
        self._first = self._first or row
        self._last = row
        self.rows += 1
        told = {name: _told(getattr(row, name)) for name in COLUMNS}
        self._write(to_json(told) + "\n" if self._form == "jsonl" else csv_line(tuple(told.values())))

    def close(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Ends the file, writes the manifest and returns it."""
        with self._whole_or_nothing():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        first, last = self._first, self._last
        manifest = {
            **facts,
            "file": self.path.name,
            "format": self._form,
            "since": None if self._since is None else self._since.isoformat(),
            "rows": self.rows,
            "first_seq": None if first is None else first.seq,
            "last_seq": None if last is None else last.seq,
            "first_previous_hash": None if first is None else first.previous_hash,
            "last_hash": None if last is None else last.hash,
            "sha256": self._digest.hexdigest(),
        }
        with self._whole_or_nothing(), _create(self.manifest_path) as file:
            file.write((json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())
        return manifest

    def _write(self, text: str) -> None:
        content = text.encode()
        self._digest.update(content)
        with self._whole_or_nothing():
            self._file.write(content)

    @contextmanager
    def _whole_or_nothing(self) -> Iterator[None]:
        """A part of a trail looks like a trail: what a full disk cut short is taken away again."""
        try:
            yield
        except OSError as error:
            with suppress(OSError):
                self._file.close()
            for each in (self.path, self.manifest_path):
                each.unlink(missing_ok=True)
            raise _unwritable(self.path, str(error.strerror)) from error


def _told(value: Any) -> Any:
    return value if isinstance(value, str | int) else value.isoformat(timespec="microseconds")


def _create(path: Path) -> Any:
    """A new file for its owner alone: messages of the systems may hold names."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise _unwritable(path, str(error.strerror)) from error


def _unwritable(path: Path, reason: str) -> ConfigError:
    remedy = "name another file by --out, in a folder of yours with room for it"
    return ConfigError([Problem(where=str(path), observed=f"cannot be written: {reason}", remedy=remedy)])
