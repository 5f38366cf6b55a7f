"""Where files that come with the program lie: in a checkout, and inside an installed wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent.parent

#: published facts carried as data, inside the package in both cases
DATA: Final = _PACKAGE / "data"


def share(name: str) -> Path:
    """The folder `mappings`, `config` or `salesforce` (deployable metadata) that came with the program.

    The wheel carries them under `_share` (pyproject.toml, force-include); a checkout has them at its root.
    """
    installed = _PACKAGE / "_share" / name
    if installed.is_dir():
        return installed
    return _PACKAGE.parent / {"salesforce": "deploy/salesforce"}.get(name, name)
