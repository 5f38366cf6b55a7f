"""What the adapter relies on in simple-salesforce and requests; an upgrade that changes it fails here by name."""

from __future__ import annotations

import inspect
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from simple_salesforce.api import Salesforce

from connector import ports
from connector.core.errors import Transient
from connector.salesforce import SalesforceSystem, connect
from connector.salesforce.session import GatewaySession
from connector.sandbox.salesforce.org import Org
from connector.sandbox.server import Served
from connector.sandbox.transport import InProcessAdapter
from tests.support.salesforce import (
    BASE_URL,
    OneClock,
    Script,
    answer,
    caller_of,
    client_options,
    shipped_pack,
    token_options,
    update_of,
)

if TYPE_CHECKING:
    import requests


def library(script: Script) -> Salesforce:
    session = GatewaySession(token_options())
    session.mount("http://", InProcessAdapter(script))
    salesforce = Salesforce(session_id="t-1", instance_url=BASE_URL, version="67.0", session=session)
    salesforce.base_url = BASE_URL + "/services/data/v67.0/"
    return salesforce


def test_restful_hands_body_headers_and_hooks_to_our_session():
    script = Script(answer(b'{"ok":1.5}'))
    seen: list[requests.Response] = []
    body = library(script).restful(
        "composite",
        method="PATCH",
        data=b'{"a":1.10}',
        headers={"If-Unmodified-Since": "x"},
        hooks={"response": lambda response, **_: seen.append(response)},
    )
    assert body == {"ok": Decimal("1.5")}
    assert script.requests[0].method == "PATCH"
    assert script.requests[0].path == "/services/data/v67.0/composite"
    assert script.requests[0].body == b'{"a":1.10}'
    assert script.requests[0].headers["if-unmodified-since"] == "x"
    assert script.requests[0].headers["content-type"] == "application/json"
    assert script.requests[0].headers["authorization"] == "Bearer t-1"
    assert [response.status_code for response in seen] == [200]


def test_the_headers_of_a_client_may_be_taken_away():
    salesforce = library(Script(answer({})))
    salesforce.headers.pop("X-PrettyPrint")
    salesforce.restful("limits")


def test_with_a_given_token_the_library_never_signs_in_itself():
    salesforce = library(Script(answer([{"errorCode": "INVALID_SESSION_ID", "message": "x"}], 401)))
    with pytest.raises(Exception, match="INVALID_SESSION_ID"):
        salesforce.restful("limits")


def test_an_error_raised_in_a_hook_comes_out_as_it_is():
    class OursError(Exception):
        pass

    def refuse(response, **_):
        raise OursError

    with pytest.raises(OursError):
        library(Script(answer(b"<html>", 500))).restful("limits", hooks={"response": refuse})


def test_the_system_offers_every_method_of_the_port_with_its_parameters():
    wanted = {
        name: member
        for name, member in inspect.getmembers(ports.System, inspect.isfunction)
        if not name.startswith("_")
    }
    assert {"identify", "check", "changes", "fetch", "fetch_many", "find", "apply", "close"} <= wanted.keys()
    for name, member in wanted.items():
        offered = inspect.signature(getattr(SalesforceSystem, name))
        assert list(offered.parameters) == list(inspect.signature(member).parameters), name


def test_over_real_sockets_the_system_reads_and_writes():
    clock = OneClock()
    org = Org(clock=clock.sandbox, seed=3)
    account = org.create("Account", {"Name": "Acme GmbH", "CurrencyIsoCode": "EUR"})
    with Served(org) as served:
        system = connect(
            client_options(org, login_url=served.url), pack=shipped_pack(), clock=clock, caller=caller_of(clock)
        )
        outcomes = []
        system.apply(
            [update_of("Account", account, {"Stripe_Id__c": "cus_1"})],
            lambda _, outcome: outcomes.append(outcome.target_id),
        )
        assert outcomes == [account]
        assert system.find("customer", [account])[account].fields["Stripe_Id__c"] == "cus_1"
        assert system.quota is not None
        assert system.calls == org.counters["requests"] - 1, "the sign-in is not metered"
        system.close()
    assert org.get("Account", account)["Stripe_Id__c"] == "cus_1"


def test_a_host_that_does_not_answer_is_told_without_its_credentials():
    clock = OneClock()
    org = Org(clock=clock.sandbox, seed=3)
    with Served(org) as served:
        url = served.url
    system = connect(client_options(org, login_url=url), pack=shipped_pack(), clock=clock, caller=caller_of(clock, 2))
    with pytest.raises(Transient, match="no connection") as caught:
        system.identify()
    assert org.client_secret not in str(caught.value)
    assert clock.slept_s == [0.5]
    system.close()
