"""Whatever a client sends, the account answers, keeps its books straight, and says so in the published shape."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.sandbox.http import Request
from connector.sandbox.stripe.resources import HANDLERS
from connector.sandbox.stripe.spec import document

if TYPE_CHECKING:
    from connector.sandbox.stripe.account import Account

OPERATIONS = sorted(
    (template, method)
    for template, methods in document()["paths"].items()
    for method, raw in methods.items()
    if raw["operationId"] in HANDLERS
)
TEST_METHODS = ["pm_card_visa", "pm_card_chargeDeclined", "pm_usBankAccount_success"]


#: what a path segment or a parameter is called where it does not carry its object's name
KINDS = {
    "lines": "line_item",
    "tax_rates": "tax_rate",
    "default_price": "price",
    "id": "line_item",
    "intent": "payment_intent",
}


def _ids(account: Account) -> dict[str, list[str]]:
    """The newest few ids of each kind."""
    collections = account._engine.collections.items()
    return {kind: [item["id"] for _, item in collection.in_order()][-4:] for kind, collection in collections}


def _some_id(rng, ids: dict[str, list[str]], name: str) -> str:
    """Nearly always an id of the kind the name asks for."""
    kind = KINDS.get(name, name.removesuffix("s"))
    if rng.randint(0, 9) and ids.get(kind):
        return rng.choice(ids[kind])
    return rng.choice([each for some in ids.values() for each in some])


def _value(rng, schema: dict[str, Any], ids: dict[str, list[str]], name: str) -> Any:
    """Mostly something the schema allows, now and then not."""
    if "anyOf" in schema:
        return _value(rng, rng.choice(schema["anyOf"]), ids, name)
    if rng.randint(0, 40) == 0:
        return rng.choice(["", "x", "-1", {"a": "b"}, ["a"], "999999999999999999999"])
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        return _fields(rng, schema, ids)
    if kind == "array":
        items = [_value(rng, schema["items"], ids, name) for _ in range(rng.randint(0, 2))]
        return dict(enumerate(items)) if items else ""
    return _scalar(rng, kind, ids, name)


def _scalar(rng, kind: str | None, ids: dict[str, list[str]], name: str) -> str | int:
    if kind == "integer":
        return rng.choice([-1000, -1, 0, 1, 2, 49, 50, 500, 1000, 99_999_999, 1_795_000_000, 1_900_000_000])
    if kind == "boolean":
        return rng.choice(["true", "false"])
    if name == "currency":
        return rng.choice(["usd", "eur", "jpy", "kwd", "zz"])
    if name == "email":
        return "a@example.com"
    if name == "payment_method":
        return rng.choice(TEST_METHODS)
    if KINDS.get(name, name.removesuffix("s")) in ids:
        return _some_id(rng, ids, name)
    return rng.choice(["12.5", "0.001", "3", "text", "card", "custom"])


def _fields(rng, schema: dict[str, Any], ids: dict[str, list[str]]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    if not properties:
        return rng.choice([{}, {"k": "v"}, {"k": ""}])
    required = set(schema.get("required", ()))
    optional = sorted(set(properties) - required)
    extra = rng.sample(optional, min(len(optional), rng.randint(0, 4)))
    return {name: _value(rng, properties[name], ids, name) for name in [*sorted(required), *extra]}


def _request_to(account: Account, rng: Random) -> tuple[str, str, dict[str, Any]]:
    template, method = rng.choice(OPERATIONS)
    raw = document()["paths"][template][method]
    ids = _ids(account)
    segments = template.split("/")
    for at, part in enumerate(segments):
        if part.startswith("{"):
            segments[at] = _some_id(rng, ids, segments[at - 1])
    if method == "post":
        schema = raw["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    else:
        queried = [each for each in raw["parameters"] if each["in"] == "query"]
        schema = {"properties": {each["name"]: each["schema"] for each in queried}}
    return method.upper(), "/".join(segments), _fields(rng, schema, ids)


def _books_are_straight(account: Account) -> None:
    """Sums that must hold whatever happened."""
    engine = account._engine
    for _, invoice in engine.collections["invoice"].in_order():
        assert invoice["amount_remaining"] >= 0
        assert invoice["amount_paid"] >= 0
        if invoice["status"] in {"open", "uncollectible"}:
            assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"]
        if invoice["status"] == "paid":
            assert (invoice["amount_remaining"], invoice["amount_paid"]) == (0, invoice["amount_due"])
    balances: dict[str, int] = {}
    for _, booked in engine.collections["customer_balance_transaction"].in_order():
        balances[booked["customer"]] = balances.get(booked["customer"], 0) + booked["amount"]
    for _, customer in engine.collections["customer"].in_order():
        assert customer["balance"] == balances.get(customer["id"], 0)


@pytest.mark.parametrize("seed", range(40))
def test_random_requests(api, clock, seed):
    """A history of a hundred requests on an account where ids of many kinds exist."""
    rng = Random(seed)
    customer, product = api.customer(), api.product()
    api.draft(700, 300, customer=customer)
    api.open_invoice(5000, customer=customer)
    api.record(300)
    line = {"price_data": {"currency": "usd", "product": product, "unit_amount": 5}, "quantity": 2}
    api.post("/v1/quotes", {"customer": customer, "line_items": [line]})
    api.post("/v1/payment_intents", {"amount": 700, "currency": "usd", "customer": customer})
    for _ in range(100):
        method, path, params = _request_to(api.account, rng)
        if not rng.randint(0, 19):
            clock.advance(timedelta(days=rng.choice([0, 1, 5, 31])))
        answer = api.ask(method, path, params)
        assert answer.status in {200, 400, 402, 404}, answer.body
        _books_are_straight(api.account)


@given(path=st.text(max_size=30), query=st.text(max_size=30), body=st.binary(max_size=60))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_bytes(account, path, query, body):
    for method in ("GET", "POST", "DELETE", "PUT"):
        request = Request(
            method=method,
            path=f"/v1/{path}",
            query=query,
            headers={"authorization": f"Bearer {account.api_key}"},
            body=body,
        )
        response = account.handle(request)
        assert response.status in {200, 400, 404}
        assert isinstance(orjson.loads(response.body), dict)
