"""What this adapter relies on in the stripe SDK. An upgrade that changes any of it fails here, by name."""

from __future__ import annotations

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
import stripe

import connector
from connector.sandbox.http import Response
from connector.sandbox.transport import InProcessAdapter
from connector.stripe import API_VERSION
from connector.stripe import client as client_module
from connector.stripe.client import Call
from connector.stripe.events import EVENT_TYPES, HEARD_TYPES
from connector.stripe.resources import RESOURCES
from connector.stripe.session import Tap, build_session
from connector.stripe.writes import STEPS
from tests.support.stripe import API_BASE, TEST_KEY, Script, answer, connect_to, error, form_of, in_turn, session_to

FACTS = Path(connector.__file__).parent / "data" / "stripe"


def sdk_over(http_client):
    return stripe.StripeClient(
        TEST_KEY, base_addresses={"api": API_BASE}, max_network_retries=0, http_client=http_client
    )


def tap_over(app, session=None):
    return Tap(timeout_s=(1, 1), session=session or session_to(app))


FAILURES = [
    error(400, code="parameter_unknown", param="foo"),
    error(400, type="idempotency_error"),
    error(401),
    error(402, code="card_declined", type="card_error"),
    error(403),
    error(404, code="resource_missing", param="id"),
    error(409, code="idempotency_key_in_use"),
    error(429, code="rate_limit"),
    error(500, type="api_error", headers={"Idempotent-Replayed": "true"}),
    answer(b"<html>", status=502),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_the_tap_leaves_errors_to_the_sdk(failure):
    def raised_by(http_client):
        with pytest.raises(stripe.StripeError) as raised:
            sdk_over(http_client).raw_request("post", "/v1/invoices", idempotency_key="key")
        found = raised.value
        return type(found), str(found), found.code, found.http_status, found.request_id, dict(found.headers)

    app = Script(lambda _: failure)
    assert raised_by(tap_over(app)) == raised_by(stripe.RequestsClient(session=session_to(app)))


def test_the_tap_takes_a_successful_body_before_the_sdk_parses_it():
    tap = tap_over(Script(lambda _: answer({"id": "in_1", "amount": 12})))
    response = sdk_over(tap).raw_request("get", "/v1/invoices/in_1")
    assert response.data == {}
    assert response.code == 200
    assert response.headers["request-id"] == "req_1"
    assert json.loads(tap.take()) == {"id": "in_1", "amount": 12}


def test_a_body_is_taken_once_and_never_left_over_for_the_next_request():
    tap = tap_over(in_turn(answer({"id": "in_1"}), answer({"id": "in_2"}), error(500, type="api_error")))
    sdk = sdk_over(tap)
    sdk.raw_request("get", "/v1/invoices/in_1")
    tap.take()
    with pytest.raises(AssertionError, match="bypassed"):
        tap.take()
    sdk.raw_request("get", "/v1/invoices/in_2")
    with pytest.raises(stripe.APIError):
        sdk.raw_request("get", "/v1/invoices/in_3")
    with pytest.raises(AssertionError, match="bypassed"):
        tap.take()


def test_an_sdk_that_goes_around_the_tap_is_noticed_at_the_first_request(monkeypatch):
    """As if an upgrade called another method of the transport."""
    monkeypatch.setattr(Tap, "request", stripe.RequestsClient.request)
    system = connect_to(Script(lambda _: answer({"id": "acct_1", "object": "account"})))
    with pytest.raises(AssertionError, match="the tap is bypassed"):
        system.identify()


def test_each_thread_gets_the_body_of_its_own_request():
    barrier = threading.Barrier(8, timeout=60)

    class Mirror:
        def handle(self, request):
            barrier.wait()
            return answer({"id": request.path.rsplit("/", 1)[1]})

    tap = tap_over(Mirror())
    sdk = sdk_over(tap)

    def body_of(name):
        sdk.raw_request("get", f"/v1/invoices/{name}")
        return json.loads(tap.take())["id"]

    names = [f"in_{number}" for number in range(64)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(body_of, names)) == names


def test_a_write_carries_key_version_and_credentials_and_no_telemetry():
    app = Script(lambda _: answer({"id": "cus_1", "object": "customer"}))
    client = connect_to(app)._client
    for number in range(2):
        call = Call(
            method="post", template="/v1/customers", params={"name": "A"}, idempotency_key=f"connector-{number}"
        )
        client.send(call)
    for number, request in enumerate(app.requests):
        assert request.headers["idempotency-key"] == f"connector-{number}"
        assert request.headers["stripe-version"] == API_VERSION
        assert request.headers["authorization"] == f"Bearer {TEST_KEY}"
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert "x-stripe-client-telemetry" not in request.headers
        assert "telemetry_id" not in json.loads(request.headers["x-stripe-client-user-agent"])


def test_a_write_without_a_key_is_never_sent():
    app = Script(lambda _: answer({"id": "cus_1"}))
    with pytest.raises(AssertionError, match="idempotency key"):
        connect_to(app)._client.send(Call(method="post", template="/v1/customers"))
    assert app.requests == []


def test_the_sdk_itself_never_tries_again():
    app = Script(lambda _: error(500, type="api_error", headers={"Stripe-Should-Retry": "true"}))
    with pytest.raises(stripe.APIError):
        connect_to(app)._client._sdk.raw_request("get", "/v1/events")
    assert len(app.requests) == 1


def test_lists_and_hashes_reach_stripe_with_index_and_brackets():
    app = Script(lambda _: answer({"object": "list", "data": [], "has_more": False}))
    list(connect_to(app)._client.pages("/v1/events", {"types": ["a", "b"], "created": {"gte": 5}}))
    assert form_of(app.requests[0]) == {"limit": "100", "types[0]": "a", "types[1]": "b", "created[gte]": "5"}


def test_an_id_cannot_break_out_of_its_path():
    app = Script(lambda _: answer({"id": "x", "object": "invoice"}))
    connect_to(app)._client.send(Call(method="get", template="/v1/invoices/{id}", id="in_1/../../v1/refunds?a=b"))
    assert app.requests[0].path == "/v1/invoices/in_1%2F..%2F..%2Fv1%2Frefunds%3Fa%3Db"
    assert app.requests[0].query == ""


# -- the session -----------------------------------------------------------------------


def built_over(app):
    session = build_session(api_base=API_BASE, connections=3)
    session.mount(API_BASE, InProcessAdapter(app))
    return session


def test_a_netrc_entry_does_not_replace_our_credentials(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine stripe.test login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    app = Script(lambda _: answer({"id": "acct_1", "object": "account"}))
    connect_to(app, session=built_over(app)).identify()
    assert app.requests[0].headers["authorization"] == f"Bearer {TEST_KEY}"


def test_proxies_of_the_environment_are_used(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert build_session(api_base="https://api.stripe.com", connections=1).proxies["https"] == "http://proxy.test:3128"
    assert build_session(api_base="http://127.0.0.1:12111", connections=1).proxies == {}


def test_a_redirect_is_an_error_and_not_followed():
    app = Script(lambda _: Response(status=303, headers={"Location": f"{API_BASE}/v1/other"}))
    with pytest.raises(stripe.APIConnectionError):
        sdk_over(tap_over(app, session=built_over(app))).raw_request("post", "/v1/customers", name="A")
    assert len(app.requests) == 1


def test_cookies_are_not_kept():
    app = Script(lambda _: answer({"id": "acct_1", "object": "account"}, headers={"Set-Cookie": "a=b; Path=/"}))
    session = built_over(app)
    sdk = sdk_over(tap_over(app, session=session))
    sdk.raw_request("get", "/v1/account")
    sdk.raw_request("get", "/v1/account")
    assert "cookie" not in app.requests[1].headers


def test_the_pool_holds_a_connection_for_each_worker():
    adapter = build_session(api_base=API_BASE, connections=7).get_adapter("https://api.stripe.com")
    assert adapter._pool_maxsize == 7
    assert adapter.max_retries.total == 0


def test_timeouts_reach_the_socket(monkeypatch):
    seen = {}

    class Adapter(InProcessAdapter):
        def send(self, request, **kwargs):
            seen["timeout"] = kwargs["timeout"]
            return super().send(request, **kwargs)

    session = requests.Session()
    session.mount(API_BASE, Adapter(Script(lambda _: answer({"id": "acct_1", "object": "account"}))))
    connect_to(None, session=session, timeout_s=(3.0, 21.0)).identify()
    assert seen["timeout"] == (3.0, 21.0)


# -- facts -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spec():
    return json.loads(gzip.decompress((FACTS / "spec.json.gz").read_bytes()))


def test_the_pinned_version_is_the_one_the_facts_and_the_sdk_speak(spec):
    assert spec["info"]["version"] == API_VERSION
    assert stripe.api_version == API_VERSION


def test_every_write_exists_in_the_api_description(spec):
    paths = {_normal(path): operations for path, operations in spec["paths"].items()}
    for step in STEPS.values():
        assert step.method in paths[_normal(step.template)], step


def test_every_list_exists_with_the_filters_we_use(spec):
    def filters(path):
        return {parameter["name"] for parameter in spec["paths"][path]["get"]["parameters"]}

    for resource in RESOURCES.values():
        assert {"limit", "starting_after", "expand"} <= filters(resource.collection)
    assert {"types", "created"} <= filters("/v1/events")
    assert {"created_after"} <= filters("/v1/payment_records")
    assert {"payment", "status"} <= filters("/v1/invoice_payments")
    assert {"customer"} <= filters("/v1/invoices")


def test_every_event_type_we_read_exists_and_they_fit_into_one_call():
    known = json.loads((FACTS / "events.json").read_text())["snapshot_events"]
    assert set(EVENT_TYPES) < set(HEARD_TYPES) <= set(known)
    assert len(EVENT_TYPES) == len(set(EVENT_TYPES)) <= 20


def test_the_kinds_rights_are_tried_on_lists_that_exist(spec):
    from connector.stripe.rights import READS

    assert {template for templates in READS.values() for template in templates} <= set(spec["paths"])


def test_the_default_address_is_the_sdks():
    assert client_module.API_BASE == stripe.DEFAULT_API_BASE


def _normal(path):
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
