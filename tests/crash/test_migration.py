"""Death at statements of a schema upgrade: the store stays whole, and the next start goes on from either schema."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from connector.store import migrate, open_store
from tests.support.clock import ManualClock
from tests.support.crash_bugs import SOON
from tests.support.crash_flows import CORE, Flow
from tests.support.crash_moments import COMMITS, STATEMENTS
from tests.support.crash_search import Story

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.crash import Ground

[UPDATE] = [flow for flow in CORE if flow.name == "update"]
HALF_WAY = "the upgrade is committed statement by statement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged(Flow):
    """The store is one that an earlier version left behind."""

    revision: str

    def begin(self, ground: Ground) -> None:
        Flow.begin(self, ground)
        make_older(ground.folder / "state.db", self.revision)


def make_older(path: Path, revision: str) -> None:
    """The same rows in the tables of an earlier version, as far as that version had a place for them."""
    older = path.with_name("older.db")
    older.unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as earlier:
        earlier.setattr(migrate, "HEAD", revision)
        open_store(f"sqlite:///{older}", clock=ManualClock()).close()
    with sqlite3.connect(path) as newer:
        # What is only in the log of the newer file belongs into it before the file is replaced.
        newer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    newer.close()
    connection = sqlite3.connect(older, isolation_level=None)
    connection.execute("ATTACH ? AS newer", (str(path),))
    connection.execute("BEGIN")
    tables = [row[0] for row in connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
    for table in tables:
        if table == migrate.VERSION_TABLE or table.startswith("sqlite_"):
            continue
        there = {row[1] for row in connection.execute(f"PRAGMA newer.table_info({table})")}
        columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})") if row[1] in there)
        connection.execute(f"DELETE FROM main.{table}")
        connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
    connection.execute("COMMIT")
    connection.execute("PRAGMA main.wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    for beside in path.parent.glob(f"{path.name}-*"):
        beside.unlink()
    older.replace(path)


def _upgrade(ground: Ground, *bugs: str) -> Story:
    flow = Aged(name="migration", before=UPDATE.before, happens=UPDATE.happens, revision="0001")
    return Story(ground, flow, counts={COMMITS, STATEMENTS}, bugs=bugs)


def _end_of_upgrade(story: Story) -> int:
    return story.moments.index("after commit") + 1


def test_death_at_the_statements_of_an_upgrade(ground: Ground) -> None:
    """One in three; the contract suite breaks off at each, in process and on both databases."""
    story = _upgrade(ground)
    end = _end_of_upgrade(story)
    assert end > 20
    for kill_at in (*range(1, end - 1, 3), end - 1, end):
        assert story.die(kill_at, down_for=SOON)


def test_an_upgrade_that_is_kept_half_way_is_found(ground: Ground) -> None:
    story = _upgrade(ground, HALF_WAY)
    with pytest.raises(AssertionError, match="the pass after it ended with"):
        story.die(_end_of_upgrade(story) // 2, down_for=SOON)
