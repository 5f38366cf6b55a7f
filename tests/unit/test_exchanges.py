"""Each request to either system is told once, with its code, its time and the system's own id of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import pytest
import requests

from connector.core.errors import ConnectorError
from connector.core.model import Side
from connector.core.retry import uniform
from connector.remote import Caller, Exchange
from connector.salesforce.auth import TokenProvider
from connector.salesforce.client import Client as SalesforceClient
from connector.salesforce.session import GatewaySession
from connector.sandbox.http import Response
from connector.stripe.client import Call, StripeOptions
from connector.stripe.client import Client as StripeClient
from tests.support import salesforce, stripe
from tests.support.clock import ManualClock


@dataclass
class Ground:
    """Both systems answer by the same script; what was told, in its order."""

    clock: ManualClock = field(default_factory=ManualClock)
    told: list[Exchange] = field(default_factory=list)

    def caller(self, attempts: int) -> Caller:
        return Caller(policies=uniform(attempts=attempts), clock=self.clock, chance=lambda: 0.0, heard=self.told.append)

    def ask(self, side: Side, carrier: requests.Session, *, attempts: int = 1) -> None:
        """One call, whatever comes of it."""
        caller = self.caller(attempts)
        with contextlib.suppress(ConnectorError):
            if side is Side.SALESFORCE:
                options = salesforce.token_options()
                session = GatewaySession(options, carrier=carrier, ear=caller.ear(side))
                tokens = TokenProvider(options, session=session, clock=self.clock)
                client = SalesforceClient(tokens=tokens, session=session, caller=caller, api_version="67.0")
                client.call("GET", "sobjects", action="describe")
            else:
                options = StripeOptions(api_key=stripe.TEST_KEY, api_base=stripe.API_BASE)
                StripeClient(options, caller=caller, limiter=stripe.NoLimit(), session_factory=lambda: carrier).send(
                    Call(method="get", template="/v1/account")
                )


@pytest.fixture
def ground():
    return Ground()


def answering(ground: Ground, *answers: Response) -> requests.Session:
    """A server that takes 0.25 s for each answer."""
    left = list(answers)

    def slowly(_request):
        ground.clock.sleep(0.25)
        return left.pop(0)

    return salesforce.carrier_of(stripe.Script(slowly))


class Broken(requests.adapters.BaseAdapter):
    """A way that fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def send(self, *_args, **_given):
        raise self.error

    def close(self) -> None:
        pass


def over(way: Broken) -> requests.Session:
    carrier = requests.Session()
    for scheme in ("https://", "http://"):
        carrier.mount(scheme, way)
    return carrier


BOTH = pytest.mark.parametrize("side", list(Side))
ANSWER = {"object": "account", "id": "acct_1"}


@BOTH
def test_an_answer_is_told_with_its_status_and_its_time(ground, side):
    request_ids = {"Request-Id": "req_7", "X-SFDC-Request-Id": "req_7"}
    ground.ask(side, answering(ground, stripe.answer(ANSWER, headers=request_ids)))
    assert ground.told == [Exchange(side=side, code="200", took_s=0.25, request_id="req_7")]


@BOTH
@pytest.mark.parametrize("status", [429, 503])
def test_every_attempt_is_told_on_its_own(ground, side, status):
    refused = Response(status=status, body=b"{}", headers={"Content-Type": "application/json"})
    ground.ask(side, answering(ground, refused, stripe.answer(ANSWER)), attempts=2)
    assert [(exchange.side, exchange.code) for exchange in ground.told] == [(side, str(status)), (side, "200")]


@BOTH
def test_a_redirect_is_told_as_the_answer_it_is(ground, side):
    ground.ask(side, answering(ground, Response(status=302, headers={"Location": "https://elsewhere.test/"})))
    assert [exchange.code for exchange in ground.told] == ["302"]


@BOTH
@pytest.mark.parametrize(
    ("error", "code"), [(requests.ReadTimeout("t"), "timeout"), (requests.ConnectionError("c"), "connection")]
)
def test_no_answer_is_told_once_by_why(ground, side, error, code):
    carrier = over(Broken(error))
    ground.ask(side, carrier)
    assert [(exchange.side, exchange.code) for exchange in ground.told] == [(side, code)]


@BOTH
def test_a_body_that_breaks_off_is_told_once_and_not_as_an_answer(ground, side):
    class Torn:
        def read(self, *_args, **_given):
            raise requests.exceptions.ChunkedEncodingError("torn")

    class Tearing(Broken):
        def send(self, request, **_given):
            response = requests.Response()
            response.status_code, response.request, response.url = 200, request, request.url
            response.raw = Torn()
            return response

    carrier = over(Tearing(RuntimeError()))
    ground.ask(side, carrier)
    assert [exchange.code for exchange in ground.told] == ["other"]
