"""The file of a support bundle: every part that could be gathered, and why not for the others.

Twice nothing secret gets in: what looks like a secret or an address is hidden, and so is, letter by letter, every
secret the settings hold.
"""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from typing import TYPE_CHECKING, Any, Final

from connector.cli.output import to_json
from connector.cli.support.sections import SECTIONS, Known
from connector.core.errors import ConfigError, ConnectorError, Problem
from connector.runtime.redaction import HIDDEN, redact, redact_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from connector.config.settings import Settings
    from connector.ports import Clock
    from connector.store import SqlStore

_LOG_LINES: Final = 2000
_LOG_BYTES: Final = 4_000_000
_LONGEST: Final = 600
#: shorter ones would hide ordinary words, and are no secrets
_SECRET_SHORTEST: Final = 6
_README: Final = """\
A support bundle of connector.

Each .json file is one part of what this installation knows of itself: versions, settings (secrets hidden), schema,
health, schedule, runs, what is parked, brakes, types of events, certificates, verification. Numbers, codes and ids:
no names, no amounts, no addresses, no bodies, no secrets. A part that could not be gathered says why, under
"unavailable". log.jsonl is there when --log named a file: its last lines, with secrets and personal data hidden.
Look through it before you hand it on.
"""


class Bundle:
    """Gathers; asks no system for anything, and neither makes nor upgrades a database."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._opened = contextlib.ExitStack()
        self._settings: Settings | None = None
        self._store: SqlStore | None = None

    def gather(self) -> dict[str, Any]:
        """Part -> what it tells, or `{"unavailable": why}`."""
        from sqlalchemy.exc import SQLAlchemyError

        known = Known(
            settings=self._load_settings,
            pack=self._load_pack,
            jobs=self._load_jobs,
            store=self._open,
            clock=self._clock,
        )
        found: dict[str, Any] = {}
        with self._opened:
            for name, section in SECTIONS.items():
                try:
                    found[name] = redact(json.loads(to_json(section(known))), name)
                except (ConnectorError, SQLAlchemyError, OSError, KeyError, ValueError, TypeError) as error:
                    # one that is broken is what the bundle is made for; the others are told all the same
                    found[name] = {"unavailable": _words(error)}
        return found

    def secrets(self) -> list[str]:
        from connector.config.settings_report import secrets_of

        return [] if self._settings is None else secrets_of(self._settings)

    def _load_settings(self) -> Settings:
        from connector.cli.session import process_settings

        if self._settings is None:
            self._settings = process_settings()
        return self._settings

    def _load_pack(self) -> Any:
        from connector.config.mapping_loader import load_pack

        settings = self._load_settings()
        return load_pack(settings.mappings, overrides=settings.pack_overrides())

    def _load_jobs(self) -> Any:
        from connector.config.schedule import load_schedule

        return load_schedule(self._load_settings().run.schedule, kinds=tuple(self._load_pack().kinds))

    def _open(self) -> SqlStore:
        from connector.app import open_own_store
        from connector.core.errors import StoreUnusable
        from connector.store.look import look

        if self._store is None:
            settings = self._load_settings()
            seen = look(settings.database_url, clock=self._clock)
            if seen.state != "current":
                raise StoreUnusable(f"{seen.place}: {seen.words}")
            self._store = self._opened.enter_context(open_own_store(settings, clock=self._clock))
        return self._store


def log_lines(path: Path) -> Iterator[str]:
    """The last lines of a log, each redacted. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LOG_BYTES))
            lines = file.read(_LOG_BYTES).decode("utf-8", errors="replace").splitlines()
    except OSError as error:
        remedy = "name the file that the service's stderr goes to"
        raise ConfigError(
            [Problem(where=str(path), observed=f"cannot be read: {error.strerror}", remedy=remedy)]
        ) from error
    if size > _LOG_BYTES:
        # it begins somewhere in a line
        lines = lines[1:]
    for line in lines[-_LOG_LINES:]:
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        yield to_json(redact(told)) if isinstance(told, dict) else redact_text(line)


def write_bundle(path: Path, parts: Mapping[str, Any], *, log: Iterable[str], secrets: Iterable[str]) -> list[str]:
    """A new file for its owner alone; the names in it. Raises ConfigError when it is there or cannot be written."""
    hidden = sorted({each for each in secrets if len(each) >= _SECRET_SHORTEST}, key=len, reverse=True)
    texts = {f"{name}.json": json.dumps(part, indent=1, ensure_ascii=False) for name, part in parts.items()}
    lines = "\n".join(log)
    if lines:
        texts["log.jsonl"] = lines + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, text in {"README.txt": _README, **texts}.items():
                bundle.writestr(name, _without(text, hidden))
    except FileExistsError as error:
        raise _unwritable(path, "it exists") from error
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise _unwritable(path, error.strerror or str(error)) from error
    return ["README.txt", *texts]


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def _words(error: Exception) -> str:
    words = redact_text(" ".join(str(error).split())) or type(error).__name__
    named = words if isinstance(error, ConnectorError) else f"{type(error).__name__}: {words}"
    return named if len(named) <= _LONGEST else f"{named[:_LONGEST]}…"


def _unwritable(path: Path, reason: str) -> ConfigError:
    remedy = "name another file by --out, in a folder of yours with room for it"
    return ConfigError([Problem(where=str(path), observed=f"cannot be written: {reason}", remedy=remedy)])
