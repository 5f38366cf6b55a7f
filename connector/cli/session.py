"""What every command that works on the two systems needs: settings, logs, the App, Ctrl-C, progress."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connector.cli.interrupt import stop_flag
from connector.cli.progress import Progress
from connector.cli.retry_notes import RetryNotes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from connector.app import App
    from connector.cli.output import Output
    from connector.config.settings import Settings
    from connector.core.model import Finding, Key
    from connector.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    app: App
    output: Output
    stop: Callable[[], bool]
    progress: Progress
    started_s: float
    #: of this command: what it logs and what it stores are found by it
    trace_id: str

    def seconds(self) -> float:
        """Wall time since the session was opened."""
        return round(self.app.workspace.clock.monotonic_s() - self.started_s, 2)

    def api_calls(self) -> dict[str, int]:
        return dict(self.app.calls())


def process_settings() -> Settings:
    """The settings of this process. Raises ConfigError."""
    from connector.config.settings_loader import load_settings

    return load_settings(os.environ, folder=Path.cwd())


@contextlib.contextmanager
def opened(output: Output, *, settings: Settings | None = None) -> Iterator[Session]:
    """Loads the settings (of the process, when none are given), starts the logs, connects and checks both systems."""
    from connector.runtime.clock import SystemClock, new_trace_id

    clock, trace_id = SystemClock(), new_trace_id()
    started_s = clock.monotonic_s()
    chosen = process_settings() if settings is None else settings
    start_logs(output, chosen)
    from connector.app import Listeners, open_app
    from connector.runtime.telemetry import log_exchange

    with stop_flag(output) as stop, Progress(output) as progress:
        notice = _notes(chosen, progress, clock)
        listeners = Listeners(progress=progress, notice=notice, heard=log_exchange)
        with open_app(chosen, stop=stop, listeners=listeners, trace_id=trace_id) as app:
            yield Session(app=app, output=output, stop=stop, progress=progress, started_s=started_s, trace_id=trace_id)


def _notes(settings: Settings, progress: Progress, clock: Clock) -> RetryNotes:
    """For people, unless a machine reads what we write."""
    return RetryNotes(say=None if settings.log.format == "json" else progress.say, clock=clock)


def start_logs(output: Output, settings: Settings) -> None:
    from connector.runtime.clock import SystemClock
    from connector.runtime.telemetry import configure

    level = "debug" if output.debug else settings.log.level
    configure(log_format=settings.log.format, level=level, clock=SystemClock(), stream=sys.stderr)


def chosen_kinds(session: Session, kinds: Sequence[str]) -> tuple[str, ...]:
    """The kinds as given. Raises click's usage error for one the pack does not have."""
    import click

    known = session.app.workspace.pack.kinds
    for kind in kinds:
        if kind not in known:
            raise click.BadParameter(f"{kind!r} is not a kind of this mapping: {', '.join(known)}", param_hint="--kind")
    return tuple(kinds)


def chosen_keys(session: Session, given: Sequence[str]) -> tuple[Key, ...]:
    """What the ids given by a person mean. Raises UnknownRecord for one that no system knows."""
    return tuple(dict.fromkeys(key for text in given for key in keys_of(session, text)))


def keys_of(session: Session, given: str) -> list[Key]:
    """The keys of an id (Salesforce's with 15 or 18 characters), or of the number on a mirrored document.
    Raises UnknownRecord when there are none.
    """
    from connector.cli.record_id import UnknownRecord, full_id
    from connector.flows.lookup import keys_for, keys_numbered

    workspace, record_id = session.app.workspace, full_id(given)
    keys = keys_numbered(workspace, given.strip()) or ([] if record_id is None else keys_for(workspace, record_id))
    if keys:
        return keys
    if record_id is None:
        raise UnknownRecord(f"{given!r} is the number of no mirrored document, and no id of Salesforce or Stripe")
    side = "Stripe" if "_" in record_id else "Salesforce"
    raise UnknownRecord(f"{record_id} is unknown: {side} has no such record of a kind that is mirrored")


def all_findings(session: Session) -> list[Finding]:
    """What the check of the systems found and what is open in the store, each once."""
    found = (*session.app.findings, *session.app.workspace.store.load_findings())
    return list({(finding.code, finding.subject): finding for finding in found}.values())


def stopped_kinds(session: Session) -> Mapping[str, str]:
    return dict(session.app.workspace.stopped_kinds)
