"""What commands need that look at our own memory only: settings, logs, mapping and store, and no remote system."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.cli.session import process_settings, start_logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.cli.output import Output
    from connector.config.settings import Settings
    from connector.core.mapping import Pack
    from connector.ports import Clock
    from connector.store import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    settings: Settings
    pack: Pack
    store: SqlStore
    clock: Clock


@contextlib.contextmanager
def opened_store(output: Output) -> Iterator[Local]:
    """Raises ConfigError, MappingError or StoreError; asks no system for anything."""
    from connector.app import open_own_store
    from connector.config.mapping_loader import load_pack
    from connector.runtime.clock import SystemClock, new_trace_id

    settings = process_settings()
    start_logs(output, settings)
    pack = load_pack(settings.mappings, overrides=settings.pack_overrides())
    clock = SystemClock()
    with open_own_store(settings, clock=clock) as store:
        yield Local(settings=settings, pack=pack, store=store.traced(new_trace_id()), clock=clock)
