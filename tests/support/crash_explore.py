"""Deaths outside the tests: all core flows, as many moments as wanted, on either database; prints how many there were.

`make crash` explores every moment twice, away for a minute and for days, `make crash-long` every pair
of moments, with PostgreSQL too, and every sync of the disk.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.crash import Ground
from tests.support.crash_bugs import DAYS_LATER, SOON
from tests.support.crash_flows import CORE
from tests.support.crash_search import Story
from tests.support.crash_strace import MachineClock, sync_traced, why_not
from tests.support.databases import Postgres, Sqlite, migrated
from tests.support.postgres import NoPostgresError, own_cluster, running_server
from tests.support.postgres_proxy import At
from tests.support.proxied import grounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.crash_flows import Flow
    from tests.support.databases import Database


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill real processes at every side effect of the core flows.")
    parser.add_argument("--pairs", action="store_true", help="kill the process that goes on as well, at every moment")
    parser.add_argument("--postgres", action="store_true", help="keep the store in PostgreSQL instead of SQLite")
    parser.add_argument("--disk", action="store_true", help="instead: fail every sync of a first pass, under strace")
    parser.add_argument("--commits", action="store_true", help="instead: lose the answer to every COMMIT to PostgreSQL")
    parser.add_argument("--flow", action="append", choices=[flow.name for flow in CORE], help="only this flow")
    options = parser.parse_args()
    with contextlib.ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="crash")))
        if options.commits:
            return _lose_every_answer(folder)
        try:
            database = opened.enter_context(_database(folder, postgres=options.postgres))
        except NoPostgresError as error:
            _say(str(error))
            return 1
        ground = Ground(folder, database, clock=MachineClock() if options.disk else None)
        opened.callback(ground.close)
        if options.disk:
            return _fail_every_sync(ground)
        flows = [flow for flow in CORE if not options.flow or flow.name in options.flow]
        return _explore(ground, flows, pairs=options.pairs, place="PostgreSQL" if options.postgres else "SQLite")


def _explore(ground: Ground, flows: Sequence[Flow], *, pairs: bool, place: str) -> int:
    total, failed = 0, 0
    for flow in flows:
        try:
            deaths = Story(ground, flow).die_everywhere(downtimes=(SOON, DAYS_LATER), pairs=pairs)
        except AssertionError as error:
            failed += 1
            _say(f"VIOLATION {error}")
            continue
        total += deaths
        _say(f"{flow.name}: {deaths} deaths of a real process, no violation")
    _say(f"{total} deaths in all on {place}, {failed} flows with a violation")
    return 1 if failed else 0


def _fail_every_sync(ground: Ground) -> int:
    """Each n with a death there, and with a disk that fails or is full from there on."""
    if reason := why_not():
        _say(reason)
        return 0
    [flow] = [flow for flow in CORE if flow.name == "first sync"]
    story = Story(ground, flow)
    story.put_back()
    syncs, failed = len(sync_traced(ground).synced), 0
    for fault in ("signal=SIGKILL:when={}", "error=EIO:when={}+", "error=ENOSPC:when={}+"):
        for number in range(1, syncs + 1):
            story.put_back()
            sync_traced(ground, fault=fault.format(number))
            try:
                story.go_on(fault.format(number))
            except AssertionError as error:
                failed += 1
                _say(f"VIOLATION {error}")
    _say(f"{3 * syncs} faults of the disk under strace, {failed} with a violation")
    return 1 if failed else 0


def _lose_every_answer(folder: Path) -> int:
    failed = 0
    with (
        own_cluster() as cluster,
        migrated(cluster.url, "empty") as template,
        grounded(folder, cluster, template) as ground,
    ):
        told = ground.tell()
        numbers = range(1, len(told.commits) + 1)
        for happens, number in itertools.product((At.STORED, At.LOST), numbers):
            try:
                ground.go_through(told, happens, number)
            except AssertionError as error:
                failed += 1
                _say(f"VIOLATION {error}")
    _say(f"{2 * len(numbers)} COMMITs without an answer, {failed} with a violation")
    return 1 if failed else 0


@contextlib.contextmanager
def _database(folder: Path, *, postgres: bool) -> Iterator[Database]:
    if not postgres:
        yield Sqlite(folder)
        return
    with running_server() as url:
        yield Postgres(url, "crash")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
