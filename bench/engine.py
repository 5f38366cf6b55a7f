"""What the engine costs a job: `python -m bench.engine`. A job should not cost 20 ms more than calling its function.

Jobs are put as the program puts them, each in a transaction of its own, into a PostgreSQL this starts, and carried to
a function that does nothing. Waiting: an idle engine is given one job, and the time from the beginning of the put
until the function begins is taken. Throughput: many jobs of different locks wait before the engine begins to work; the
time from the first of its functions to the last, for each job. The floor of the waiting is a bare notification:
`NOTIFY` on one connection until another one that listens has it.
"""

from __future__ import annotations

import contextlib
import queue
import statistics
import threading
import time

import psycopg
from sqlalchemy import make_url

from connector.ports.dispatch import QueuedJob
from connector.runtime.clock import SystemClock
from connector.runtime.dispatch.engine import Engine, Lane
from connector.store import open_store
from tests.support.postgres import fresh_database, own_cluster

SINGLE, MANY, ROUNDS = 60, 300, 3
#: these find connections that are not made yet
FIRST = 5
PATIENCE_S = 120
LEASE_S = 30


def job(number: int) -> QueuedJob:
    return QueuedJob(task="drain", lock=f"shard:{number}", arguments={"shard": number})


@contextlib.contextmanager
def engine(url: str, do, *, at_once: int):
    made = Engine(
        url,
        [Lane(task="drain", do=do, at_once=at_once)],
        connect_arguments={},
        lease_s=LEASE_S,
        is_held=lambda _name: True,
        told=lambda event, **facts: print(event, facts, flush=True),
    )
    made.start()
    try:
        yield
    finally:
        made.stop()


def percentiles_ms(taken_s: list[float]) -> tuple[float, float]:
    return statistics.median(taken_s) * 1000, statistics.quantiles(taken_s, n=20)[-1] * 1000


def until_gone(store) -> None:
    """The engine takes a job out after its function ended; the next one is to find it idle."""
    while store.queue.depth():
        time.sleep(0.002)


class Notifications:
    """The floor: what the server and this machine's scheduler cost, whatever the engine does."""

    def __init__(self, stack: contextlib.ExitStack, url: str) -> None:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._listener = stack.enter_context(psycopg.connect(plain, autocommit=True))
        self._teller = stack.enter_context(psycopg.connect(plain, autocommit=True))
        self._listener.execute("LISTEN bench")
        self._heard: queue.SimpleQueue[float] = queue.SimpleQueue()
        thread = threading.Thread(target=self._listen)
        thread.start()
        stack.callback(thread.join)

    def taken_s(self) -> float:
        told = time.perf_counter()
        self._teller.execute("NOTIFY bench")
        return self._heard.get(timeout=PATIENCE_S) - told

    def _listen(self) -> None:
        for _ in self._listener.notifies(stop_after=SINGLE + FIRST):
            self._heard.put(time.perf_counter())


def waiting(store, url: str) -> tuple[list[float], list[float]]:
    """Seconds until each job's function begins, and of a notification just before each."""
    begun: queue.SimpleQueue[float] = queue.SimpleQueue()
    jobs, floor = [], []
    with contextlib.ExitStack() as stack:
        notifications = Notifications(stack, url)
        stack.enter_context(engine(url, lambda **_arguments: begun.put(time.perf_counter()), at_once=4))
        for number in range(SINGLE + FIRST):
            floor.append(notifications.taken_s())
            put = time.perf_counter()
            store.queue.put(job(number))
            jobs.append(begun.get(timeout=PATIENCE_S) - put)
            until_gone(store)
    return jobs[FIRST:], floor[FIRST:]


def throughput_s(store, url: str, at_once: int) -> tuple[float, float]:
    """Seconds of wall and of processor for each job."""
    for number in range(MANY):
        store.queue.put(job(number))
    moments: queue.SimpleQueue[tuple[float, float]] = queue.SimpleQueue()
    with engine(url, lambda **_arguments: moments.put((time.perf_counter(), time.process_time())), at_once=at_once):
        begun = moments.get(timeout=PATIENCE_S)
        for _ in range(MANY - 1):
            ended = moments.get(timeout=PATIENCE_S)
        until_gone(store)
    return (ended[0] - begun[0]) / (MANY - 1), (ended[1] - begun[1]) / (MANY - 1)


def main() -> None:
    with own_cluster() as cluster, fresh_database(cluster.url, "engine") as fresh:
        url = fresh.replace("postgresql://", "postgresql+psycopg://", 1)
        store = open_store(url, clock=SystemClock())
        store.queue.open()
        print("| what | ms: median, p95 | floor: median, p95 |\n|---|---|---|", flush=True)
        for turn in range(1, ROUNDS + 1):
            jobs, floor = (percentiles_ms(taken) for taken in waiting(store, url))
            print(
                f"| a job put until its function begins, run {turn} | {jobs[0]:.1f}, {jobs[1]:.1f} |"
                f" {floor[0]:.1f}, {floor[1]:.1f} |",
                flush=True,
            )
            for at_once in (1, 4):
                wall, cpu = throughput_s(store, url, at_once)
                told = f"{wall * 1000:.1f} a job, {cpu * 1000:.1f} of them processor"
                print(
                    f"| {MANY} jobs that wait, {at_once} at once, run {turn} | {told} | calling the function: 0.0 |",
                    flush=True,
                )
        store.close()


if __name__ == "__main__":
    main()
