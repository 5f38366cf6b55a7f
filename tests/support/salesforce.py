"""What tests of the Salesforce side share: an org in process, scripted answers, operations, a connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import requests

from connector.config.mapping_loader import load_pack
from connector.core.body import encode_body
from connector.core.model import Key, Operation, Side
from connector.core.retry import uniform
from connector.remote import Caller
from connector.salesforce import AuthKind, SalesforceOptions, SalesforceSystem, connect
from connector.salesforce.auth import TokenProvider
from connector.salesforce.client import Client
from connector.salesforce.session import GatewaySession
from connector.salesforce.writes import Writer
from connector.sandbox.clock import ManualClock as SandboxClock
from connector.sandbox.http import App, Request, Response
from connector.sandbox.salesforce.org import Org
from connector.sandbox.transport import InProcessAdapter
from tests.support.clock import DEFAULT_START, ManualClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.mapping import Pack
    from connector.core.model import Outcome

BASE_URL = "http://127.0.0.1:8001"
#: an Account id of a real org (recordings)
ACCOUNT_ID = "0015500001QdRaYAAV"
TOKEN = "00D000000000001!AQEtest"
PACK_FOLDER = Path(__file__).parents[2] / "mappings" / "cpq-billing"
Step = Response | Exception | Callable[[Request], Response]


def shipped_pack() -> Pack:
    return load_pack(PACK_FOLDER)


class OneClock(ManualClock):
    """Time of the connector and of the org: both stand still together."""

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = SandboxClock(DEFAULT_START)

    def advance(self, by: Any) -> None:
        super().advance(by)
        self.sandbox.advance(by)


class Script:
    """An App that answers from a list, in order, and keeps what it was asked."""

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self.requests: list[Request] = []

    def handle(self, request: Request) -> Response:
        self.requests.append(request)
        assert self._steps, f"nothing scripted for {request.method} {request.path}"
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Response) else step(request)

    @property
    def is_done(self) -> bool:
        return not self._steps


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {
        "Date": "Mon, 02 Nov 2026 09:00:00 GMT",
        **{key.replace("_", "-"): value for key, value in headers.items()},
    }
    return Response(status=status, headers=named, body=content)


def refusal(code: str, status: int = 400, message: str = "no", **headers: str) -> Response:
    return answer([{"errorCode": code, "message": message}], status, **headers)


def token_options(**changes: Any) -> SalesforceOptions:
    options = SalesforceOptions(auth=AuthKind.TOKEN, instance_url=BASE_URL, access_token=TOKEN, margin_s=0)
    return replace(options, **changes)


def client_options(org: Org, **changes: Any) -> SalesforceOptions:
    """Signs in to the org by client credentials."""
    options = SalesforceOptions(
        auth=AuthKind.CLIENT_CREDENTIALS,
        login_url=BASE_URL,
        client_id=org.client_id,
        client_secret=org.client_secret,
        margin_s=0,
    )
    return replace(options, **changes)


def carrier_of(app: App) -> requests.Session:
    carrier = requests.Session()
    for scheme in ("https://", "http://"):
        carrier.mount(scheme, InProcessAdapter(app))
    return carrier


def caller_of(clock: ManualClock, attempts: int = 5) -> Caller:
    return Caller(policies=uniform(attempts=attempts), clock=clock, chance=lambda: 0.0)


def client_of(
    app: App, options: SalesforceOptions | None = None, *, clock: ManualClock | None = None, attempts: int = 5
) -> Client:
    options = options or token_options()
    clock = clock or ManualClock()
    session = GatewaySession(options, carrier=carrier_of(app))
    tokens = TokenProvider(options, session=session, clock=clock)
    return Client(tokens=tokens, session=session, caller=caller_of(clock, attempts), api_version=options.api_version)


class Bench:
    """An org and the connector's system on it, in process, on one clock."""

    def __init__(self, *, pack: Pack | None = None, **org_settings: Any) -> None:
        self.clock = OneClock()
        self.org = Org(clock=self.clock.sandbox, seed=7, **org_settings)
        self.pack = pack or shipped_pack()
        self.system = self.connect()

    def connect(self, *, attempts: int = 5, **changes: Any) -> SalesforceSystem:
        return connect(
            client_options(self.org, **changes),
            pack=self.pack,
            clock=self.clock,
            caller=caller_of(self.clock, attempts),
            session=carrier_of(self.org),
        )

    def currency(self) -> dict[str, str]:
        return {"CurrencyIsoCode": "USD"} if self.org.multi_currency else {}

    def account(self, name: str = "Acme GmbH") -> str:
        return self.org.create("Account", {"Name": name, **self.currency()})

    def invoice(self, account: str, status: str = "Posted", lines: int = 0) -> str:
        invoice = self.org.create(
            "blng__Invoice__c",
            {
                "blng__Account__c": account,
                "blng__InvoiceDate__c": "2026-11-01",
                "blng__DueDate__c": "2026-12-01",
                "blng__InvoiceStatus__c": status,
                **self.currency(),
            },
        )
        for _ in range(lines):
            self.line(invoice)
        return invoice

    def line(self, invoice: str, subtotal: str = "100.10", **fields: Any) -> str:
        amount = Decimal(subtotal)
        return self.org.create(
            "blng__InvoiceLine__c",
            {
                "blng__Invoice__c": invoice,
                "blng__Subtotal__c": amount,
                "blng__TotalAmount__c": amount,
                "blng__Quantity__c": 1,
                **self.currency(),
                **fields,
            },
        )

    def apply(self, *operations: Operation, system: SalesforceSystem | None = None) -> dict[str, Outcome]:
        """Outcomes by the operation's idempotency key; each reported exactly once."""
        outcomes: dict[str, Outcome] = {}

        def note(operation: Operation, outcome: Outcome) -> None:
            assert operation.idempotency_key not in outcomes
            outcomes[operation.idempotency_key] = outcome

        (system or self.system).apply(operations, note)
        return outcomes


def update_of(name: str, record_id: str, fields: Mapping[str, Any], *, key: str | None = None) -> Operation:
    return Operation(
        born=Key(side=Side.SALESFORCE, kind="invoice", id=record_id),
        target=Side.SALESFORCE,
        action="update",
        target_id=record_id,
        body=encode_body({"object": name, "fields": dict(fields)}),
        revision=1,
        idempotency_key=key or record_id,
        attempts=1,
    )


def upsert_of(
    name: str, marker: str, fields: Mapping[str, Any], *, attempts: int = 1, key: str | None = None
) -> Operation:
    return Operation(
        born=Key(side=Side.STRIPE, kind="payment", id=marker),
        target=Side.SALESFORCE,
        action="create",
        target_id=None,
        body=encode_body(
            {"object": name, "fields": dict(fields), "external_id": {"field": "Stripe_Id__c", "value": marker}}
        ),
        revision=1,
        idempotency_key=key or marker,
        attempts=attempts,
    )


class Faults:
    """Plays a fault for the n-th writing call, before or after the org did it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.before: list[Response | Exception | None] = []
        self.after: list[Response | Exception | None] = []
        self.bodies: list[dict] = []
        bench.org.faults = self

    def __call__(self, request):
        if request.method != "PATCH":
            return None
        self.bodies.append(orjson.loads(request.body))
        fault = self.before.pop(0) if self.before else None
        if fault is not None:
            return self._play(fault)
        fault = self.after.pop(0) if self.after else None
        if fault is None:
            return None
        self.bench.org.faults = None
        self.bench.org.handle(request)
        self.bench.org.faults = self
        return self._play(fault)

    @staticmethod
    def _play(fault):
        if isinstance(fault, Exception):
            raise fault
        return fault


def payment_fields(bench, account, **fields):
    return {"blng__Account__c": account, "blng__Amount__c": Decimal("50.10"), **bench.currency(), **fields}


def result_row(success=True, record_id=ACCOUNT_ID, code=None, message="no", **more):
    errors = [] if code is None else [{"statusCode": code, "message": message, "fields": []}]
    return {"id": record_id if success else None, "success": success, "errors": errors, **more}


def outcomes_of(client, *operations):
    found = {}
    Writer(client=client).apply(
        operations, lambda operation, outcome: found.setdefault(operation.idempotency_key, outcome)
    )
    return found
