"""A receiver over a real store, and a sender that signs as Stripe does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from connector.store import open_store
from connector.stripe.signature import sign
from connector.web.committing import Committer
from connector.web.intake import Intake
from connector.web.public import WEBHOOKS, public_app
from connector.web.receiver import Receiver
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY
from tests.support.views import PACK

TRACE_ID = "7" * 32
SECRET = "whsec_" + "n" * 32
PREVIOUS = "whsec_" + "p" * 32
VERSION = "2026-10-28.endive"


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    given = {
        "id": f"evt_{number}",
        "object": "event",
        "type": "invoice.paid",
        "created": 1_700_000_000,
        "livemode": IDENTITY.livemode,
        "account": None,
        "api_version": VERSION,
        "data": {"object": {"id": f"in_{number}", "object": "invoice"}},
        "request": {"id": None, "idempotency_key": None},
    }
    return {**given, **changes}


@dataclass
class Bench:
    client: TestClient
    store: Any
    clock: ManualClock
    answers: Counter[str]
    woken: list[int]
    receiver: Receiver
    committer: Committer
    #: the signals that may wait, at most
    most: list[int]

    def send(self, content: Any, *, secret: str = SECRET, header: str | None = None, skew_s: int = 0):
        body = content if isinstance(content, bytes) else orjson.dumps(content)
        at = int(self.clock.now().timestamp()) + skew_s
        signature = sign(body, secret=secret, at=at) if header is None else header
        headers = {"Stripe-Signature": signature} if signature else {}
        return self.client.post(WEBHOOKS, content=body, headers=headers)


@pytest.fixture
def bench(tmp_path):
    clock = ManualClock()
    store = open_store(f"sqlite:///{tmp_path}/state.sqlite", clock=clock, busy_timeout_s=1)
    answers, woken = Counter(), []
    most = [1000]
    committer = Committer(
        Intake(store, shard_of=lambda _signal: 0, clock=clock, new_trace_id=lambda: "7" * 32),
        capacity=50,
        is_full=lambda: store.events.backlog()[0] > most[0],
        wake=lambda: woken.append(store.events.backlog()[0]),
    )
    receiver = Receiver(
        identity=IDENTITY,
        api_version=VERSION,
        secrets=(SECRET, PREVIOUS),
        pack=PACK,
        clock=clock,
        committer=committer,
        counted=lambda answer: answers.update([answer]),
    )
    committer.start()
    with TestClient(public_app(lambda: receiver)) as client:
        yield Bench(client, store, clock, answers, woken, receiver, committer, most)
    committer.stop()
    store.close()
