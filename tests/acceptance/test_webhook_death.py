"""kill -9 while a webhook is taken in: what was answered 200 is there, and what was not comes again and counts once."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from connector.stripe.signature import sign
from tests.acceptance.program import TIMEOUT_S
from tests.acceptance.service import leases_run_out, serving
from tests.support.crash_receiver import BEFORE_ANSWER, BEFORE_COMMIT, BEFORE_SHARED_COMMIT

SECRET = "whsec_" + "d" * 32
#: what the service reads by itself at its start shows the payment too; nothing else is polled meanwhile
SCHEDULE = "jobs:\n  - {name: poll, work: poll, every_s: 3600}\n"


def _deliver(service, body):
    header = {"Stripe-Signature": sign(body, secret=SECRET, at=int(time.time()))}
    return requests.post(service.webhook_url, data=body, headers=header, timeout=30)


def _serve(program, folder, *moment):
    command = [sys.executable, "-m", "tests.support.crash_receiver", *moment] if moment else None
    return serving(program, folder, schedule=SCHEDULE, command=command, CONNECTOR_STRIPE__WEBHOOK_SECRETS=SECRET)


def _ready(service):
    service.until(lambda: service.ask("/readyz").status_code == 200 and service.health()["connected"])


def _dies_of(service, body):
    _ready(service)
    with pytest.raises(requests.ConnectionError):
        _deliver(service, body)
    assert service.process.wait(timeout=TIMEOUT_S) == -signal.SIGKILL, service.words()


def _stored(program, event):
    shown = program.run("events", "show", event["id"], "--json")
    return shown.json["event"]["deliveries"] if shown.code == 0 else 0


def test_killed_before_the_commit_and_before_the_answer_an_event_has_one_effect(tmp_path, box, program):
    assert program.run("sync", "--once").code == 0
    invoice = next(row for row in box.stripe_list("/v1/invoices", status="open") if row["currency"] == "usd")
    box.stripe_post(f"/v1/invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    event = next(each for each in box.stripe_list("/v1/events") if each["type"] == "payment_intent.succeeded")
    body = json.dumps(event).encode()
    with _serve(program, tmp_path, BEFORE_COMMIT) as service:
        _dies_of(service, body)
    assert _stored(program, event) == 0
    leases_run_out(program)
    with _serve(program, tmp_path, BEFORE_ANSWER) as service:
        _dies_of(service, body)
    assert _stored(program, event) == 1
    leases_run_out(program)
    with _serve(program, tmp_path) as service:
        _ready(service)
        assert [_deliver(service, body).status_code for _ in range(3)] == [200, 200, 200]
        paid = f"SELECT Id FROM blng__Payment__c WHERE Stripe_Id__c = '{event['data']['object']['id']}'"
        service.until(lambda: len(box.query(paid)) == 1)
        service.until(service.is_at_rest)
        assert service.stop() == 0, service.words()
    assert _stored(program, event) == 4
    allocations = box.query("SELECT Id, Stripe_Id__c FROM blng__PaymentAllocationInvoice__c WHERE Stripe_Id__c != null")
    assert len(box.query("SELECT Id FROM blng__Payment__c WHERE Stripe_Id__c != null")) == 1
    assert len(allocations) == 1


def test_killed_before_the_commit_of_several_what_was_answered_is_there(tmp_path, program):
    template = {"object": "event", "type": "payout.paid", "created": 1, "livemode": False, "data": {"object": {}}}
    answered, numbers = [], itertools.count()
    with _serve(program, tmp_path, BEFORE_SHARED_COMMIT) as service:
        _ready(service)

        def send():
            with contextlib.suppress(requests.ConnectionError):
                while True:
                    name = f"evt_of_many_{next(numbers)}"
                    assert _deliver(service, json.dumps({**template, "id": name}).encode()).status_code == 200
                    answered.append(name)

        with ThreadPoolExecutor(12) as pool:
            for sending in [pool.submit(send) for _ in range(12)]:
                sending.result(TIMEOUT_S)
        assert service.process.wait(timeout=TIMEOUT_S) == -signal.SIGKILL, service.words()
    with contextlib.closing(sqlite3.connect(program.home / "state.sqlite")) as connection:
        kept = [row[0] for row in connection.execute("SELECT event_id FROM stripe_event")]
    assert set(answered) <= set(kept)
