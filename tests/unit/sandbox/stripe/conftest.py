from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import orjson
import pytest

from connector.sandbox.clock import ManualClock
from connector.sandbox.http import Request, Response
from connector.sandbox.stripe.account import Account
from connector.sandbox.stripe.spec import routes, schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def flat(params: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested parameters as Stripe's clients write them on the wire."""
    if isinstance(params, dict):
        for name, value in params.items():
            yield from flat(value, f"{prefix}[{name}]" if prefix else name)
    elif isinstance(params, list):
        for index, value in enumerate(params):
            yield from flat(value, f"{prefix}[{index}]")
    else:
        yield prefix, str(params).lower() if isinstance(params, bool) else str(params)


def encode(params: dict[str, Any]) -> str:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in flat(params))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: dict[str, Any]
    raw: bytes

    @property
    def error(self) -> dict[str, Any]:
        return self.body["error"]


class Api:
    """Sends requests straight to `handle`; holds every 200 answer against the published shape."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.seen_operations: set[str] = set()

    def ask(self, method: str, path: str, params: dict | str | None = None, **headers: str) -> Answer:
        text = params if isinstance(params, str) else encode(params or {})
        sent = {"authorization": f"Bearer {self.account.api_key}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.account.handle(
            Request(
                method=method,
                path=path,
                query="" if method == "POST" else text,
                headers={name: value for name, value in sent.items() if value is not None},
                body=text.encode() if method == "POST" else b"",
            )
        )
        return self._checked(method, path, response)

    def _checked(self, method: str, path: str, response: Response) -> Answer:
        body = orjson.loads(response.body)
        match = routes().match(method, path.strip("/").split("/"))
        if response.status == 200:
            assert match is not None
            self.seen_operations.add(match.operation.id)
            self.hold_to_shape(match.operation.response, body, match.operation.id)
        return Answer(status=response.status, headers=dict(response.headers), body=body, raw=response.body)

    def hold_to_shape(self, schema: dict[str, Any], value: Any, at: str) -> None:
        """Fails where `value` misses a field, has one too many, or one of another type than the schema says."""
        problem = shape_problem(schema, value, at)
        assert problem is None, problem

    def post(self, path: str, params: dict | None = None, **headers: str) -> dict[str, Any]:
        return self._ok(self.ask("POST", path, params, **headers))

    def get(self, path: str, params: dict | None = None) -> dict[str, Any]:
        return self._ok(self.ask("GET", path, params))

    def delete(self, path: str) -> dict[str, Any]:
        return self._ok(self.ask("DELETE", path))

    def refused(self, method: str, path: str, params: dict | None = None, **headers: str) -> dict[str, Any]:
        """The error of a request that must fail, with its status as `status`."""
        answer = self.ask(method, path, params, **headers)
        assert answer.status >= 400, answer.body
        return {**answer.error, "status": answer.status}

    def _ok(self, answer: Answer) -> dict[str, Any]:
        assert answer.status == 200, answer.body
        return answer.body

    # -- things a test needs but is not about ------------------------------------------

    def customer(self, **params: Any) -> str:
        return self.post("/v1/customers", {"name": "Ada", "email": "ada@example.com", **params})["id"]

    def product(self, **params: Any) -> str:
        return self.post("/v1/products", {"name": "Widget", **params})["id"]

    def draft(self, *amounts: int, customer: str | None = None, **params: Any) -> dict[str, Any]:
        """A draft to be sent to its customer, with one plain line per amount."""
        customer = customer or self.customer()
        values = {"collection_method": "send_invoice", "days_until_due": 30, "currency": "usd", **params}
        invoice = self.post("/v1/invoices", {"customer": customer, **values})
        if amounts:
            lines = [{"amount": amount, "description": f"line of {amount}"} for amount in amounts]
            invoice = self.post(f"/v1/invoices/{invoice['id']}/add_lines", {"lines": lines})
        return invoice

    def open_invoice(self, *amounts: int, **params: Any) -> dict[str, Any]:
        return self.post(f"/v1/invoices/{self.draft(*amounts or (1000,), **params)['id']}/finalize")

    def record(self, value: int, currency: str = "usd", **params: Any) -> dict[str, Any]:
        """A payment from elsewhere, guaranteed."""
        return self.post(
            "/v1/payment_records/report_payment",
            {
                "amount_requested": {"value": value, "currency": currency},
                "initiated_at": 1795000000,
                "outcome": "guaranteed",
                "guaranteed": {"guaranteed_at": 1795000000},
                "payment_method_details": {"type": "custom", "custom": {"display_name": "Cheque"}},
                "processor_details": {"type": "custom", "custom": {"payment_reference": "CHQ-1"}},
                **params,
            },
        )

    def event_types(self, **params: Any) -> list[str]:
        """Types of all events so far, oldest first."""
        return [event["type"] for event in reversed(self.get("/v1/events", {"limit": 100, **params})["data"])]


def shape_problem(schema: dict[str, Any], value: Any, at: str) -> str | None:
    if value is None and schema.get("nullable"):
        return None
    if "$ref" in schema:
        return shape_problem(schemas()[schema["$ref"].rsplit("/", 1)[1]], value, at)
    if "anyOf" in schema:
        problems = [shape_problem(option, value, at) for option in schema["anyOf"]]
        return None if None in problems else f"{at}: no alternative fits: {problems}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at}: {value!r} is none of {schema['enum']}"
    kind = schema.get("type")
    types = {"string": str, "integer": int, "boolean": bool, "number": (int, float), "array": list, "object": dict}
    if kind in types and (not isinstance(value, types[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return f"{at}: {value!r} is no {kind}"
    if kind == "array":
        found = (shape_problem(schema.get("items", {}), each, f"{at}[{n}]") for n, each in enumerate(value))
        return next((problem for problem in found if problem), None)
    return _object_problem(schema, value, at) if kind == "object" and "properties" in schema else None


def _object_problem(schema: dict[str, Any], value: dict[str, Any], at: str) -> str | None:
    if value.get("deleted") is True:
        return None if set(value) == {"id", "object", "deleted"} else f"{at}: not the form of a deleted object"
    for name in schema.get("required", ()):
        if name not in value:
            return f"{at}.{name} is missing"
    for name, each in value.items():
        if name not in schema["properties"]:
            return f"{at}.{name} does not exist"
        problem = shape_problem(schema["properties"][name], each, f"{at}.{name}")
        if problem:
            return problem
    return None


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def account(clock) -> Account:
    return Account(clock=clock, seed=7, rate_per_second=None, endpoint_rate_per_second=None)


@pytest.fixture
def api(account) -> Api:
    return Api(account)


@pytest.fixture
def later(clock):
    """Lets time pass: `later(days=3)`."""
    return lambda **by: clock.advance(timedelta(**by))
