"""Death around every change of a file and every commit of a backup and of a restore: the old one or the new one is there."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.support.crash_flows import CORE
from tests.support.crash_moments import COMMITS, FILES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.crash import Answer, Ground

[UPDATE] = [flow for flow in CORE if flow.name == "update"]
FILE = "kept.zip"


@pytest.fixture
def mirrored(ground: Ground) -> Iterator[Ground]:
    """An installation in step; what commands leave in the working folder is taken away again."""
    before = set(ground.folder.iterdir())
    UPDATE.begin(ground)
    yield ground
    for path in set(ground.folder.iterdir()) - before:
        if not path.name.startswith("state.db"):
            path.unlink()


def _deaths(ground: Ground, *command: str) -> Iterator[Answer]:
    """The command killed at its n-th moment, for every n; last, one that lives. Each begins from the same ground."""
    start = ground.snapshot()
    kept = {path: path.read_bytes() for path in ground.folder.glob(f"{FILE}*")}
    for kill_at in count(1):
        for path in ground.folder.glob(f"{FILE}*"):
            path.unlink()
        for path, content in kept.items():
            path.write_bytes(content)
        ground.restore(start)
        answer = ground.run(*command, kill_at=kill_at, counts=(FILES, COMMITS))
        yield answer
        if not answer.died:
            assert answer.status == 0, answer.err
            assert kill_at > 8
            return


def _made_at(path: Path) -> str:
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        return str(json.loads(file.read("manifest.json"))["made_at"])


def test_a_backup_is_the_earlier_one_or_the_new_one(mirrored: Ground) -> None:
    assert mirrored.run("backup", FILE, "--json").status == 0
    earlier = _made_at(mirrored.folder / FILE)
    seen = set()
    for _answer in _deaths(mirrored, "backup", FILE, "--force", "--json"):
        seen.add(_made_at(mirrored.folder / FILE) != earlier)
    assert seen == {False, True}
    again = mirrored.run("backup", FILE, "--force", "--json")
    assert again.status == 0, again.err
    assert {path.name for path in mirrored.folder.glob(f"{FILE}*")} == {FILE}


def _standing(ground: Ground) -> tuple[bool, int]:
    """Whether the restored brake is on, and how many rows the trail has."""
    with closing(sqlite3.connect(ground.database.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        [(brakes,)] = connection.execute("SELECT count(*) FROM brake WHERE released_at IS NULL").fetchall()
        [(rows,)] = connection.execute("SELECT count(*) FROM audit").fetchall()
    return bool(brakes), rows


def test_a_restore_is_the_present_one_or_the_restored_one_with_its_brake(mirrored: Ground) -> None:
    kept = mirrored.run("backup", FILE, "--json").json
    UPDATE.happens(mirrored.world)
    mirrored.rest()
    present = _standing(mirrored)
    restored = (True, kept["tables"]["audit"] + 2)
    assert present != restored
    assert not present[0]
    seen = set()
    for answer in _deaths(mirrored, "restore", FILE, "--json"):
        standing = _standing(mirrored)
        assert standing in (present, restored), answer.moments[-1]
        seen.add(standing)
        if answer.died and len(answer.moments) % 6 == 0:
            # whatever is left, the command can be given again
            again = mirrored.run("restore", FILE, "--json")
            assert again.status == 0, again.err
            assert _standing(mirrored)[0]
    assert seen == {present, restored}
    assert not list(mirrored.folder.glob("state.db.restoring*"))
    refused = mirrored.run("sync", "--once", "--json")
    assert refused.status == 1
    assert [brake["name"] for brake in refused.json["error"]["brakes"]] == ["store_restored"]
    assert mirrored.run("recover", "--json").status == 0
    mirrored.rest()
