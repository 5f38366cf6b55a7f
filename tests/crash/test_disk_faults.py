"""The disk fails, or the process dies, at the n-th time something is asked to be kept: acknowledged work is there.

A choice of n, drawn by seed, on the real command line under strace; skipped by name where it may not trace.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.support.crash import Ground
from tests.support.crash_flows import CORE
from tests.support.crash_search import Story
from tests.support.crash_strace import MachineClock, sync_traced, why_not
from tests.support.databases import Sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator

SKIPPED_BECAUSE = why_not()
pytestmark = pytest.mark.skipif(SKIPPED_BECAUSE is not None, reason=SKIPPED_BECAUSE or "")

[FIRST_SYNC] = [flow for flow in CORE if flow.name == "first sync"]
CHOSEN = 3
NOT_DURABLE = """
from sqlalchemy import event
from sqlalchemy.engine import Engine
event.listen(Engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA synchronous = OFF"))
"""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    ground = Ground(folder, Sqlite(folder), clock=MachineClock())
    yield ground
    ground.close()


@pytest.fixture(scope="module")
def story(ground: Ground) -> Story:
    return Story(ground, FIRST_SYNC)


@pytest.fixture(scope="module")
def syncs(ground: Ground, story: Story) -> int:
    """How often the whole run asks, found by counting."""
    story.put_back()
    whole = sync_traced(ground)
    assert whole.answer.status == 0, whole.answer.err
    return len(whole.synced)


def _chosen(syncs: int, fault: str) -> list[int]:
    return sorted(Random(fault).sample(range(1, syncs + 1), CHOSEN))


def test_every_commit_is_synced_before_it_is_acknowledged(ground: Ground, story: Story, syncs: int) -> None:
    commits = story.moments.count("after commit")
    assert syncs >= commits > 10


def test_a_commit_that_is_not_synced_is_found(ground: Ground, story: Story) -> None:
    story.put_back()
    careless = sync_traced(ground, before=NOT_DURABLE)
    assert careless.answer.status == 0, careless.answer.err
    assert len(careless.synced) < story.moments.count("after commit")


def test_death_at_a_sync(ground: Ground, story: Story, syncs: int) -> None:
    for number in _chosen(syncs, "SIGKILL"):
        story.put_back()
        traced = sync_traced(ground, fault=f"signal=SIGKILL:when={number}")
        assert traced.answer.died
        story.go_on(f"killed at sync {number} of {syncs}")


@pytest.mark.parametrize(("error", "said"), [("EIO", "disk I/O error"), ("ENOSPC", "disk")])
def test_a_sync_that_fails(ground: Ground, story: Story, syncs: int, error: str, said: str) -> None:
    """From then on the disk fails every time. It is told, as documented: the state folder is full or read-only."""
    for number in _chosen(syncs, error):
        story.put_back()
        traced = sync_traced(ground, fault=f"error={error}:when={number}+")
        assert traced.answer.status == 1, f"sync {number}: {traced.answer.status} {traced.answer.err}"
        assert said in traced.answer.err
        assert "Traceback" not in traced.answer.err
        story.go_on(f"{error} from sync {number} of {syncs} on")
