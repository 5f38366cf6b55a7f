"""The gateway, and the ten traps of simple-salesforce (platform.md C) one by one."""

from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest
import requests

from connector.core.errors import Ambiguous, ConfigError, Refused, Throttled, Transient, Unauthorised
from connector.core.quota import Quota
from connector.salesforce.client import encode
from connector.salesforce.composite import Query, SubRequest
from connector.salesforce.describes import fetch_org_shape
from connector.salesforce.session import DecimalResponse, GatewaySession, parse_quota
from connector.sandbox.salesforce.org import Org
from connector.sandbox.transport import InProcessAdapter
from tests.support.clock import ManualClock
from tests.support.salesforce import (
    BASE_URL,
    OneClock,
    Script,
    answer,
    client_of,
    client_options,
    refusal,
    shipped_pack,
    token_options,
)

GET = {"action": "read", "write": False}
PATCH = {"action": "write", "write": True, "content": {"x": 1}}
EXPIRED = refusal("INVALID_SESSION_ID", 401, "Session expired or invalid")


def page(*rows, done=True, locator=None):
    body = {"totalSize": len(rows), "done": done, "records": list(rows)}
    if locator:
        body["nextRecordsUrl"] = f"/services/data/v67.0/query/{locator}"
    return body


def composite(*bodies, status=200):
    parts = [
        {"body": body, "httpStatusCode": status, "httpHeaders": {}, "referenceId": f"r{place}"}
        for place, body in enumerate(bodies)
    ]
    return answer({"compositeResponse": parts})


def signed_in(*steps):
    """A client with credentials, so that it can sign in again, and the org's answers after the sign-in."""
    tokens = iter(range(1, 100))

    def grant(_):
        return answer({"access_token": f"t-{next(tokens)}", "instance_url": BASE_URL})

    script = Script(*(grant if step == "grant" else step for step in steps))
    org = Org(clock=OneClock().sandbox, seed=1)
    return script, client_of(script, client_options(org))


# -- 1: a persistent 401 recursed until the interpreter gave up


def test_trap_1_a_second_401_after_one_new_sign_in_is_the_end():
    script, client = signed_in("grant", EXPIRED, "grant", EXPIRED)
    with pytest.raises(Unauthorised) as caught:
        client.call("GET", "limits", action="read")
    assert caught.value.code == "INVALID_SESSION_ID"
    assert script.is_done


# -- 2: headers were lost on the replay


def test_trap_2_headers_and_body_go_out_again_with_the_new_token():
    script, client = signed_in("grant", EXPIRED, "grant", answer([{"ok": 1}]))
    client.call_once(
        "PATCH", "composite/sobjects", **PATCH, headers={"If-Unmodified-Since": "Mon, 02 Nov 2026 09:00:00 GMT"}
    )
    first, second = script.requests[1], script.requests[3]
    assert first.headers["authorization"] == "Bearer t-1"
    assert second.headers["authorization"] == "Bearer t-2"
    for request in (first, second):
        assert request.headers["if-unmodified-since"] == "Mon, 02 Nov 2026 09:00:00 GMT"
        assert request.body == b'{"x":1}'


def test_an_expired_session_in_the_middle_of_a_read_is_not_noticed_by_the_caller():
    clock = OneClock()
    org = Org(clock=clock.sandbox, seed=1)
    client = client_of(org, client_options(org), clock=clock)
    first = client.queries([Query(text="SELECT Id FROM User", action="x")])
    org.expire_tokens()
    assert client.queries([Query(text="SELECT Id FROM User", action="x")]) == first
    assert len(first[0]) > 0


# -- 3: an HTML or object body of a 401 raised JSONDecodeError or KeyError


@pytest.mark.parametrize("body", [b"<html>Unauthorized</html>", b"", b'{"error":"x"}', b"[]"])
def test_trap_3_a_401_with_any_body_means_signing_in_again(body):
    script, client = signed_in("grant", answer(body, 401), "grant", answer({"ok": True}))
    assert client.call("GET", "limits", action="read").body == {"ok": True}
    assert script.is_done


# -- 4: floats for money


def test_trap_4_no_number_of_a_reply_is_a_float():
    client = client_of(Script(answer(b'{"a":0.1,"b":100.10,"c":3,"d":1e3,"e":[{"f":-0.30}]}')))
    body = client.call("GET", "sobjects/x", action="read").body
    assert body == {
        "a": Decimal("0.1"),
        "b": Decimal("100.10"),
        "c": 3,
        "d": Decimal("1E+3"),
        "e": [{"f": Decimal("-0.30")}],
    }
    assert not [value for value in (body["a"], body["b"], body["d"], body["e"][0]["f"]) if isinstance(value, float)]
    assert isinstance(body["c"], int)


def test_trap_4_no_number_of_a_request_passes_through_a_float():
    assert encode({"a": Decimal("0.10"), "b": Decimal("12345678901234567.89"), "c": Decimal("1E+2")}) == (
        b'{"a":0.10,"b":12345678901234567.89,"c":100}'
    )
    with pytest.raises(TypeError):
        encode({"a": Decimal("NaN")})


def test_a_constant_that_is_no_json_number_is_no_reply():
    with pytest.raises(Transient):
        client_of(Script(answer(b'{"a":NaN}')), attempts=1).call("GET", "x", action="read")


# -- 5: no time-out anywhere


def test_trap_5_every_request_has_both_time_outs(monkeypatch):
    seen = []
    original = InProcessAdapter.send

    def send(self, request, **kwargs):
        seen.append(kwargs["timeout"])
        return original(self, request, **kwargs)

    monkeypatch.setattr(InProcessAdapter, "send", send)
    org = Org(clock=OneClock().sandbox, seed=1)
    client = client_of(org, client_options(org, timeout_s=7.0, connect_timeout_s=2.0))
    client.queries([Query(text="SELECT Id FROM User", action="x")])
    assert seen == [(2.0, 7.0), (2.0, 7.0)]


def test_trap_5_failures_that_pass_are_retried_with_growing_waits():
    clock = ManualClock()
    script = Script(requests.ReadTimeout("x"), refusal("UNABLE_TO_LOCK_ROW"), answer(b"", 503), answer({"ok": 1}))
    assert client_of(script, clock=clock).call("GET", "x", action="read").body == {"ok": 1}
    assert clock.slept_s == [0.5, 1.0, 2.0]


# -- 6: https and .salesforce.com hard-coded


def test_trap_6_a_plain_http_instance_with_a_port_is_reached(monkeypatch):
    script = Script(answer({}))
    sent = []
    original = InProcessAdapter.send
    monkeypatch.setattr(
        InProcessAdapter,
        "send",
        lambda self, request, **kwargs: sent.append(request.url) or original(self, request, **kwargs),
    )
    client_of(script, token_options(instance_url="http://127.0.0.1:8001")).call("GET", "limits", action="read")
    assert sent == ["http://127.0.0.1:8001/services/data/v67.0/limits"]


def test_trap_6_next_pages_stay_on_the_instance():
    script = Script(composite(page({"Id": "1"}, done=False, locator="01gX-2000")), answer(page({"Id": "2"})))
    rows = client_of(script).queries([Query(text="SELECT Id FROM User", action="x")])
    assert rows == [[{"Id": "1"}, {"Id": "2"}]]
    assert script.requests[1].path == "/services/data/v67.0/query/01gX-2000"
    assert script.requests[1].headers["host"] == "127.0.0.1:8001"


# -- 7: bulk handlers keep a stale token and block: never reached


def test_trap_7_every_call_uses_the_token_of_that_moment():
    script, client = signed_in("grant", answer({}), EXPIRED, "grant", answer({}), answer({}))
    for _ in range(3):
        client.call("GET", "limits", action="read")
    sent = [request.headers.get("authorization") for request in script.requests if "oauth2" not in request.path]
    assert sent == ["Bearer t-1", "Bearer t-1", "Bearer t-2", "Bearer t-2"]


# -- 8: the quota header was lost on writes and errors


@pytest.mark.parametrize("status", [200, 403, 500])
def test_trap_8_the_quota_is_known_after_success_and_error(status):
    reply = answer([{"errorCode": "X", "message": "x"}], status, Sforce_Limit_Info="api-usage=18/5000")
    client = client_of(Script(reply), attempts=1)
    assert client.quota is None
    try:
        client.call("PATCH", "composite/sobjects", action="write", write=True, content={})
    except (Refused, Ambiguous):
        assert status != 200
    assert client.quota == Quota(used=18, total=5000)


@pytest.mark.parametrize(
    ("header", "usage"),
    [
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=x)", Quota(used=25, total=5000)),
        ("per-app-api-usage=17/250(appName=x); api-usage=25/5000", Quota(used=25, total=5000)),
        ("api-bursts=1/750", None),
        ("", None),
    ],
)
def test_the_quota_header_in_all_its_forms(header, usage):
    assert parse_quota(header) == usage


# -- 9: exceptions with URL and body, pretty-printing, no name


def test_trap_9_no_query_body_or_token_gets_into_an_exception():
    quoted = "\nSELECT Id FROM Account WHERE Name='Jane'\n ^\nERROR at Row:1:Column:9\nNo such column 'X'"
    for failure in (refusal("INVALID_FIELD", message=quoted), requests.ConnectionError("/query?q=Jane")):
        with pytest.raises((Refused, Transient)) as caught:
            client_of(Script(failure), attempts=1).call("GET", "query?q=Jane", action="fetch customer")
        chain = [caught.value, caught.value.__cause__]
        if not caught.value.__suppress_context__:
            chain.append(caught.value.__context__)
        text = " ".join(f"{error!s} {error!r}" for error in chain if error is not None)
        assert "Jane" not in text
        assert "AQEtest" not in text
        assert "fetch customer" in text


def test_trap_9_requests_name_us_and_ask_for_no_pretty_printing():
    script = Script(answer({}))
    client_of(script, token_options(user_agent="connector/1.2")).call("GET", "limits", action="read")
    headers = script.requests[0].headers
    assert headers["user-agent"] == "connector/1.2"
    assert headers["sforce-call-options"] == "client=connector"
    assert "x-prettyprint" not in headers


# -- 10: a typo becomes an object, a refresh is not thread-safe


def test_trap_10_the_client_offers_no_object_by_attribute():
    with pytest.raises(AttributeError):
        client_of(Script()).Acount  # noqa: B018 - the access is the test


# -- replies that are none


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b"", b'{"cut'])
def test_a_200_that_is_not_json_is_retried_on_a_read_and_in_doubt_on_a_write(body):
    script = Script(answer(body), answer({"ok": 1}))
    assert client_of(script).call("GET", "x", action="read").body == {"ok": 1}
    with pytest.raises(Ambiguous):
        client_of(Script(answer(body))).call_once("PATCH", "x", **PATCH)


def test_a_redirect_is_not_followed():
    script = Script(answer(b"", 302, Location="https://evil.example/"))
    with pytest.raises(Refused):
        client_of(script).call("GET", "x", action="read")
    assert len(script.requests) == 1


def test_an_empty_list_is_an_answer():
    assert client_of(Script(answer([]))).call("GET", "x", action="read").body == []


def test_a_netrc_entry_does_not_replace_the_token(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    script = Script(answer({}))
    client_of(script).call("GET", "x", action="read")
    assert script.requests[0].headers["authorization"].startswith("Bearer ")


def test_the_servers_clock_is_read_from_its_replies():
    reply = client_of(Script(answer({}))).call("GET", "x", action="read")
    assert reply.server_now == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


# -- the day's quota is spent


def test_a_spent_quota_is_not_asked_again():
    script = Script(refusal("REQUEST_LIMIT_EXCEEDED", 403, "TotalRequests Limit exceeded."))
    with pytest.raises(Throttled):
        client_of(script).call("GET", "x", action="read")
    assert script.is_done


# -- composite


def test_queries_travel_five_to_a_call_and_other_reads_beside_them():
    script = Script(composite(*[page()] * 5, *[{"d": 1}] * 20), composite(*[page()] * 2, *[{"d": 1}] * 2))
    wanted = [Query(text=f"SELECT Id FROM Q{place}", action="q").request() for place in range(7)]
    wanted += [SubRequest(path=f"sobjects/O{place}/describe", action="d") for place in range(22)]
    replies = client_of(script).composite(wanted)
    assert [reply.body for reply in replies] == [page()] * 7 + [{"d": 1}] * 22
    sizes = [len(orjson.loads(request.body)["compositeRequest"]) for request in script.requests]
    assert sizes == [25, 4]


def test_a_failing_part_fails_the_call_and_is_retried_with_it():
    bad = [{"errorCode": "QUERY_TIMEOUT", "message": "x"}]
    script = Script(composite(bad, status=400), composite(page({"Id": "1"})))
    assert client_of(script).queries([Query(text="SELECT Id FROM User", action="x")]) == [[{"Id": "1"}]]


@pytest.mark.parametrize("body", [{"status": "portal"}, [], "welcome", {"compositeResponse": []}])
def test_a_composite_reply_of_another_form_is_no_answer(body):
    script = Script(answer(body), composite(page({"Id": "1"})))
    assert client_of(script).queries([Query(text="SELECT Id FROM User", action="x")]) == [[{"Id": "1"}]]


def test_an_expired_locator_restarts_its_query_once():
    first = composite(page({"Id": "1"}, done=False, locator="01gX"))
    whole = composite(page({"Id": "1"}, {"Id": "2"}))
    dead = refusal("INVALID_QUERY_LOCATOR")
    assert client_of(Script(first, dead, whole)).queries([Query(text="SELECT Id FROM User", action="x")]) == [
        [{"Id": "1"}, {"Id": "2"}]
    ]
    with pytest.raises(Refused):
        client_of(Script(first, dead, first, dead)).queries([Query(text="SELECT Id FROM User", action="x")])


def test_every_page_of_a_large_answer_arrives():
    clock = OneClock()
    org = Org(clock=clock.sandbox, seed=1)
    org.max_page_size = 2
    ids = [org.create("Account", {"Name": f"A{place}", "CurrencyIsoCode": "USD"}) for place in range(7)]
    client = client_of(org, client_options(org), clock=clock)
    rows = client.queries([Query(text="SELECT Id FROM Account ORDER BY Id", action="x")])[0]
    assert [row["Id"] for row in rows] == sorted(ids)
    assert org.counters["requests"] == 5  # the sign-in and four pages


@pytest.mark.parametrize("version", ["99.0", "25.0"])
def test_a_version_the_org_does_not_offer_is_named_with_those_it_does(version):
    clock = OneClock()
    org = Org(clock=clock.sandbox, seed=1)
    client = client_of(org, client_options(org, api_version=version), clock=clock)
    with pytest.raises(ConfigError, match=r"API version (99|25)\.0(?s:.*)67\.0"):
        fetch_org_shape(client, shipped_pack())


def test_calls_are_counted_as_salesforce_meters_them_without_sign_ins():
    _script, client = signed_in("grant", EXPIRED, "grant", answer({}))
    client.call("GET", "x", action="read")
    assert client.calls == 2


def test_the_session_answers_with_decimals_whoever_asks():
    session = GatewaySession(token_options())
    session.mount(BASE_URL, InProcessAdapter(Script(answer(b"1.5"))))
    response = session.get(BASE_URL + "/x")
    assert type(response) is DecimalResponse
    assert response.json() == Decimal("1.5")
