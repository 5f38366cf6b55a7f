"""Events (platform.md C3): snapshots of their moment, what changed, who asked, thirty days back."""

from __future__ import annotations

import pytest


def _latest(api, event_type: str) -> dict:
    return api.get("/v1/events", {"type": event_type, "limit": 1})["data"][0]


def test_an_event_shows_the_object_as_it_was(api):
    customer = api.customer(name="Before")
    api.post(f"/v1/customers/{customer}", {"name": "After"})
    assert _latest(api, "customer.created")["data"]["object"]["name"] == "Before"
    assert _latest(api, "customer.updated")["data"]["object"]["name"] == "After"


def test_an_update_tells_the_old_values_of_what_changed_only(api):
    customer = api.customer(name="Before", metadata={"a": "1", "b": "2"}, address={"city": "Kiel", "country": "DE"})
    changes = {"name": "After", "metadata": {"b": "", "c": "3"}, "address": {"city": "Bonn", "country": "DE"}}
    api.post(f"/v1/customers/{customer}", changes)
    previous = _latest(api, "customer.updated")["data"]["previous_attributes"]
    assert previous == {"name": "Before", "metadata": {"b": "2", "c": None}, "address": {"city": "Kiel"}}


def test_an_update_that_changes_nothing_is_no_event(api, account):
    customer = api.customer(name="Same")
    api.post(f"/v1/customers/{customer}", {"name": "Same"})
    assert api.event_types() == ["customer.created"]


def test_it_names_the_request_and_its_key(api):
    answer = api.ask("POST", "/v1/customers", {"name": "Ada"}, idempotency_key="key-1")
    request = _latest(api, "customer.created")["request"]
    assert request == {"id": answer.headers["Request-Id"], "idempotency_key": "key-1"}


def test_version_and_mode(api):
    api.customer()
    event = _latest(api, "customer.created")
    assert (event["api_version"], event["livemode"], event["object"]) == ("2026-10-28.endive", False, "event")


def test_one_event_alone(api):
    api.customer()
    event = _latest(api, "customer.created")
    assert api.get(f"/v1/events/{event['id']}") == event


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"type": "product.created"}, ["product.created"]),
        ({"type": "customer.*"}, ["customer.created", "customer.deleted"]),
        ({"types": ["customer.deleted", "product.created"]}, ["product.created", "customer.deleted"]),
        ({"types": ["invoice.paid"]}, []),
    ],
)
def test_filters(api, params, expected):
    customer = api.customer()
    api.product()
    api.delete(f"/v1/customers/{customer}")
    assert api.event_types(**params) == expected


@pytest.mark.parametrize(
    "params",
    [{"types": ["a"] * 21}, {"type": "a", "types": ["b"]}, {"delivery_success": True}, {"starting_after": "evt_x"}],
)
def test_filters_that_are_refused(api, params):
    assert api.refused("GET", "/v1/events", params)["status"] == 400


def test_a_cursor_gives_what_came_after_it_page_by_page(api):
    api.customer()
    cursor = api.get("/v1/events")["data"][0]["id"]
    products = [api.product() for _ in range(5)]
    seen = []
    while page := api.get("/v1/events", {"ending_before": cursor, "limit": 2})["data"]:
        seen += [event["data"]["object"]["id"] for event in reversed(page)]
        cursor = page[0]["id"]
    assert seen == products


def test_events_are_gone_after_thirty_days(api, later):
    api.customer()
    event = api.get("/v1/events")["data"][0]["id"]
    later(days=30)
    assert len(api.get("/v1/events")["data"]) == 1
    later(seconds=1)
    assert api.get("/v1/events")["data"] == []
    assert api.refused("GET", f"/v1/events/{event}")["status"] == 404


@pytest.mark.parametrize("path", ["data.data", "data.data.object", "data.data.object.customer", "data.request.id"])
def test_nothing_inside_an_event_is_expanded(api, path):
    api.open_invoice(1000)
    assert "cannot be expanded" in api.refused("GET", "/v1/events", {"expand": [path]})["message"]


def test_paying_tells_its_story_in_order(api):
    invoice = api.open_invoice(1000)
    seen = len(api.event_types())
    api.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
    assert api.event_types()[seen:] == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    assert _latest(api, "invoice.updated")["data"]["previous_attributes"]["status"] == "open"
