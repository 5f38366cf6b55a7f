"""What is signed, ours and stored is answered 200; everything else is not, and tells a stranger nothing."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from starlette.testclient import TestClient

from connector.core.errors import StoreUnusable
from connector.web.committing import Full
from connector.web.headers import STRICT
from connector.web.public import WEBHOOKS, public_app
from connector.web.receiver import BODY_MAX
from tests.support.memory import IDENTITY, stripe, waiting_keys
from tests.unit.web.conftest import PREVIOUS, TRACE_ID, event


def test_a_good_event_is_stored_with_its_signals_before_the_answer(bench):
    reply = bench.send(event())
    assert (reply.status_code, reply.text) == (200, "stored")
    assert bench.store.events.load("evt_1").type == "invoice.paid"
    assert waiting_keys(bench.store, "invoice") == [stripe("invoice", "in_1")]
    # the shards are woken behind the answer
    bench.committer.stop()
    assert bench.woken == [1]


def test_a_batch_is_one_line_of_the_log_with_the_trace_its_events_are_stored_with(bench):
    with structlog.testing.capture_logs() as lines:
        bench.send(event())
        bench.committer.stop()
    [line] = lines
    assert (line["event"], line["events"], line["new"], line["records"]) == ("webhooks", 1, 1, 1)
    assert line["outcome"] == "done"
    assert bench.store.events.load("evt_1").trace_id == TRACE_ID


def test_it_is_woken_only_when_there_is_something_to_look_at(bench):
    assert bench.send(event(type="payout.paid")).status_code == 200
    assert bench.store.events.load("evt_1").signalled == 0
    bench.committer.stop()
    assert bench.woken == []


def test_the_previous_secret_is_good_while_it_is_rolled(bench):
    assert bench.send(event(), secret=PREVIOUS).status_code == 200


def test_a_thousand_deliveries_of_one_event_have_one_effect(bench):
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: bench.send(event()).status_code, range(40)))
    assert set(replies) == {200}
    assert bench.store.events.load("evt_1").deliveries == 40
    assert waiting_keys(bench.store, "invoice") == [stripe("invoice", "in_1")]


@pytest.mark.parametrize("header", ["", "t=1,v1=00", "nonsense"])
def test_a_bad_signature_gets_400_and_no_reason(bench, header):
    reply = bench.send(event(), header=header)
    assert (reply.status_code, reply.text) == (400, "invalid request")
    assert bench.answers == {"signature": 1}
    assert bench.store.events.load_recent() == []


@pytest.mark.parametrize("skew_s", [-301, 301, 315_360_000])
def test_skew_is_refused_both_ways(bench, skew_s):
    assert bench.send(event(), skew_s=skew_s).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b'{"object": "event"}',
        b'{"object": "event", "id": "evt_1", "type": "invoice.paid", "created": 1, "livemode": false, "data": {}}',
        b'{"object": "event", "id": "evt_\\u0000", "type": "x", "created": 1, "livemode": false, "data": {}}',
        b'{"object": "event", "id": "evt_1", "type": "x", "created": 9223372036854775808, "livemode": false, "data": {}}',
        b'{"object": "event", "id": "evt_1", "type": "x", "created": -1, "livemode": false, "data": {}}',
        b"[" * 100_000,
    ],
)
def test_signed_nonsense_gets_400_never_500(bench, body):
    reply = bench.send(body)
    assert (reply.status_code, reply.text) == (400, "invalid request")
    assert bench.store.events.load_recent() == []


def test_another_mode_or_account_is_refused(bench):
    assert bench.send(event(livemode=not IDENTITY.livemode)).status_code == 400
    assert bench.send(event(account="acct_other")).status_code == 400
    assert bench.answers == {"mode": 1, "account": 1}
    assert bench.send(event(account=IDENTITY.account_id)).status_code == 200


def test_another_version_is_taken_because_only_ids_are_read_and_it_is_told(bench):
    assert bench.send(event(api_version="2020-08-27")).status_code == 200
    assert bench.receiver.other_versions == {"2020-08-27": 1}


def test_a_body_beyond_the_bound_is_not_read(bench):
    reply = bench.send(b"x" * (BODY_MAX + 1))
    assert reply.status_code == 413
    assert bench.answers == {"size": 1}


def test_a_body_that_lies_about_its_length_is_cut_off_too(bench):
    def parts():
        for _ in range(20):
            yield b"x" * 100_000

    assert bench.client.post(WEBHOOKS, content=parts()).status_code == 413


def test_a_store_that_cannot_store_gets_503_and_stripe_tries_again(bench, monkeypatch):
    def fail(*_args, **_kwargs):
        raise StoreUnusable("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(type(bench.store.events), "receive", fail)
        reply = bench.send(event())
    assert reply.status_code == 503
    assert "Retry-After" in reply.headers
    assert bench.send(event()).status_code == 200


def test_a_full_queue_gets_503(bench, monkeypatch):
    def full(*_args):
        raise Full("50 events wait")

    monkeypatch.setattr(bench.committer, "submit", full)
    assert bench.send(event()).status_code == 503


def test_who_hangs_up_before_all_is_said_is_answered_nothing_and_nothing_is_stored(bench):
    said = [
        {"type": "http.request", "body": b'{"object": ', "more_body": True},
        {"type": "http.disconnect"},
    ]
    answered = []

    async def receive():
        return said.pop(0)

    async def send(message):
        answered.append(message)

    scope = {"type": "http", "method": "POST", "path": WEBHOOKS, "headers": []}
    asyncio.run(public_app(lambda: bench.receiver)(scope, receive, send))
    assert answered == []
    assert bench.store.events.load_recent() == []
    assert bench.answers == {}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_only_post_is_taken(bench, method):
    reply = bench.client.request(method, WEBHOOKS)
    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/readyz", "/webhooks", "/webhooks/stripe/"])
def test_nothing_else_is_there(bench, path):
    assert bench.client.get(path, follow_redirects=False).status_code == 404


def test_every_answer_carries_the_strict_headers(bench):
    for reply in (bench.send(event()), bench.send(b""), bench.client.get("/"), bench.client.get(WEBHOOKS)):
        assert {name: reply.headers[name] for name in STRICT} == STRICT
        assert "server" not in reply.headers


def test_before_the_account_is_known_stripe_is_asked_to_come_again():
    with TestClient(public_app(lambda: None)) as client:
        assert client.post(WEBHOOKS, content=b"{}").status_code == 503
        assert client.get("/livez").text == "alive"


def test_without_a_signing_secret_there_is_no_such_path():
    with TestClient(public_app(None)) as client:
        assert client.post(WEBHOOKS, content=b"{}").status_code == 404
