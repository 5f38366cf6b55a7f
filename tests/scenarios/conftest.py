"""A world of both systems per test, empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Worlds with settings; each in a folder of its own."""
    made: list[World] = []

    def make(**settings: Any) -> World:
        folder = tmp_path / f"world-{len(made)}"
        folder.mkdir()
        made.append(World(folder, **settings))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
