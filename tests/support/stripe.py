"""What tests of the Stripe side share: a clock, a pack without fields, scripted answers, a connection in process."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
import requests

from connector.core.body import encode_body
from connector.core.mapping import KindMapping, Nature, Pack, SalesforceSpec, StripeSpec
from connector.core.model import Key, Operation, OperationState, Side
from connector.core.retry import uniform
from connector.remote import Caller
from connector.sandbox.http import App, Request, Response
from connector.sandbox.transport import InProcessAdapter
from connector.stripe import StripeOptions, StripeSystem, connect
from connector.stripe.client import Client
from connector.stripe.inspect.inspector import StripeInspector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TEST_KEY = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"
API_BASE = "https://stripe.test"
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ORG_ID = "00D000000000001AAA"


class StepClock:
    """Stands still until somebody sleeps; remembers every sleep."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.slept_s: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return (self._now - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept_s.append(seconds)
            self._now += timedelta(seconds=seconds)

    def advance(self, by: timedelta) -> None:
        with self._lock:
            self._now += by


class NoLimit:
    """Lets everything pass and remembers which endpoints were asked for."""

    def __init__(self) -> None:
        self.endpoints: list[str] = []
        self.refusals = 0

    def acquire(self, endpoint: str) -> None:
        self.endpoints.append(endpoint)

    def slow_down(self) -> None:
        self.refusals += 1


class Script:
    """An App that answers what the test says and keeps what it was asked."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.requests: list[Request] = []

    def handle(self, request: Request) -> Response:
        with self._lock:
            self.requests.append(request)
            return self._answer(request)


def in_turn(*answers: Response) -> Script:
    """One answer after the other; the last one for ever."""
    left = list(answers)
    return Script(lambda _: left.pop(0) if len(left) > 1 else left[0])


def answer(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    merged = {"Content-Type": "application/json", "Request-Id": "req_1", **(headers or {})}
    return Response(status=status, headers=merged, body=body if isinstance(body, bytes) else orjson.dumps(body))


def error(status: int, *, headers: Mapping[str, str] | None = None, **fields: str) -> Response:
    return answer(
        {"error": {"type": "invalid_request_error", "message": "no", **fields}}, status=status, headers=headers
    )


def form_of(request: Request) -> dict[str, str]:
    text = request.body.decode() if request.method == "POST" else request.query
    return dict(parse_qsl(text, keep_blank_values=True))


def _mapping(kind: str, stripe_object: str, born: Side) -> KindMapping:
    return KindMapping(
        kind=kind,
        nature=Nature.DOCUMENT,
        born=born,
        lifecycle=kind,
        tier=0,
        needs=(),
        born_by_need=False,
        salesforce=SalesforceSpec(object=f"{kind}__c", marker="Stripe_Id__c"),
        stripe=StripeSpec(object=stripe_object),
        fields=(),
    )


def stripe_pack() -> Pack:
    """The kinds of the shipped pack as far as the Stripe adapter looks: their Stripe objects."""
    kinds = [
        _mapping("product", "product", Side.SALESFORCE),
        _mapping("customer", "customer", Side.SALESFORCE),
        _mapping("quote", "quote", Side.SALESFORCE),
        _mapping("invoice", "invoice", Side.SALESFORCE),
        _mapping("payment", "payment", Side.STRIPE),
        _mapping("offline_payment", "payment_record", Side.SALESFORCE),
    ]
    return Pack(name="test", kinds={mapping.kind: mapping for mapping in kinds}, digest="test")


def session_to(app: App, **settings: Any) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount(API_BASE, InProcessAdapter(app, **settings))
    return session


def connect_to(
    app: App,
    *,
    api_key: str = TEST_KEY,
    clock: StepClock | None = None,
    limiter: Any = None,
    attempts: int = 3,
    session: requests.Session | None = None,
    **options: Any,
) -> StripeSystem:
    clock = clock or StepClock()
    return connect(
        StripeOptions(api_key=api_key, api_base=API_BASE, org_id=ORG_ID, **options),
        pack=stripe_pack(),
        clock=clock,
        caller=Caller(policies=uniform(attempts=attempts, jitter=0), clock=clock, chance=lambda: 0.0),
        limiter=limiter or NoLimit(),
        session_factory=lambda: session or session_to(app),
    )


def client_to(app: App, *, key: str = TEST_KEY, attempts: int = 2) -> Client:
    clock = StepClock()
    return Client(
        StripeOptions(api_key=key, api_base=API_BASE),
        caller=Caller(policies=uniform(attempts=attempts, jitter=0), clock=clock, chance=lambda: 0.0),
        limiter=NoLimit(),
        session_factory=lambda: session_to(app),
    )


def inspector_of(app: App, *, key: str = TEST_KEY, pack: Pack | None = None, **options: Any) -> StripeInspector:
    return StripeInspector(client=client_to(app, key=key), pack=pack or stripe_pack(), options=options)


def operation(
    kind: str,
    action: str,
    body: dict[str, Any],
    *,
    target_id: str | None = None,
    born_id: str = "a00000000000001AAA",
    idempotency_key: str | None = None,
    state: OperationState = OperationState.SENT,
) -> Operation:
    return Operation(
        born=Key(side=Side.SALESFORCE, kind=kind, id=born_id),
        target=Side.STRIPE,
        action=action,
        target_id=target_id,
        body=encode_body(body),
        revision=1,
        idempotency_key=idempotency_key or f"connector-{kind}-{action}-{born_id}",
        state=state,
    )


def outcomes_of(system: StripeSystem, operations: Sequence[Operation]) -> list[Any]:
    """Applies the operations; their outcomes in the order of the operations."""
    outcomes: dict[str, Any] = {}
    system.apply(operations, lambda each, outcome: outcomes.__setitem__(each.idempotency_key, outcome))
    return [outcomes[each.idempotency_key] for each in operations]
