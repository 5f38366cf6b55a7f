"""Every invariant has a planted bug, and each is caught: a run that cannot fail proves nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.simulation.planted import LATER, PLANTED
from tests.simulation.play import play
from tests.simulation.story import story_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.planted_bug import Planted

ROOT = Path(__file__).resolve().parents[2]
BY_TEST = [planted for planted in PLANTED if planted.test]
BY_SEEDS = [planted for planted in PLANTED if planted.seeds]


def _name(planted: Planted) -> str:
    return planted.invariant


@pytest.fixture(scope="module")
def planting() -> Iterator[subprocess.Popen[str]]:
    """The process that plants: it starts once, and forks for each bug."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.simulation.planting"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.parametrize("planted", BY_TEST, ids=_name)
def test_a_planted_bug_fails_its_test(planting: subprocess.Popen[str], planted: Planted) -> None:
    assert planting.stdin is not None
    assert planting.stdout is not None
    planting.stdin.write(f"{PLANTED.index(planted)}\n")
    planting.stdin.flush()
    code = int(planting.stdout.readline())
    assert code == int(pytest.ExitCode.TESTS_FAILED), f"{planted.bug}: exit code {code} of {planted.test}"


@pytest.mark.parametrize("planted", BY_SEEDS, ids=_name)
def test_a_planted_bug_breaks_a_seeded_run(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.plant(monkeypatch)
    assert any(play(story_of(seed)).violation is not None for seed in planted.seeds), planted.bug


def test_every_invariant_has_one_or_comes_later() -> None:
    numbers = {f"I{number}" for number in range(1, 35)}
    planted = {each.invariant for each in PLANTED if re.fullmatch(r"I\d+", each.invariant)}
    assert planted | LATER.keys() == numbers
    assert not planted & LATER.keys()
