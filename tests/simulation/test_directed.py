"""Stories written by hand: what chance tells too seldom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.play import Result, play
from tests.simulation.story import Step, Story

WORLD = {"rollups_move": True, "batch_size": 1000, "chunk": 200}
A_MINUTE = Step("time", 1, {"seconds": 60})
MORE_THAN_A_DAY = Step("time", 1, {"seconds": 26 * 3_600})


def told(*steps: Step) -> Result:
    return play(Story(seed=1, world=WORLD, steps=steps))


def people(*actions: str) -> list[Step]:
    return [Step("people", place, {"action": action}) for place, action in enumerate(actions)]


def a_pass(**options: Any) -> Step:
    return Step("pass", 1, options)


@pytest.mark.parametrize("at", [10, 16])
@pytest.mark.parametrize("put", [-86_400, 86_400])
def test_a_clock_put_back_or_forward_does_not_make_an_old_key_young(at: int, put: int) -> None:
    """The reply of a create is lost, its key is pruned, and our clock says it was this morning (I2, I26)."""
    lost = [[at, "reset after apply"]] * 3
    result = told(
        *people("new account", "new product", "new invoice"),
        A_MINUTE,
        a_pass(faults=lost),
        MORE_THAN_A_DAY,
        Step("skew", 1, {"seconds": put}),
        a_pass(),
    )
    assert result.seen["reset after apply"] == 3
    assert result.seen["24 h window crossed"]
    assert result.violation is None, "\n".join(result.trace)


def test_a_lost_reply_is_asked_for_again_with_the_same_bytes() -> None:
    """Stripe replays its answer to the stored request, and refuses any other one under that key (I3)."""
    result = told(
        *people("new account", "new product", "new invoice"),
        A_MINUTE,
        a_pass(faults=[[16, "reset after apply"]] * 9),
        A_MINUTE,
        a_pass(),
    )
    assert result.seen["answer replayed"]
    assert result.violation is None, "\n".join(result.trace)
