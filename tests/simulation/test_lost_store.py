"""The store is lost while both systems live on: nothing is born twice, and work goes on where it was."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.simulation.test_death import build, customers_pay, oracle, paid_oracle
from tests.support import builders as b
from tests.support.killing import Fate, Killed
from tests.support.recovering import lose_store, recover_if_refused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.world import World


def rest(world: World) -> int:
    """Births until a pass writes nothing."""
    born = 0
    for _ in range(6):
        report = world.sync()
        born += sum(count.created for count in report.kinds.values())
        if not report.writes:
            return born
    raise AssertionError("no rest after 6 passes")


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=3)], ids=["keys live", "keys pruned"])
@pytest.mark.parametrize("batch_size", [1000, 1])
def test_a_lost_store_is_rebuilt_from_the_marks_and_nothing_is_born(
    tmp_path: Path, later: timedelta, batch_size: int
) -> None:
    world = build(tmp_path)
    rest(world)
    lose_store(world)
    world.clock.advance(later)
    world.open(batch_size=batch_size)
    assert recover_if_refused(world)
    assert rest(world) == 0
    oracle(world)


def test_payments_made_while_the_store_was_lost_are_mirrored_once(tmp_path: Path) -> None:
    world = build(tmp_path)
    rest(world)
    customers_pay(world)
    lose_store(world)
    world.clock.advance(timedelta(days=3))
    assert recover_if_refused(world)
    rest(world)
    paid_oracle(world)


def test_a_cheque_reported_before_is_known_again_and_nothing_is_said_of_it(tmp_path: Path) -> None:
    """What was reported, and for which invoice, both records show: found by simulation (seed 1013)."""
    world = build(tmp_path)
    rest(world)
    customers_pay(world)
    rest(world)
    lose_store(world)
    assert recover_if_refused(world)
    rest(world)
    assert b.parked(world, "offline_payment") == {}
    assert b.findings(world) == {}


def test_payments_mirrored_before_are_not_mirrored_again(tmp_path: Path) -> None:
    world = build(tmp_path)
    rest(world)
    customers_pay(world)
    rest(world)
    lose_store(world)
    world.clock.advance(timedelta(days=3))
    assert recover_if_refused(world)
    rest(world)
    paid_oracle(world)


@pytest.mark.parametrize("share", [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
def test_a_store_lost_with_the_process_days_ago_doubles_nothing(tmp_path: Path, share: float) -> None:
    """The reply of a create was never stored, its key is pruned: only the mark at Stripe tells."""
    alive = build(tmp_path / "alive")
    alive.sync()
    alive.close()
    world = build(tmp_path / "dies")
    world.fate = Fate(int(len(alive.fate.moments) * share))
    with pytest.raises(Killed):
        world.sync()
    lose_store(world)
    world.clock.advance(timedelta(days=3))
    recover_if_refused(world)
    rest(world)
    oracle(world)


def test_payments_mirrored_before_are_not_taken_for_other_peoples(tmp_path: Path) -> None:
    world = build(tmp_path)
    rest(world)
    customers_pay(world)
    rest(world)
    lose_store(world)
    assert recover_if_refused(world)
    rest(world)
    assert world.workspace is not None
    assert [link.reason for link in world.workspace.store.load_links_in(kind="payment", states=["parked"])] == []
