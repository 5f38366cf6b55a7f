"""`connector run`, from the start to SIGTERM and through kill -9: records arrive, webhooks too, nothing doubles."""

from __future__ import annotations

import contextlib
import signal
import sqlite3

import pytest
import requests

from tests.acceptance.program import CONNECTOR, TIMEOUT_S, Program, pairs, sandbox
from tests.acceptance.service import serving
from tests.support.ports import kept_port


@pytest.fixture
def box(tmp_path):
    with sandbox(tmp_path, "--stripe-rate", "0") as served:
        yield served


@pytest.fixture
def program(tmp_path, box):
    return Program.for_sandbox(tmp_path / "home", box)


def mirrored(box):
    return len(pairs(box)[0]["invoices"])


def webhooks_to(box, url):
    """An endpoint as `connector setup stripe` makes it; its signing secret."""
    made = box.stripe_post("/v1/webhook_endpoints", url=url, **{"enabled_events[]": "*"})
    return made["secret"]


def heard(program):
    """The types of the events that were stored."""
    return set(stored(program, "SELECT DISTINCT type FROM stripe_event"))


def stored(program, query):
    """One column, asked beside the program."""
    with contextlib.closing(sqlite3.connect(program.home / "state.sqlite")) as connection:
        return [row[0] for row in connection.execute(query)]


def assert_watched(program, service):
    """What it did is told: on the screen, in metrics, and by one trace from the log to the key and the request."""
    # how long records waited reaches the store with the next look after the service, within a quarter of a minute
    service.until(lambda: (stored(program, "SELECT sum(number) FROM pace")[0] or 0) > 10)
    told = program.run("status", "--json").json["service"]
    assert sum(stream["done"] for stream in told["streams"]) > 10
    assert told["quotas"]["salesforce"]["used"] > 0
    assert (told["has_run"], len(told["held_by"])) == (True, 1)
    # at work at this moment, or before its first
    assert told["jobs"][0]["last"] is None or told["jobs"][0]["last"]["outcome"] in ("done", None)
    assert told["webhooks"]["last_hour"] > 0
    # brought up to date by the same look, a moment later
    service.until(lambda: 0 < service.metrics().get("connector_sf_api_limit_ratio", 0) < 1)
    metrics = service.metrics()
    assert metrics['connector_api_requests_total{api="stripe",code="200"}'] > 10
    assert metrics['connector_api_seconds_count{api="salesforce"}'] > 10
    events = program.run("events", "list", "--json").json["events"]
    stored_under = {event["trace_id"] for event in events}
    # it is told once it is stored
    service.until(lambda: stored_under <= {line["trace_id"] for line in service.lines() if line["event"] == "webhooks"})
    lines = service.lines()
    drain = max((line for line in lines if line["event"] == "drain"), key=lambda line: line["writes"])
    rows = program.run("audit", "trace", drain["trace_id"], "--json").json["rows"]
    applied = [row["detail"] for row in rows if row["detail"].get("outcome") == "applied"]
    assert len(applied) == drain["writes"] > 0
    at_stripe = [detail for detail in applied if detail["target"] == "stripe"]
    assert all(detail["idempotency_key"] and detail["request_id"].startswith("req_") for detail in at_stripe)


def test_it_mirrors_hears_and_ends_when_told(tmp_path, box, program):
    port = kept_port()
    secret = webhooks_to(box, f"http://127.0.0.1:{port}/webhooks/stripe")
    webhook = {"CONNECTOR_WEB__WEBHOOK_LISTEN": f"127.0.0.1:{port}", "CONNECTOR_STRIPE__WEBHOOK_SECRETS": secret}
    with serving(program, tmp_path, command=[*CONNECTOR, "run"], **webhook) as service:
        service.until(lambda: service.ask("/readyz").status_code == 200)
        service.until(lambda: mirrored(box) > 10 and service.is_at_rest())
        service.until(lambda: service.metrics().get('connector_webhooks_total{answer="stored"}', 0) > 0)
        invoice = next(row for row in box.stripe_list("/v1/invoices") if row["status"] == "open")
        box.stripe_post(f"/v1/invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
        paid = f"SELECT Id FROM blng__Invoice__c WHERE Stripe_Id__c = '{invoice['id']}' AND Stripe_Status__c = 'paid'"
        service.until(lambda: len(box.query(paid)) == 1)
        # a poll may have brought the payment before its webhook was delivered
        service.until(lambda: "invoice.paid" in heard(program))
        assert_watched(program, service)
        asked = program.run("schedule", "run", "invoice", "--json")
        assert (asked.code, [each["outcome"] for each in asked.json["jobs"]]) == (0, ["done"]), asked.err
        assert service.stop() == 0, service.words()
    again = program.run("sync", "--once", "--json")
    assert again.code in (0, 1), again.err
    for table in pairs(box)[0].values():
        marks = [mark for mark, _ in table]
        assert len(marks) == len(set(marks))


def test_killed_in_the_middle_and_started_again_doubles_nothing(tmp_path, box, program):
    # longer than a start takes: the dead process's lease is still there, and is waited for
    with serving(program, tmp_path, CONNECTOR_RUN__LEASE_S="15") as service:
        service.until(lambda: mirrored(box) >= 2)
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()
    with serving(program, tmp_path, CONNECTOR_RUN__LEASE_S="15") as service:
        service.until(lambda: service.ask("/readyz").status_code == 200)
        service.until(lambda: mirrored(box) > 10)
        service.until(service.is_at_rest)
        assert service.stop() == 0, service.words()
    for table in (*pairs(box)[0].values(), *pairs(box)[1].values()):
        marks, mates = [mark for mark, _ in table], [mate for _, mate in table]
        assert len(marks) == len(set(marks))
        assert len(mates) == len(set(mates))


def test_a_second_service_on_the_same_database_is_told_who_holds_it(tmp_path, program):
    with serving(program, tmp_path) as first:
        first.until(lambda: first.ask("/livez").status_code == 200)
        with serving(program, tmp_path, CONNECTOR_RUN__LEASE_S="3") as second:
            assert second.process.wait(timeout=TIMEOUT_S) == 75
            assert f"pid {first.process.pid}" in second.words()
        assert first.process.poll() is None


def test_webhooks_are_refused_without_a_signature_and_metrics_are_not_on_their_address(tmp_path, box, program):
    secret = webhooks_to(box, "http://127.0.0.1:1/webhooks/stripe")
    with serving(program, tmp_path, CONNECTOR_STRIPE__WEBHOOK_SECRETS=secret) as service:
        service.until(lambda: requests.post(service.webhook_url, data=b"{}", timeout=30).status_code == 400)
        base = service.webhook_url.removesuffix("/webhooks/stripe")
        assert {requests.get(base + path, timeout=30).status_code for path in ("/metrics", "/healthz", "/readyz")} == {
            404
        }


def test_a_system_that_is_away_at_the_start_is_waited_for(tmp_path, program):
    away = f"http://127.0.0.1:{kept_port()}"
    with serving(
        program, tmp_path, CONNECTOR_SALESFORCE__LOGIN_URL=away, CONNECTOR_SALESFORCE__INSTANCE_URL=away
    ) as service:
        service.until(lambda: service.health()["why_not"] not in (None, "starting"))
        health = service.health()
        assert not health["connected"]
        assert "salesforce" in health["why_not"]
        # whoever looks at the word alone sees it too
        assert health["health"] != "ok"
        assert f"not connected: {health['why_not']}" in health["reasons"]
        assert service.ask("/readyz").status_code == 200
        assert service.stop() == 0, service.words()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CONNECTOR_WEB__OPS_LISTEN": "nowhere"}, "host:port"),
        ({"CONNECTOR_STRIPE__API_KEY": None}, "CONNECTOR_STRIPE__API_KEY"),
        ({"CONNECTOR_RUN__SCHEDULE": "missing.yaml"}, "missing.yaml"),
        ({"role": "worker"}, "CONNECTOR_DISPATCH"),
        ({"CONNECTOR_DISPATCH": "procrastinate"}, "CONNECTOR_DATABASE__URL"),
    ],
)
def test_a_wrong_setting_ends_it_with_64_so_that_it_is_not_started_again(tmp_path, program, changes, words):
    with serving(program, tmp_path, **changes) as service:
        assert service.process.wait(timeout=TIMEOUT_S) == 64
        assert words in service.words()
