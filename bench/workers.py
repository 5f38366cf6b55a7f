"""What a second worker brings: `python -m bench.workers`. Two workers should do 1.8 times the work of one.

A clock and one worker, then a clock and two, each on a fresh PostgreSQL and fresh systems that answer after 50 ms. The
rate is measured between a fifth and four fifths of all invoices, so that neither start nor end is in it. A worker
is held to few requests at once, so that latency binds it and not this machine's processors, which all of them share.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from bench.served import Systems, others, sandbox, settings_of, shared_by_many
from tests.support.postgres import fresh_database, own_cluster

INVOICES, LATENCY_MS, AT_ONCE = 400, 50, 4
PATIENCE_S = 900


def rate(server: str, workers: int) -> float:
    """Invoices per second."""
    with (
        fresh_database(server, f"bench_{workers}") as url,
        sandbox(invoices=INVOICES, latency_ms=LATENCY_MS) as systems,
        tempfile.TemporaryDirectory() as folder,
    ):
        settings = settings_of(systems, Path(folder)) | {
            **shared_by_many(url),
            "CONNECTOR_SHARDS": "8",
            "CONNECTOR_STRIPE__CONCURRENCY": str(AT_ONCE),
            "CONNECTOR_RUN__DRAINS_AT_ONCE": "2",
        }
        with others(("clock", *["worker"] * workers), settings, Path(folder)):
            return measured(systems)


def measured(systems: Systems) -> float:
    asked = "SELECT count() FROM blng__Invoice__c WHERE Stripe_Id__c != null"
    first, deadline = None, time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        done, now = systems.salesforce("GET", "query", params={"q": asked})["totalSize"], time.monotonic()
        if first is None and done >= INVOICES / 5:
            first = (done, now)
        if first is not None and done >= INVOICES * 4 / 5:
            return (done - first[0]) / (now - first[1])
        time.sleep(0.05)
    raise SystemExit(f"not mirrored within {PATIENCE_S} s")


def main() -> None:
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    with own_cluster() as cluster:
        one = rate(cluster.url, 1)
        two = rate(cluster.url, 2)
    print(f"| workers, {LATENCY_MS} ms, {INVOICES} invoices | one, two | {one:.1f}/s, {two:.1f}/s: {two / one:.2f} |")


if __name__ == "__main__":
    main()
