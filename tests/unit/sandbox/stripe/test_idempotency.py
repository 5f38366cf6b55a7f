"""Idempotency keys (platform.md C1): the first answer is the only one, for a day."""

from __future__ import annotations

import threading

import pytest

from connector.sandbox.http import Request, Response


def test_a_repeat_gets_the_first_answer_and_changes_nothing(api, account):
    first = api.ask("POST", "/v1/customers", {"name": "Ada"}, idempotency_key="k")
    second = api.ask("POST", "/v1/customers", {"name": "Ada"}, idempotency_key="k")
    assert second.raw == first.raw
    assert (first.headers.get("Idempotent-Replayed"), second.headers["Idempotent-Replayed"]) == (None, "true")
    assert second.headers["Original-Request"] == first.headers["Request-Id"]
    assert len(api.get("/v1/customers")["data"]) == 1
    assert (account.counters["writes"], account.counters["replays"]) == (1, 1)


def test_the_order_of_parameters_does_not_matter(api):
    first = api.ask("POST", "/v1/customers", {"name": "Ada", "phone": "1"}, idempotency_key="k")
    assert api.ask("POST", "/v1/customers", {"phone": "1", "name": "Ada"}, idempotency_key="k").raw == first.raw


@pytest.mark.parametrize(
    ("path", "params"), [("/v1/customers", {"name": "Bob"}), ("/v1/customers", {}), ("/v1/products", {"name": "Ada"})]
)
def test_a_key_used_for_something_else_is_refused(api, path, params):
    api.post("/v1/customers", {"name": "Ada"}, idempotency_key="k")
    refused = api.refused("POST", path, params, idempotency_key="k")
    assert (refused["status"], refused["type"]) == (400, "idempotency_error")


def test_a_failure_of_execution_is_kept_even_when_the_cause_is_gone(api):
    params = {"customer": "cus_later", "days_until_due": 1, "collection_method": "send_invoice"}
    first = api.ask("POST", "/v1/invoices", params, idempotency_key="k")
    assert first.status == 400
    assert api.ask("POST", "/v1/invoices", params, idempotency_key="k").headers["Idempotent-Replayed"] == "true"


def test_a_refused_card_is_kept_and_charged_once(api):
    invoice = api.open_invoice(1000)
    params = {"payment_method": "pm_card_chargeDeclined"}
    for _ in range(2):
        assert api.ask("POST", f"/v1/invoices/{invoice['id']}/pay", params, idempotency_key="k").status == 402
    assert api.get(f"/v1/invoices/{invoice['id']}")["attempt_count"] == 1


def test_a_500_after_the_effect_is_kept(api, account):
    account.faults_after = lambda *_: Response(status=500, body=b'{"error":{"type":"api_error","message":"x"}}')
    assert api.ask("POST", "/v1/customers", idempotency_key="k").status == 500
    account.faults_after = None
    again = api.ask("POST", "/v1/customers", idempotency_key="k")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (500, "true")
    assert len(api.get("/v1/customers")["data"]) == 1


def test_an_answer_lost_on_the_way_is_kept_as_it_was(api, account):
    account.faults_after = lambda *_: Response(status=504, body=b"{}")
    api.ask("POST", "/v1/customers", idempotency_key="k")
    account.faults_after = None
    again = api.ask("POST", "/v1/customers", idempotency_key="k")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (200, "true")


def test_what_never_began_is_not_kept(api, account):
    account.faults = lambda _: Response(status=500, body=b"{}")
    api.ask("POST", "/v1/customers", idempotency_key="k")
    account.faults = None
    assert api.ask("POST", "/v1/customers", idempotency_key="k", authorization="Bearer no").status == 401
    assert api.ask("POST", "/v1/customers", {"colour": "red"}, idempotency_key="k").status == 400
    fresh = api.ask("POST", "/v1/customers", {"name": "Ada"}, idempotency_key="k")
    assert (fresh.status, "Idempotent-Replayed" in fresh.headers) == (200, False)


@pytest.mark.parametrize(("hours", "replayed"), [(23, True), (24, False)])
def test_keys_are_forgotten_after_a_day(api, later, hours, replayed):
    api.post("/v1/customers", idempotency_key="k")
    later(hours=hours)
    again = api.ask("POST", "/v1/customers", idempotency_key="k")
    assert ("Idempotent-Replayed" in again.headers) is replayed
    assert len(api.get("/v1/customers")["data"]) == (1 if replayed else 2)


def test_a_key_has_no_effect_on_reads_and_deletes(api):
    customer = api.customer()
    api.ask("GET", f"/v1/customers/{customer}", idempotency_key="k")
    assert api.ask("DELETE", f"/v1/customers/{customer}", idempotency_key="k").status == 200
    assert api.ask("DELETE", f"/v1/customers/{customer}", idempotency_key="k").status == 404


def test_a_key_in_flight_is_409_at_once(api, account):
    """The second request comes while the first is still inside the account, and is not made to wait for it."""
    inside, go_on, answers = threading.Event(), threading.Event(), []

    def hold(request: Request, response: Response) -> None:
        inside.set()
        assert go_on.wait(60)

    account.faults_after = hold
    first = threading.Thread(target=lambda: answers.append(api.ask("POST", "/v1/customers", idempotency_key="k")))
    first.start()
    assert inside.wait(60)
    second = api.ask("POST", "/v1/customers", idempotency_key="k")
    go_on.set()
    first.join(60)
    assert (second.status, second.error["code"]) == (409, "idempotency_key_in_use")
    assert second.headers["Stripe-Should-Retry"] == "true"
    account.faults_after = None
    again = api.ask("POST", "/v1/customers", idempotency_key="k")
    assert again.raw == answers[0].raw
    assert len(api.get("/v1/customers")["data"]) == 1
