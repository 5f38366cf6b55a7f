"""Death at every moment of a pass in chunks of one: two chunks are under way when it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.flows import chunks
from tests.simulation.test_death import Deaths, moments_of

if TYPE_CHECKING:
    from pathlib import Path

GROUPS = 4


@pytest.mark.parametrize("group", range(GROUPS))
def test_death_while_two_chunks_are_under_way_doubles_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 1)
    deaths = Deaths(tmp_path)
    assert _writes_together(deaths.moments) >= 2, "no chunk left its writes to the next one"
    # Until something is decided there is no chunk: that far it is the pass of test_death.
    first = deaths.moments.index("before begin") + 1
    assert deaths.die_at(moments_of(group, GROUPS, range(first, len(deaths.moments) + 1))) > 1
    deaths.close()


def _writes_together(moments: list[str]) -> int:
    """Rounds of writes in which an invoice was created while another was written back."""
    rounds = "\n".join(moments).split("before begin")
    return sum("before POST /v1/invoices\n" in sent and "before PATCH" in sent for sent in rounds)
