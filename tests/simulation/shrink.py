"""A failing story cut down: steps and what goes wrong in them are left out while it still fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.simulation.play import play as play_in_a_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.simulation.play import Result
    from tests.simulation.story import Step, Story

#: plays spent on one failure
TRIES = 150


def shrunk(story: Story, result: Result, *, play: Callable[[Story], Result] = play_in_a_file) -> Result:
    """The smallest failing result found: the same invariant is broken."""
    broken = _invariant(result)
    tries = 0
    smaller = True
    while smaller and tries < TRIES:
        smaller = False
        for candidate in _smaller(story):
            tries += 1
            found = play(candidate)
            if found.violation is not None and _invariant(found) == broken:
                story, result, smaller = candidate, found, True
                break
            if tries >= TRIES:
                break
    return result


def _invariant(result: Result) -> str:
    return str(result.violation).split(" ", 1)[0]


def _smaller(story: Story) -> Iterator[Story]:
    """Many steps left out at once first, then one by one, then parts of steps."""
    steps = story.steps
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield replace(story, steps=steps[:start] + steps[start + size :])
        size //= 2
    for place, step in enumerate(steps):
        for options in _simpler(step):
            yield replace(story, steps=(*steps[:place], replace(step, options=options), *steps[place + 1 :]))


def _simpler(step: Step) -> Iterator[dict[str, Any]]:
    if step.kind != "pass":
        return
    for name, value in step.options.items():
        rest = {other: kept for other, kept in step.options.items() if other != name}
        yield rest
        if isinstance(value, list) and len(value) > 1:
            yield from ({**rest, name: value[:place] + value[place + 1 :]} for place in range(len(value)))
