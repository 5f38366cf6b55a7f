"""A real process is killed after its n-th side effect, for every n, and the next one brings the flow to the same end.

N is found by going on until a run is not killed: a new side effect is a new moment. `make crash` kills before each as
well, and is away for a minute and for days each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.crash_flows import CORE
from tests.support.crash_moments import EFFECTS, ONLY_AFTER
from tests.support.crash_search import Story

if TYPE_CHECKING:
    from tests.support.crash import Ground
    from tests.support.crash_flows import Flow

#: each flow is explored by so many tests, for as many processors
GROUPS = 2


@pytest.mark.parametrize("group", range(GROUPS))
@pytest.mark.parametrize("flow", CORE, ids=lambda flow: flow.name)
def test_death_at_every_side_effect_ends_as_if_nobody_had_died(ground: Ground, flow: Flow, group: int) -> None:
    story = Story(ground, flow, counts=EFFECTS | {ONLY_AFTER})
    assert story.die_everywhere(start=1 + group, step=GROUPS) > 8
