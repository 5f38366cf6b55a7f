"""Databases kept in files and put back, as `connector backup` and `connector restore` do."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from connector import keeping
from connector.config.settings_loader import load_settings
from connector.keeping import Order
from tests.support.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.core.backup import Manifest
    from connector.keeping import Kept, Restored
    from connector.ports import Clock

#: parts that a restore itself adds to
ADDED_TO = {"audit", "brake", "scope", "lease"}


def settings_of(url: str, folder: Path, **more: str):
    return load_settings(
        {"CONNECTOR_DATABASE__URL": url, "CONNECTOR_HOME": str(folder / "home"), **more}, folder=folder
    )


def backup(url: str, path: Path, *, clock: Clock | None = None, force: bool = False, **more: str) -> Kept:
    return keeping.make_backup(settings_of(url, path.parent, **more), path, clock=clock or ManualClock(), force=force)


def restore(url: str, path: Path, *, clock: Clock | None = None, force: bool = False, **more: str) -> Restored:
    order = Order(path=path, by="ann", reason="a drill", force=force)
    return keeping.restore(settings_of(url, path.parent, **more), order, clock=clock or ManualClock())


def same_rows(one: Manifest, other: Manifest) -> dict[str, bool]:
    """Table -> whether both hold the same rows, byte for byte, but for what a restore adds to."""
    assert one.tables.keys() == other.tables.keys()
    return {name: one.tables[name] == other.tables[name] for name in one.tables.keys() - ADDED_TO}


def rewrite(path: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """One part of the file is another one now; as a zip it is whole."""
    with zipfile.ZipFile(path) as file:
        parts = {each: file.read(each) for each in file.namelist()}
    parts[name] = change(parts[name])
    with zipfile.ZipFile(path, "w") as file:
        for each, content in parts.items():
            file.writestr(each, content)
