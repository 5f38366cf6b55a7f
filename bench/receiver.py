"""Signed events that are accepted while the records they name are looked at: `python -m bench.service receiver`.

sqlite       the whole service in one process
postgresql   the same, its state in a PostgreSQL
web          a process that only hears webhooks; a clock and a worker beside it, on the other processor

What hears is held to processor 0, whatever else it does there; the load and both systems are left the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import threading
import time
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from bench.served import Service, Systems, on_psycopg, others, sandbox, service, settings_of, share, shared_by_many
from tests.support.postgres import fresh_database, own_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONNECTIONS = 16
KINDS = ("sqlite", "postgresql", "web")


def signed(secret: str, body: bytes) -> dict[str, str]:
    at = str(int(time.time()))
    digest = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={digest}", "Content-Type": "application/json"}


class Load:
    """Every event is another one, about one of the customers there are, from so many connections at once."""

    def __init__(self, systems: Systems, address: str, secret: str) -> None:
        known = systems.stripe("GET", "/v1/events", params={"limit": 100, "type": "customer.created"})["data"]
        self._address, self._secret = address, secret
        self._template, self._mark = json.dumps(known[0]).encode(), known[0]["id"].encode()
        self._customers = [event["data"]["object"]["id"].encode() for event in known]
        self._turn, self._number = threading.Lock(), 0
        self.took_s: list[float] = []
        self.refused = 0

    def run(self, seconds: int) -> None:
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=self._send, args=(until,)) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _send(self, until: float) -> None:
        # the load must not cost more than what it loads
        http = HTTPConnection(self._address, timeout=60)
        while time.monotonic() < until:
            body = self._event()
            began = time.perf_counter()
            http.request("POST", "/webhooks/stripe", body, signed(self._secret, body))
            answer = http.getresponse()
            answer.read()
            with self._turn:
                self.took_s.append(time.perf_counter() - began)
                self.refused += answer.status != HTTPStatus.OK

    def _event(self) -> bytes:
        with self._turn:
            self._number += 1
            number = self._number
        customer = self._customers[number % len(self._customers)]
        return self._template.replace(self._mark, b"evt_bench%09d" % number).replace(self._customers[0], customer)


@contextlib.contextmanager
def hearing(systems: Systems, folder: Path, kind: str) -> Iterator[tuple[Service, str]]:
    with contextlib.ExitStack() as around:
        settings: dict[str, str] = {}
        if kind != "sqlite":
            url = around.enter_context(fresh_database(around.enter_context(own_cluster()).url, "bench_receiver"))
            settings = shared_by_many(url) if kind == "web" else {"CONNECTOR_DATABASE__URL": on_psycopg(url)}
        if kind == "web":
            around.enter_context(others(("clock", "worker"), settings_of(systems, folder) | settings, folder, core=1))
        role = "web" if kind == "web" else "all"
        yield around.enter_context(service(systems, folder, core=0, role=role, settings=settings))


def receiver(folder: Path, *, seconds: int, kind: str) -> None:
    with sandbox(invoices=200, latency_ms=0) as systems, hearing(systems, folder, kind) as (running, secret):
        load = Load(systems, running.webhooks, secret)
        drained, used_s = running.metrics().get("connector_drain_seconds_count", 0), running.cpu_s()
        load.run(seconds)
        used_s, drains = (
            running.cpu_s() - used_s,
            running.metrics().get("connector_drain_seconds_count", 0) - drained,
        )
        ended = time.monotonic()
        running.until(running.is_idle)
        behind_s = time.monotonic() - ended
    accepted = len(load.took_s) - load.refused
    meanwhile = "drains in another process" if kind == "web" else f"{drains:.0f} drains meanwhile"
    print(
        f"| receiver, {kind}, {CONNECTIONS} connections, {seconds} s, {meanwhile} | accepted | {accepted / seconds:.0f}/s,"
        f" p99 {1000 * share(load.took_s, 0.99):.0f} ms, {load.refused} refused; {100 * used_s / seconds:.0f} % of the"
        f" processor; all looked at {behind_s:.1f} s after the last |",
        flush=True,
    )
