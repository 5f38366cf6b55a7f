"""The process that goes on from a death dies as well: a seeded choice of pairs; `make crash-long` tries them all."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.support.crash_bugs import DAYS_LATER, SOON
from tests.support.crash_flows import CORE
from tests.support.crash_search import Story

if TYPE_CHECKING:
    from tests.support.crash import Ground
    from tests.support.crash_flows import Flow

PAIRS = 5
#: a pass that goes on from a death has at least so many moments
AGAIN_WITHIN = 16


@pytest.mark.parametrize("flow", CORE, ids=lambda flow: flow.name)
def test_death_while_going_on_from_a_death(ground: Ground, flow: Flow) -> None:
    story, chance = Story(ground, flow), Random(flow.name)
    for _ in range(PAIRS):
        first, second = chance.randint(1, len(story.moments) - 1), chance.randint(1, AGAIN_WITHIN)
        assert story.die(first, down_for=chance.choice((SOON, DAYS_LATER)), again_at=second)
