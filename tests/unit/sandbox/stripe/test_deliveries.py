"""Webhooks come signed, at least once, in any order, and again until they are taken."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import stripe

from connector.sandbox.clock import ManualClock
from connector.sandbox.stripe.account import Account
from connector.sandbox.stripe.deliveries import WAITS_S, Mischief
from connector.sandbox.transport import InProcessAdapter

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
QUIET = Mischief(duplicated=0, held_back=0)


class Endpoint:
    """Answers as told, and notes what it got."""

    def __init__(self, account, clock, *, events=("*",), mischief=QUIET, status=200):
        import requests

        self.clock = clock
        self.status = status
        self.got: list[tuple[str, bytes, str]] = []
        self.session = requests.Session()
        self.session.mount("https://", InProcessAdapter(account))
        self.key = account.api_key
        made = self.api("webhook_endpoints", {"url": "http://127.0.0.1:1/hook", "enabled_events[]": list(events)})
        self.id, self.secret = made["id"], made["secret"]
        self.deliveries = account.deliveries(mischief=mischief, send=self._send)

    def api(self, path, data):
        reply = self.session.post(
            f"https://api.stripe.com/v1/{path}", data=data, headers={"Authorization": f"Bearer {self.key}"}, timeout=5
        )
        reply.raise_for_status()
        return reply.json()

    def _send(self, url, body, headers):
        self.got.append((url, body, headers["Stripe-Signature"]))
        return self.status

    def run(self, seconds=0):
        self.clock.advance(timedelta(seconds=seconds))
        self.deliveries.collect()
        return [self.deliveries.attempt(each) for each in self.deliveries.take_due()]

    def ids(self):
        return [orjson.loads(body)["id"] for _, body, _ in self.got]


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
def account(clock):
    return Account(clock=clock, seed=1, rate_per_second=None, endpoint_rate_per_second=None)


def test_what_happens_is_delivered_signed_with_the_endpoints_secret(account, clock):
    endpoint = Endpoint(account, clock)
    customer = endpoint.api("customers", {"name": "Acme"})
    assert endpoint.run() == [200]
    [(url, body, header)] = endpoint.got
    event = stripe.Webhook.construct_event(body, header, endpoint.secret, tolerance=10**9)
    assert (url, event.type, event.data.object.id) == ("http://127.0.0.1:1/hook", "customer.created", customer["id"])
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, "whsec_other", tolerance=10**9)
    assert endpoint.run(3600) == []


def test_only_the_events_asked_for_come(account, clock):
    endpoint = Endpoint(account, clock, events=("product.created",))
    endpoint.api("customers", {"name": "Acme"})
    endpoint.api("products", {"name": "Seat"})
    endpoint.run()
    assert [orjson.loads(body)["type"] for _, body, _ in endpoint.got] == ["product.created"]


@pytest.mark.parametrize("answer", [None, 400, 500, 302])
def test_what_was_not_taken_comes_again_with_growing_waits_and_then_no_more(account, clock, answer):
    endpoint = Endpoint(account, clock, status=answer)
    endpoint.api("customers", {"name": "Acme"})
    endpoint.run()
    for number, wait_s in enumerate(WAITS_S, 1):
        assert endpoint.run(wait_s - 1) == []
        assert len(endpoint.got) == number
        assert endpoint.run(1) == [answer]
    assert endpoint.run(10**6) == []
    assert len(set(endpoint.ids())) == 1


def test_a_disabled_or_deleted_endpoint_gets_nothing_more(account, clock):
    endpoint = Endpoint(account, clock, status=500)
    endpoint.api("customers", {"name": "Acme"})
    endpoint.run()
    endpoint.api(f"webhook_endpoints/{endpoint.id}", {"disabled": "true"})
    endpoint.run(10)
    assert len(endpoint.got) == 1


def test_with_mischief_some_come_twice_and_the_order_is_lost_but_none(account, clock):
    endpoint = Endpoint(account, clock, mischief=Mischief(duplicated=0.2, held_back=0.5))
    for number in range(60):
        endpoint.api("customers", {"name": f"Acme {number}"})
        endpoint.run(1)
    endpoint.run(10)
    times = Counter(endpoint.ids())
    assert len(times) == 60
    assert max(times.values()) == 2
    names = [orjson.loads(body)["data"]["object"]["name"] for _, body, _ in endpoint.got]
    assert list(dict.fromkeys(names)) != [f"Acme {number}" for number in range(60)]


def test_what_happened_before_it_began_is_not_delivered(account, clock):
    first = Endpoint(account, clock)
    first.api("customers", {"name": "Acme"})
    assert account.deliveries(mischief=QUIET, send=first._send).collect() == 0
