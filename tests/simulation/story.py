"""What happens in a run, written down before it happens: steps that can be left out one by one.

A step carries a seed of its own, so leaving one out changes nothing about how the others choose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.simulation import faults
from tests.simulation.people import ACTIONS, COMMON

#: how long nobody runs the program: mostly moments, sometimes beyond what Stripe remembers of a key
PAUSES_S: Final = (1, 1, 30, 90, 3_600, 6 * 3_600, 19 * 3_600, 23 * 3_600, 25 * 3_600, 72 * 3_600)
SKEWS_S: Final = (0, 0, -600, 600, 3_600, -86_400, 86_400)
#: a pass of a small world has a few hundred moments at which its process can die
KILL_WITHIN: Final = (30, 120, 400)


@dataclass(frozen=True, slots=True)
class Step:
    kind: str
    seed: int
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.options.items() if value)
        return f"{self.kind} {told}".rstrip()


@dataclass(frozen=True, slots=True)
class Story:
    seed: int
    world: dict[str, Any]
    steps: tuple[Step, ...]


def story_of(seed: int) -> Story:
    chance = Random(seed)
    world = {
        "rollups_move": chance.random() < 0.5,
        "batch_size": chance.choice((1000, 1000, 4)),
        "chunk": chance.choice((200, 200, 2)),
    }
    steps: list[Step] = []

    def add(kind: str, **options: Any) -> None:
        steps.append(Step(kind, chance.randrange(2**32), options))

    for action in ("new account", "new account", "new product", "new invoice", "new invoice"):
        add("people", action=action)
    for _ in range(chance.randint(3, 6)):
        for _ in range(chance.randint(1, 4)):
            add("people", action=_action(chance))
        if chance.random() < 0.6:
            add("time", seconds=chance.choice(PAUSES_S))
        _calamity(chance, add)
        if chance.random() < 0.8:
            # what is younger than the margin is left to a later poll
            add("time", seconds=10)
        add("pass", **_pass(chance))
    _interrupted_birth(Random(f"birth {seed}"), add)
    _lost_marks(Random(f"marks {seed}"), add)
    return Story(seed=seed, world=world, steps=tuple(steps))


def _interrupted_birth(chance: Random, add: Any) -> None:
    """Of every other story the end: a death somewhere in the steps of an invoice, which is then withdrawn."""
    if chance.random() < 0.5:
        return
    add("people", action="new invoice")
    add("time", seconds=10)
    add("pass", kill_at=chance.randint(25, 90))
    for _ in range(3):
        add("people", action="withdraw")
    add("time", seconds=10)


def _lost_marks(chance: Random, add: Any) -> None:
    """Of every third story the end: somebody tidies up our metadata, and what follows may go wrong."""
    if chance.random() < 2 / 3:
        return
    for _ in range(chance.randint(1, 3)):
        add("people", action="take off mark")
    add("time", seconds=10)
    if chance.random() < 0.3:
        add("pass", **_pass(chance))
    if chance.random() < 0.3:
        add("lose store")


def _action(chance: Random) -> str:
    return chance.choice(COMMON) if chance.random() < 0.55 else chance.choice(tuple(ACTIONS))


def _calamity(chance: Random, add: Any) -> None:
    fate = chance.random()
    if fate < 0.1:
        add("skew", seconds=chance.choice(SKEWS_S))
    elif fate < 0.25:
        add("back up")
    elif fate < 0.32:
        add("restore")
    elif fate < 0.36:
        add("lose store")


def _pass(chance: Random) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if chance.random() < 0.75:
        options["faults"] = [
            [chance.randint(1, chance.choice((8, 30, 60))), chance.choice(faults.ALL)]
            for _ in range(chance.randint(1, 4))
        ]
    if chance.random() < 0.35:
        options["kill_at"] = chance.randint(1, chance.choice(KILL_WITHIN))
    if chance.random() < 0.3:
        options["during"] = [_action(chance) for _ in range(chance.randint(1, 2))]
    if chance.random() < 0.2:
        options["second"] = True
        if chance.random() < 0.3:
            options["second_kill_at"] = chance.randint(1, chance.choice(KILL_WITHIN))
    if chance.random() < 0.25:
        options["signals"] = {"lost": 0.05, "late": 0.15, "doubled": 0.3}
    return options
