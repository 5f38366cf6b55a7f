"""What an operator does about a database that was lost or restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.core.brake import BrakeName
from connector.core.errors import Braked
from connector.flows.rebuild import rebuild
from tests.support.killing import Fate

if TYPE_CHECKING:
    from connector.flows.rebuild import KindRebuild
    from tests.support.world import World


def lose_store(world: World) -> None:
    world.close()
    for file in world.folder.glob("state.sqlite*"):
        file.unlink()
    world.fate = Fate()


def backup(world: World) -> dict[str, bytes]:
    """The database as it is now; the process ends."""
    world.close()
    return {file.name: file.read_bytes() for file in world.folder.glob("state.sqlite*")}


def restore(world: World, saved: dict[str, bytes]) -> None:
    lose_store(world)
    for name, content in saved.items():
        (world.folder / name).write_bytes(content)


def writes(world: World) -> tuple[int, int]:
    """What both systems took, counted by them."""
    return world.org.counters["writes"], world.account.counters["writes"]


def refused(world: World, **options: object) -> list[str]:
    """The brakes that refuse a pass, which must write nothing."""
    before = writes(world)
    with pytest.raises(Braked) as stopped:
        world.sync(**options)
    assert writes(world) == before
    return [brake.name for brake in stopped.value.brakes]


def recover(world: World) -> dict[str, KindRebuild]:
    """`connector recover`: writes to neither system."""
    before = writes(world)
    workspace = world.workspace or world.open()
    found = rebuild(workspace, by="ann", reason="the database was lost")
    assert writes(world) == before
    return found


def recover_if_refused(world: World) -> bool:
    """A pass, and where it says that the store is not the one that wrote, the operator's answer."""
    try:
        world.sync()
    except Braked:
        assert world.workspace is not None
        assert [brake.name for brake in world.workspace.store.brakes.load_open()] == [BrakeName.STORE_RESTORED]
        recover(world)
        return True
    return False


def resume(world: World, name: str, subject: str = "") -> None:
    """`connector resume`: a person lets through what was shown."""
    workspace = world.workspace or world.open()
    released = workspace.store.brakes.release(name, subject, by="ann", reason="checked", at=workspace.clock.now())
    assert released, f"{name} {subject} was not open"
