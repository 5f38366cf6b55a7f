"""The file of a backup: a zip with one part of JSON lines per table and, written last, what it says of itself.

Anybody can look into it with `unzip`. Every part has its SHA-256 in the manifest: what is cut short or was
changed is refused, never half restored.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import orjson

from connector.core.backup import Manifest, NotAManifest, TableDigest
from connector.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

_MANIFEST: Final = "manifest.json"
#: far more than it ever is
_MANIFEST_MAX: Final = 10_000_000
#: speed matters more than the last tenth of size
_LEVEL: Final = 1


class ArchiveWriter:
    """Writes an empty file that is there already; whole once `finish` returned."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _writable(path):
            self._zip = zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        self.tables: dict[str, TableDigest] = {}

    def write_table(self, name: str, lines: Iterable[bytes]) -> None:
        """The first line names the columns."""
        digest, count = hashlib.sha256(), -1
        with _writable(self._path), self._zip.open(_part(name), "w", force_zip64=True) as part:
            for line in lines:
                digest.update(line)
                part.write(line)
                count += 1
        self.tables[name] = TableDigest(rows=count, sha256=digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        with _writable(self._path):
            self._zip.writestr(_MANIFEST, orjson.dumps(manifest.as_dict(), option=orjson.OPT_INDENT_2))
            self._zip.close()
            with self._path.open("rb") as file:
                os.fsync(file.fileno())

    def abandon(self) -> None:
        """Lets go of the file, which is whole only if `finish` returned before."""
        with suppress(OSError, ValueError):
            self._zip.close()


class ArchiveReader:
    def __init__(self, path: Path, file: zipfile.ZipFile, manifest: Manifest) -> None:
        self.path = path
        self._zip = file
        self.manifest = manifest

    def lines(self, table: str) -> Generator[bytes]:
        """The part as it was written. Raises ConfigError, at its end at the latest, when it is not."""
        wanted, digest, count = self.manifest.tables[table], hashlib.sha256(), -1
        with _readable(self.path), self._zip.open(_part(table)) as part:
            for line in part:
                digest.update(line)
                count += 1
                yield line
        if (count, digest.hexdigest()) != (wanted.rows, wanted.sha256):
            raise unusable(self.path, f"its part {_part(table)} is not what was written: {count} rows of {wanted.rows}")


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """Raises ConfigError for a file that is no whole backup."""
    with _readable(path):
        file = zipfile.ZipFile(path)
    with file:
        with _readable(path):
            if file.getinfo(_MANIFEST).file_size > _MANIFEST_MAX:
                raise NotAManifest("what it says of itself has no end")
            manifest = Manifest.from_dict(orjson.loads(file.read(_MANIFEST)))
        yield ArchiveReader(path, file, manifest)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = "name a file in a folder of yours with room for it"
        observed = f"cannot be written: {error.strerror or error}"
        raise ConfigError([Problem(where=str(path), observed=observed, remedy=remedy)]) from error


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, RuntimeError) as error:
        # NotAManifest and broken JSON are ValueErrors; what zip can do and Python cannot is a RuntimeError
        words = str(error).strip("'\"") or type(error).__name__
        raise unusable(path, f"it is no whole backup: {words}") from error
    except OSError as error:
        raise unusable(path, f"it cannot be read: {error.strerror or error}") from error


def unusable(path: Path, observed: str) -> ConfigError:
    remedy = "name a file that `connector backup` made, and if it was copied, copy it again"
    return ConfigError([Problem(where=str(path), observed=observed, remedy=remedy)])


def _part(table: str) -> str:
    return f"{table}.jsonl"
