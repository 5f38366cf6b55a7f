"""What our store costs over its driver: `python -m bench.store`.

A batch is what a drain does with 200 pairs: one transaction that stores 200 intents with their links, one that
settles them with their audit rows. The floor sends the very same statements with the same values, in the same
transactions, by the bare driver, to a copy of the same database. Measured are the store's two calls, with the rows,
JSON and hashes they make; the links and settlements handed to them are made outside, as a drain has them already.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

import psycopg
from sqlalchemy import event, make_url

from connector.runtime.clock import SystemClock
from connector.runtime.garbage import search_less_often
from connector.store import open_store
from tests.support.memory import IDENTITY, applied, link_of, operation_on, raised, salesforce
from tests.support.postgres import fresh_database, own_cluster

BATCH, BATCHES, ROUNDS = 200, 20, 12


def batches(store, prefix: str) -> tuple[float, float]:
    """Seconds of wall and of processor in the store's calls."""
    spent = []
    for batch in range(BATCHES):
        links = [raised(link_of(salesforce("invoice", f"{prefix}{batch}-{n}"))) for n in range(BATCH)]
        intents = [operation_on(link) for link in links]
        stored = []
        spent.append(timed(lambda: stored.extend(store.begin(links, intents))))  # noqa: B023 - called at once
        ended = [applied(operation, link, f"in_{operation.id}") for operation, link in zip(stored, links, strict=True)]
        spent.append(timed(store.settle, ended))
    return sum(wall for wall, _ in spent), sum(cpu for _, cpu in spent)


def opened(url: str):
    store = open_store(url, clock=SystemClock())
    store.pin_identity(IDENTITY)
    return store


def recorded(url: str) -> list:
    """(statement, values, many) of every batch as sent; None ends a transaction."""
    store, sent = opened(url), []
    engine = store._database.engine  # noqa: SLF001 - the statements are what is measured

    @event.listens_for(engine, "before_cursor_execute")
    def _sent(_connection, _cursor, statement, parameters, _context, many):
        sent.append((statement, parameters, many))

    event.listen(engine, "commit", lambda _connection: sent.append(None))
    batches(store, "x")
    store.close()
    return sent


def replay(connection, begin: str, sent: list) -> None:
    cursor, is_open = connection.cursor(), False
    for entry in sent:
        if entry is None:
            if is_open:
                cursor.execute("COMMIT")
            is_open = False
            continue
        statement, parameters, many = entry
        if statement.startswith("BEGIN"):
            is_open = True
        elif not is_open:
            cursor.execute(begin)
            is_open = True
        # many rows in one statement are told as many, and have one set of values
        if many and isinstance(parameters, list):
            cursor.executemany(statement, parameters)
        else:
            cursor.execute(statement, parameters)
            if cursor.description is not None:
                cursor.fetchall()


def timed(work, *given) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work(*given)
    return time.perf_counter() - wall, time.process_time() - cpu


def report(name: str, mine: list[tuple[float, float]], floor: list[tuple[float, float]]) -> None:
    rows = BATCH * BATCHES
    best, lowest = min(mine), min(floor)
    print(
        f"| state, {name} | {rows / best[0]:.0f} pairs/s, floor {rows / lowest[0]:.0f} | wall {best[0] / lowest[0]:.2f},"
        f" CPU {min(cpu for _, cpu in mine) / min(cpu for _, cpu in floor):.2f} |",
        flush=True,
    )


def sqlite() -> None:
    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder) / "start.db"
        opened(f"sqlite:///{start}").close()

        def copy(name: str) -> Path:
            return Path(shutil.copy(start, start.with_name(name)))

        sent = recorded(f"sqlite:///{copy('recorded.db')}")
        mine, floor = [], []
        for turn in range(ROUNDS):
            store = opened(f"sqlite:///{copy(f'ours{turn}.db')}")
            mine.append(batches(store, "x"))
            store.close()
            connection = sqlite3.connect(copy(f"floor{turn}.db"), isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            floor.append(timed(replay, connection, "BEGIN IMMEDIATE", sent))
            connection.close()
        report("SQLite, synchronous=FULL", mine, floor)


def postgres() -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(own_cluster()).url
        start = stack.enter_context(fresh_database(server, "start"))
        opened(start).close()

        def copy(name: str) -> str:
            return stack.enter_context(fresh_database(server, name, template="start"))

        sent = recorded(copy("recorded"))
        mine, floor = [], []
        for turn in range(ROUNDS):
            store = opened(copy(f"ours{turn}"))
            mine.append(batches(store, "x"))
            store.close()
            plain = make_url(copy(f"floor{turn}")).set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(plain, autocommit=True) as connection:
                floor.append(timed(replay, connection, "BEGIN", sent))
        report("PostgreSQL, fsync as the tests have it", mine, floor)


def main() -> None:
    # as the program's own beginning; the floor runs in the same process
    search_less_often()
    print("| what | | ours over the bare driver |\n|---|---|---|", flush=True)
    sqlite()
    postgres()


if __name__ == "__main__":
    main()
