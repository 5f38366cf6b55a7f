"""One baton: the same seed gives the same order, and nobody waits for ever unnoticed."""

from __future__ import annotations

from random import Random

import pytest

from tests.simulation.scheduler import Deadlock, Scheduler, SimulatedWorkers


def _order(seed: int) -> list[str]:
    scheduler = Scheduler(Random(seed))
    steps: list[str] = []

    def work(name: str) -> None:
        for _ in range(5):
            steps.append(name)
            scheduler.pause()

    with SimulatedWorkers(scheduler).pool(size=2, name="work") as pool:
        for name in "abc":
            pool.submit(work, name)
    return steps


def test_the_same_seed_gives_the_same_order() -> None:
    assert _order(7) == _order(7)
    assert len({tuple(_order(seed)) for seed in range(20)}) > 10


def test_no_more_than_the_size_of_the_pool_are_at_work() -> None:
    steps = _order(3)
    assert sorted(steps) == sorted("abc" * 5)
    third = steps.index("c")
    assert steps[:third].count("a") == 5 or steps[:third].count("b") == 5


def test_results_and_errors_come_back() -> None:
    workers = SimulatedWorkers(Scheduler(Random(1)))
    with workers.pool(size=2, name="work") as pool:
        assert list(pool.map(lambda number: number * 2, (1, 2, 3))) == [2, 4, 6]
        failing = pool.submit(lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            failing.result()
        workers.wait([failing], first_exception=True)


def test_what_was_posted_is_got_in_order() -> None:
    workers = SimulatedWorkers(Scheduler(Random(1)))
    mailbox = workers.mailbox()
    with workers.pool(size=1, name="work") as pool:
        pool.submit(lambda: [mailbox.put(number) for number in range(3)])
        assert [mailbox.get() for _ in range(3)] == [0, 1, 2]


def test_waiting_for_what_nobody_will_do_is_a_deadlock() -> None:
    with pytest.raises(Deadlock, match="main"):
        Scheduler(Random(1)).wait_until(lambda: False)
