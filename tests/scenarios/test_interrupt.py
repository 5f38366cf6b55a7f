"""Ctrl-C at every place a pass asks: it says where, and the next pass does what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.core.errors import Interrupted
from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


def _stop_at(place: int) -> Callable[[], bool]:
    asked = [0]

    def stop() -> bool:
        asked[0] += 1
        return asked[0] >= place

    return stop


@pytest.mark.parametrize("place", range(1, 16))
def test_whatever_the_place_nothing_is_forgotten_and_it_says_where(world: World, place: int) -> None:
    invoices = [b.invoice(world) for _ in range(2)]
    world.open(stop=_stop_at(place))
    with pytest.raises(Interrupted, match="records looked at"):
        world.sync()
    world.close()
    for _ in range(2):
        world.sync()
    assert [b.the_one(world, "invoices", each)["status"] for each in invoices] == ["open", "open"]
    b.assert_still(world)
