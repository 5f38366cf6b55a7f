"""What each verification reads and makes before it looks at anything is read and made once in a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector import verification
from tests.support.stores import lay_new_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_READ: dict[str, Any] = {}


def _once(load: Callable[..., Any]) -> Callable[..., Any]:
    """Packs and rules are frozen; no test of this folder changes the shipped files."""

    def loaded(path: Path, **given: Any) -> Any:
        wanted = f"{path} {given!r}"
        if wanted not in _READ:
            _READ[wanted] = load(path, **given)
        return _READ[wanted]

    return loaded


@pytest.fixture(autouse=True)
def read_and_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("load_pack", "load_rules"):
        monkeypatch.setattr(verification, name, _once(getattr(verification, name)))
    lay_new_store(tmp_path / "state.sqlite")
