"""`make sim`: many seeds on all cores, a share of them on PostgreSQL, or one seed with its story cut down to what
matters. Which database a seed is played on depends on the seed alone.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.on_postgres import ground, play_on
from tests.simulation.play import Result, play
from tests.simulation.shrink import shrunk
from tests.simulation.sometimes import SOMETIMES, never_seen
from tests.simulation.story import Story, story_of
from tests.support.postgres import NoPostgresError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: from so many seeds on, everything that must sometimes happen must have happened
ENOUGH_SEEDS = 200
#: traces of failures printed in full
TOLD = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker process hands back: the trace only where it is worth its size."""

    seed: int
    violation: str | None
    digest: str
    seen: Counter[str]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where seeds are played: every `share`-th on PostgreSQL, none if it is 0."""

    share: int
    #: server and template, where there is a share
    postgres: tuple[str, str] | None

    def is_on_postgres(self, seed: int) -> bool:
        return bool(self.share) and seed % self.share == 0

    def play(self, story: Story) -> Result:
        if not self.is_on_postgres(story.seed):
            return play(story)
        assert self.postgres is not None
        return play_on(*self.postgres, story)

    def outcome_of(self, seed: int) -> Outcome:
        result = self.play(story_of(seed))
        return Outcome(seed, result.violation, result.digest, result.seen)

    def shrunk(self, seed: int) -> Result:
        story = story_of(seed)
        return shrunk(story, self.play(story), play=self.play)


@contextlib.contextmanager
def stage_of(seeds: range, *, share: int) -> Iterator[Stage]:
    """Raises NoPostgresError."""
    with contextlib.ExitStack() as opened:
        needed = any(Stage(share, None).is_on_postgres(seed) for seed in seeds)
        yield Stage(share, opened.enter_context(ground()) if needed else None)


def run_many(stage: Stage, seeds: range, *, workers: int) -> Iterator[Outcome]:
    with ProcessPoolExecutor(max_workers=workers) as pool:
        for done in as_completed([pool.submit(partial(stage.outcome_of, seed)) for seed in seeds]):
            yield done.result()


def revision() -> str:
    try:
        found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"


def tell(result: Result, stage: Stage) -> None:
    """The failure as somebody reads it who has to repair it."""
    place = "PostgreSQL" if stage.is_on_postgres(result.seed) else "SQLite"
    print(f"\nseed={result.seed} revision={revision()} trace={result.digest} database={place}")
    print(f"violation: {result.violation}")
    print("\n".join(result.trace))
    print(f"replay: make sim SEED={result.seed}")


def replay(seed: int, stage: Stage) -> int:
    result = stage.play(story_of(seed))
    if result.violation is None:
        print(f"seed={seed} revision={revision()} trace={result.digest}: no violation")
        return 0
    tell(stage.shrunk(seed), stage)
    return 1


def play_all(seeds: range, stage: Stage, *, workers: int) -> int:
    started_s = time.monotonic()
    seen: Counter[str] = Counter()
    broken: list[Outcome] = []
    for number, outcome in enumerate(run_many(stage, seeds, workers=workers), 1):
        seen += outcome.seen
        if outcome.violation is not None:
            broken.append(outcome)
            print(f"seed={outcome.seed}: {outcome.violation}", flush=True)
        if number % 500 == 0:
            print(f"{number} of {len(seeds)} runs, {len(broken)} with a violation", flush=True)
    print(f"\nrevision={revision()}, {len(seeds)} seeds from {seeds.start}, {time.monotonic() - started_s:.0f} s")
    for name in sorted(SOMETIMES):
        print(f"  {seen[name]:7} {name}")
    missing = never_seen(seen) if len(seeds) >= ENOUGH_SEEDS else []
    for name in missing:
        print(f"never seen: {name}")
    for outcome in sorted(broken, key=lambda each: each.seed)[:TOLD]:
        tell(stage.shrunk(outcome.seed), stage)
    if broken or missing:
        print(f"{len(broken)} violations in {len(seeds)} seeded runs, {len(missing)} things never seen")
        return 1
    on_postgres = sum(stage.is_on_postgres(seed) for seed in seeds)
    print(f"no violation in {len(seeds)} seeded runs, {on_postgres} of them on PostgreSQL")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=ENOUGH_SEEDS, help="how many")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="replay this one and cut its story down")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--postgres-share", type=int, default=20, help="every so many-th seed on PostgreSQL; 0: none")
    given = parser.parse_args()
    seeds = range(given.start, given.start + given.seeds) if given.seed is None else range(given.seed, given.seed + 1)
    try:
        with stage_of(seeds, share=given.postgres_share) as stage:
            return (
                replay(given.seed, stage) if given.seed is not None else play_all(seeds, stage, workers=given.workers)
            )
    except NoPostgresError as error:
        print(f"{error}; --postgres-share 0 does without")
        return 1


if __name__ == "__main__":
    sys.exit(main())
