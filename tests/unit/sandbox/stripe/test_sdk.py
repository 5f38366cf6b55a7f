"""The real `stripe` library against the account, mounted in process."""

from __future__ import annotations

import pytest
import requests
import stripe

from connector.sandbox.http import Response
from connector.sandbox.transport import InProcessAdapter


@pytest.fixture
def client(account, monkeypatch):
    monkeypatch.setattr(stripe, "enable_telemetry", False)
    session = requests.Session()
    session.mount("https://api.stripe.com", InProcessAdapter(account))
    return stripe.StripeClient(account.api_key, http_client=stripe.RequestsClient(session=session))


@pytest.fixture
def invoice(client):
    customer = client.v1.customers.create({"name": "Ada", "email": "ada@example.com"})
    params = {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 30, "discounts": ""}
    draft = client.v1.invoices.create({**params, "currency": "usd", "metadata": {"sf": "a0I"}})
    client.v1.invoices.add_lines(draft.id, {"lines": [{"amount": 1000, "description": "x"}]})
    return client.v1.invoices.finalize_invoice(draft.id)


def test_an_invoice_from_draft_to_paid(client, invoice):
    assert (invoice.status, invoice.amount_due, invoice.metadata["sf"]) == ("open", 1000, "a0I")
    paid = client.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "paid"
    payment = client.v1.invoice_payments.list({"invoice": paid.id}).data[0]
    assert (payment.amount_paid, payment.payment.type) == (1000, "payment_intent")


@pytest.mark.parametrize(
    ("act", "error", "code"),
    [
        (lambda c, i: c.v1.invoices.retrieve("in_none"), stripe.InvalidRequestError, "resource_missing"),
        (
            lambda c, i: c.v1.invoices.pay(i.id, {"payment_method": "pm_card_chargeDeclined"}),
            stripe.CardError,
            "card_declined",
        ),
        (lambda c, i: c.v1.invoices.create({"colour": "red"}), stripe.InvalidRequestError, "parameter_unknown"),
        (
            lambda c, i: stripe.StripeClient("sk_test_x", http_client=c._requestor._client).v1.customers.list(),
            stripe.AuthenticationError,
            None,
        ),
    ],
    ids=["missing", "declined", "unknown", "key"],
)
def test_errors_arrive_as_the_librarys_classes(client, invoice, act, error, code):
    with pytest.raises(error) as caught:
        act(client, invoice)
    assert caught.value.code == code
    assert caught.value.request_id.startswith("req_")


def test_a_reused_key_is_an_idempotency_error(client):
    options = {"idempotency_key": "k"}
    client.v1.customers.create({"name": "Ada"}, options)
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "Bob"}, options)


def test_auto_paging_walks_everything_once(client):
    made = [client.v1.products.create({"name": str(number)}).id for number in range(25)]
    walked = [product.id for product in client.v1.products.list({"limit": 10}).auto_paging_iter()]
    assert walked == made[::-1]


def test_events_are_read_oldest_first_from_a_cursor(client):
    client.v1.customers.create({"name": "first"})
    cursor = client.v1.events.list({"limit": 1}).data[0].id
    for name in ("a", "b", "c"):
        client.v1.customers.create({"name": name})
    newer = client.v1.events.list({"ending_before": cursor, "limit": 2}).auto_paging_iter()
    assert [event.data.object["name"] for event in newer] == ["a", "b", "c"]


def test_the_librarys_own_retry_replays_and_does_not_repeat(client, account, monkeypatch):
    monkeypatch.setattr(stripe.RequestsClient, "_sleep_time_seconds", lambda *_, **__: 0)
    lost = iter([Response(status=500, headers={"Stripe-Should-Retry": "true"}, body=b"{}")])
    account.faults_after = lambda *_: next(lost, None)
    with pytest.raises(stripe.APIError):
        client.v1.customers.create({"name": "Ada"}, {"max_network_retries": 2})
    assert len(client.v1.customers.list().data) == 1
    assert account.counters["replays"] == 1


def test_decimal_amounts_arrive_as_decimals(client):
    product = client.v1.products.create({"name": "P"})
    price = client.v1.prices.create({"currency": "usd", "product": product.id, "unit_amount_decimal": "12.5"})
    assert str(price.unit_amount_decimal) == "12.5"
