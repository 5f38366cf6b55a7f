"""Each rule of the order of stores and calls broken in turn: the search must find the death that shows it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.support.crash_bugs import PLANTED
from tests.support.crash_flows import CORE
from tests.support.crash_search import Story

if TYPE_CHECKING:
    from tests.support.crash import Ground
    from tests.support.crash_bugs import Planted

FLOWS = {flow.name: flow for flow in CORE}
#: those of other stories are looked for where these are told
NAMES = [name for name, bug in PLANTED.items() if bug.flow in FLOWS]


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_bug_is_found(ground: Ground, name: str) -> None:
    bug = PLANTED[name]
    story = Story(ground, FLOWS[bug.flow], bugs=[name])
    with pytest.raises(AssertionError, match=bug.seen):
        _die_wherever_it_is_called_so(story, bug)


def _die_wherever_it_is_called_so(story: Story, bug: Planted) -> None:
    for number in count(1):
        if not story.die(f"{bug.moment} #{number}", down_for=bug.down_for):
            return


@pytest.mark.parametrize("name", NAMES)
def test_without_a_death_nobody_would_notice_it(ground: Ground, name: str) -> None:
    story = Story(ground, FLOWS[PLANTED[name].flow], bugs=[name])
    beyond = 10 * len(story.moments)
    assert not story.die(beyond, down_for=PLANTED[name].down_for)
