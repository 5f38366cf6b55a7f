"""Webhooks are delivered as Stripe does: signed, at least once, in no order, and again when they were not taken.

platform.md C3 says: retried with growing waits up to 3 days (live) or 3 times over a few hours (sandbox), no
order, duplicates happen, a disabled endpoint gets nothing. The waits here are shorter, so that somebody who
watches sees them. What was not delivered when the process ends is never delivered: the events list has it.
"""

from __future__ import annotations

import hashlib
import heapq
import hmac
import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson
import requests

from connector.sandbox.stripe.events import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.sandbox.clock import Clock
    from connector.sandbox.stripe.engine import Engine

#: seconds between the attempts of one delivery
WAITS_S: Final = (2, 10, 60, 300, 1800, 3600, 10_800)
TIMEOUT_S: Final = 10
_STEP_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Mischief:
    """How far deliveries are from one each, in order. Shares are 0 to 1."""

    duplicated: float = 0.05
    held_back: float = 0.2
    held_back_s: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    event_id: str
    endpoint_id: str
    attempt: int = 0


class Deliveries:
    """`lock` is the account's own; nothing is sent while it is held. `send` gives what an endpoint answered: a
    status, or None for no answer.
    """

    def __init__(
        self,
        engine: Engine,
        lock: threading.RLock,
        *,
        clock: Clock,
        seed: int,
        mischief: Mischief | None = None,
        send: Callable[[str, bytes, Mapping[str, str]], int | None] | None = None,
    ) -> None:
        self._engine = engine
        self._lock = lock
        self._clock = clock
        self._random = random.Random(f"deliveries {seed}")  # noqa: S311 -- mischief, not secrets
        self._mischief = mischief or Mischief()
        self._send = send or _post
        self._order = itertools.count()
        self._turn = threading.Lock()
        self._due: list[tuple[float, int, Delivery]] = []
        with lock:
            _, self._seen = engine.collections["event"].newer_than(0)
        #: endpoint and event -> how its attempts ended, for who wants to know
        self.answers: dict[tuple[str, str], list[int | None]] = {}

    def collect(self) -> int:
        """Takes up what happened since the last time; the number of deliveries it makes."""
        with self._lock:
            events, self._seen = self._engine.collections["event"].newer_than(self._seen)
            endpoints = [
                item
                for _, item in self._engine.collections["webhook_endpoint"].in_order()
                if item["status"] == "enabled"
            ]
            wanted = [
                Delivery(event_id=event["id"], endpoint_id=endpoint["id"])
                for event in events
                for endpoint in endpoints
                if {"*", event["type"]} & set(endpoint["enabled_events"])
            ]
        for delivery in wanted:
            self._plan(delivery, self._wait_before_first())
            if self._random.random() < self._mischief.duplicated:
                self._plan(delivery, self._wait_before_first())
        return len(wanted)

    def take_due(self) -> list[Delivery]:
        now = self._clock.now().timestamp()
        due = []
        with self._turn:
            while self._due and self._due[0][0] <= now:
                due.append(heapq.heappop(self._due)[2])
        return due

    def attempt(self, delivery: Delivery) -> int | None:
        """Sends it once; plans the next attempt when it was not taken."""
        with self._lock:
            endpoint = self._engine.collections["webhook_endpoint"].get(delivery.endpoint_id)
            event = self._engine.collections["event"].get(delivery.event_id)
            if endpoint is None or event is None or endpoint["status"] != "enabled":
                return None
            content = {**whole(self._engine, event), "pending_webhooks": 1}
            if endpoint["api_version"]:
                content["api_version"] = endpoint["api_version"]
            secret = self._engine.hidden[endpoint["id"]]["secret"]
        body = orjson.dumps(content)
        at = int(self._clock.now().timestamp())
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature(body, secret, at)}
        status = self._send(endpoint["url"], body, headers)
        with self._turn:
            self.answers.setdefault((delivery.endpoint_id, delivery.event_id), []).append(status)
        if (status is None or not 200 <= status < 300) and delivery.attempt < len(WAITS_S):
            self._plan(replace(delivery, attempt=delivery.attempt + 1), WAITS_S[delivery.attempt])
        return status

    def _wait_before_first(self) -> float:
        held_back = self._random.random() < self._mischief.held_back
        return self._random.random() * self._mischief.held_back_s if held_back else 0.0

    def _plan(self, delivery: Delivery, wait_s: float) -> None:
        due_at = self._clock.now().timestamp() + wait_s
        with self._turn:
            heapq.heappush(self._due, (due_at, next(self._order), delivery))


class Courier:
    """Delivers on threads of its own while the account is served."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="webhooks")
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while not self._stopped.wait(_STEP_S):
            self._deliveries.collect()
            for delivery in self._deliveries.take_due():
                self._pool.submit(self._deliveries.attempt, delivery)


def signature(body: bytes, secret: str, at: int) -> str:
    signed = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def _post(url: str, body: bytes, headers: Mapping[str, Any]) -> int | None:
    try:
        return requests.post(
            url, data=body, headers=dict(headers), timeout=TIMEOUT_S, allow_redirects=False
        ).status_code
    except requests.RequestException:
        return None
