"""Death at every moment of a pass in chunks of one: two chunks are under way when it comes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from connector.flows import chunks
from tests.simulation.test_death import before_the_pass, die_and_recover, restored
from tests.support.killing import Fate

if TYPE_CHECKING:
    from pathlib import Path

GROUPS = 4


@pytest.mark.parametrize("group", range(GROUPS))
@pytest.mark.parametrize("down_for", [timedelta(minutes=1), timedelta(days=3)], ids=["keys live", "keys pruned"])
def test_death_while_two_chunks_are_under_way_doubles_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int, down_for: timedelta
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 1)
    snapshot = before_the_pass(tmp_path / "before", after_payment=False)
    alive = restored(tmp_path / "alive", snapshot, Fate())
    alive.sync()
    alive.close()
    moments = alive.fate.moments
    assert _writes_together(moments) >= 2, "no chunk left its writes to the next one"
    for kill_at in range(1 + group, len(moments) + 1, GROUPS):
        world = restored(tmp_path / str(kill_at), snapshot, Fate(kill_at))
        try:
            die_and_recover(world, after_payment=False, down_for=down_for)
        except AssertionError as error:
            raise AssertionError(f"killed at moment {kill_at}, {moments[kill_at - 1]}: {error}") from error


def _writes_together(moments: list[str]) -> int:
    """Rounds of writes in which an invoice was created while another was written back."""
    rounds = "\n".join(moments).split("before begin")
    return sum("before POST /v1/invoices\n" in sent and "before PATCH" in sent for sent in rounds)
