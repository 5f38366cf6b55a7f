from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from connector.config.mapping_loader import load_pack
from connector.config.schema import BundledSchema
from connector.core.errors import MappingError

SHIPPED = Path(__file__).parents[3] / "mappings" / "cpq-billing"

#: read once for all tests: it only ever answers
BUNDLED = BundledSchema()


class PackFolder:
    """A copy of the shipped pack that a test breaks in one place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def replace(self, kind: str, old: str, new: str) -> int:
        """Replaces one occurrence and returns its line number."""
        path = self.folder / f"{kind}.yaml"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{old!r} is not in {kind}.yaml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    def write(self, file: str, text: str) -> None:
        (self.folder / file).write_text(text, encoding="utf-8")

    def load(self, **options):
        return load_pack(self.folder, **{"schema": BUNDLED, **options})

    def problems(self, **options):
        """(file:line, observed, remedy) of every problem; fails the test when there is none."""
        with pytest.raises(MappingError) as error:
            self.load(**options)
        prefix = f"{self.folder}/"
        return [(p.where.removeprefix(prefix), p.observed, p.remedy) for p in error.value.problems]


@pytest.fixture
def pack_folder(tmp_path):
    folder = tmp_path / "pack"
    shutil.copytree(SHIPPED, folder)
    return PackFolder(folder)
