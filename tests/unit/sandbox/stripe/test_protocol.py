"""Keys, versions, parameters and errors, as any client meets them before a resource is involved."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import orjson
import pytest

from connector.sandbox.http import Request, Response
from connector.sandbox.stripe import errors, transitions
from connector.sandbox.stripe.account import Account
from connector.sandbox.stripe.spec import DATA


def test_a_key_is_taken_as_bearer_or_basic(api, account):
    basic = base64.b64encode(f"{account.api_key}:".encode()).decode()
    assert api.ask("GET", "/v1/account", authorization=f"Basic {basic}").status == 200
    assert api.ask("GET", "/v1/account").body["id"] == account.id


@pytest.mark.parametrize("header", [None, "Bearer sk_test_wrong1234567890", "Basic !!!", "Digest x"])
def test_a_missing_or_wrong_key_is_401(api, header):
    answer = api.ask("GET", "/v1/account", authorization=header)
    assert (answer.status, answer.error["type"]) == (401, "invalid_request_error")
    assert "sk_test_wrong1234567890" not in answer.raw.decode()


def test_a_restricted_key_can_do_what_it_may_and_is_told_what_it_lacks(api, account):
    key = account.restrict_key({"customers": "read"})
    assert api.ask("GET", "/v1/customers", authorization=f"Bearer {key}").status == 200
    refused = api.refused("POST", "/v1/customers", authorization=f"Bearer {key}")
    assert (refused["status"], "customer_write" in refused["message"]) == (403, True)
    assert api.refused("GET", "/v1/invoices", authorization=f"Bearer {key}")["status"] == 403


def test_the_version_is_echoed_and_an_unknown_one_refused(api):
    assert api.ask("GET", "/v1/account").headers["Stripe-Version"] == "2026-10-28.endive"
    assert api.refused("GET", "/v1/account", stripe_version="2019-01-01")["status"] == 400


def test_every_answer_has_its_own_request_id_named_in_the_error(api):
    first, second = api.ask("GET", "/v1/customers"), api.ask("GET", "/v1/customers/cus_none")
    assert first.headers["Request-Id"] != second.headers["Request-Id"]
    assert second.headers["Request-Id"] in second.error["request_log_url"]


def test_the_date_is_the_accounts_own(api):
    assert api.ask("GET", "/v1/account").headers["Date"] == "Sat, 21 Nov 2026 12:00:00 GMT"


def test_an_unknown_path_is_404_with_the_method_and_path(api):
    assert "(GET: /v1/nothing)" in api.refused("GET", "/v1/nothing")["message"]


def test_an_operation_that_exists_but_is_not_modelled_says_so(api):
    assert "does not model" in api.refused("POST", "/v1/charges")["message"]


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"invoice_settings": {"colour": "red"}}, "parameter_unknown", "invoice_settings[colour]"),
        ({"next_invoice_sequence": "three"}, "parameter_invalid_integer", "next_invoice_sequence"),
        ({"next_invoice_sequence": ""}, "parameter_invalid_empty", "next_invoice_sequence"),
        ({"tax_exempt": "maybe"}, None, "tax_exempt"),
        ({"validate": "perhaps"}, None, "validate"),
        ({"address": "1 Main St"}, None, "address"),
        ({"preferred_locales": "de"}, None, "preferred_locales"),
        ({"email": "nobody"}, "email_invalid", "email"),
    ],
)
def test_a_bad_parameter_is_400_naming_it(api, params, code, param):
    refused = api.refused("POST", "/v1/customers", params)
    assert (refused["status"], refused.get("code"), refused["param"]) == (400, code, param)


def test_a_missing_required_parameter_is_named(api):
    refused = api.refused("POST", "/v1/products")
    assert (refused["code"], refused["param"]) == ("parameter_missing", "name")


def test_a_missing_nested_parameter_is_named_with_its_place(api):
    draft = api.draft()
    lines = [{"amount": 1}, {"amount": 2, "tax_amounts": [{"amount": 1, "taxable_amount": 2}]}]
    refused = api.refused("POST", f"/v1/invoices/{draft['id']}/add_lines", {"lines": lines})
    assert refused["param"] == "lines[1][tax_amounts][0][tax_rate_data]"
    assert api.get(f"/v1/invoices/{draft['id']}")["lines"]["data"] == []


def test_a_resource_missing_from_the_path_is_404_and_from_a_parameter_400(api):
    in_path = api.refused("GET", "/v1/customers/cus_none")
    assert (in_path["status"], in_path["code"], in_path["param"]) == (404, "resource_missing", "id")
    assert in_path["message"] == "No such customer: 'cus_none'"
    in_param = api.refused("POST", "/v1/invoices", {"customer": "cus_none"})
    assert (in_param["status"], in_param["code"], in_param["param"]) == (400, "resource_missing", "customer")


@pytest.mark.parametrize(
    "body",
    [
        "preferred_locales[]=de&preferred_locales[]=en",
        "preferred_locales[0]=de&preferred_locales[1]=en",
        "preferred_locales[1]=en&preferred_locales[0]=de",
        "preferred_locales%5B0%5D=de&preferred_locales%5B1%5D=en",
    ],
)
def test_arrays_come_indexed_or_with_empty_brackets(api, body):
    assert api.ask("POST", "/v1/customers", body).body["preferred_locales"] == ["de", "en"]


def test_arrays_of_objects_come_with_empty_brackets_too(api):
    draft = api.draft()
    body = "lines[][amount]=100&lines[][description]=a&lines[][amount]=200&lines[][description]=b"
    added = api.ask("POST", f"/v1/invoices/{draft['id']}/add_lines", body).body
    assert sorted((line["amount"], line["description"]) for line in added["lines"]["data"]) == [(100, "a"), (200, "b")]


def test_text_survives_the_form_encoding(api):
    name = "Zoë & Søn = 100% + ☂"
    assert api.get(f"/v1/customers/{api.customer(name=name)}")["name"] == name


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a[b=1", b"a[b]=1&a=2&a[c]=3", b"%zz[=", b"[]=1", b"lines[x][0"])
def test_nonsense_is_an_error_not_a_crash(account, api, body):
    headers = {"authorization": f"Bearer {account.api_key}"}
    response = account.handle(Request(method="POST", path="/v1/customers", headers=headers, body=body))
    assert response.status == 400


class TestMetadata:
    def test_keys_are_merged_and_an_empty_value_unsets_one(self, api):
        customer = api.customer(metadata={"a": "1", "b": "2"})
        changed = api.post(f"/v1/customers/{customer}", {"metadata": {"b": "", "c": "3"}})
        assert changed["metadata"] == {"a": "1", "c": "3"}

    def test_an_empty_value_unsets_all(self, api):
        customer = api.customer(metadata={"a": "1", "b": "2"})
        assert api.post(f"/v1/customers/{customer}", {"metadata": ""})["metadata"] == {}

    @pytest.mark.parametrize(
        ("metadata", "fits"),
        [
            ({"k" * 40: "v" * 500}, True),
            ({"k" * 41: "v"}, False),
            ({"k": "v" * 501}, False),
            ({f"k{n}": "v" for n in range(50)}, True),
            ({f"k{n}": "v" for n in range(51)}, False),
        ],
    )
    def test_limits(self, api, metadata, fits):
        assert (api.ask("POST", "/v1/customers", {"metadata": metadata}).status == 200) is fits


class TestFaults:
    def test_a_fault_before_leaves_nothing_behind(self, api, account):
        account.faults = lambda request: Response(status=503, body=b"{}") if request.method == "POST" else None
        assert api.ask("POST", "/v1/customers").status == 503
        assert api.get("/v1/customers")["data"] == []

    def test_a_fault_after_hides_an_answer_that_took_effect(self, api, account):
        account.faults_after = lambda request, _: Response(status=502, body=b"{}") if request.method == "POST" else None
        assert api.ask("POST", "/v1/customers").status == 502
        assert len(api.get("/v1/customers")["data"]) == 1


def test_a_failing_request_takes_back_everything_it_did(api):
    draft = api.draft(100)
    lines = [{"amount": 500}, {"amount": 1, "quantity": 2}]
    api.refused("POST", f"/v1/invoices/{draft['id']}/add_lines", {"lines": lines})
    assert api.get(f"/v1/invoices/{draft['id']}")["total"] == 100
    assert len(api.get("/v1/invoiceitems")["data"]) == 1
    assert api.event_types().count("invoiceitem.created") == 1


def test_counters_tell_writes_from_requests(api, account):
    api.customer()
    api.get("/v1/customers")
    api.refused("POST", "/v1/customers", {"colour": "red"})
    assert account.counters["requests"] == 3
    assert account.counters["writes"] == 1
    assert account.counters["operations"] == {"PostCustomers": 2, "GetCustomers": 1}


def test_the_counters_endpoint_does_not_count_itself(account):
    asked = [account.handle(Request(method="GET", path="/_sandbox/counters")).body for _ in range(2)]
    assert asked[0] == asked[1]
    assert b'"requests":0' in asked[0]


def test_another_account_is_out_of_reach(api, account):
    refused = api.refused("GET", "/v1/customers", stripe_account="acct_other")
    assert (refused["status"], refused["code"]) == (403, "account_invalid")
    assert api.ask("GET", "/v1/customers", stripe_account=account.id).status == 200


def test_a_live_account_says_so_everywhere(api, clock):
    live = type(api)(Account(clock=clock, seed=7, livemode=True, rate_per_second=None, endpoint_rate_per_second=None))
    assert live.account.api_key.startswith("sk_live_")
    assert live.open_invoice(1000)["livemode"] is True
    assert {event["livemode"] for event in live.get("/v1/events")["data"]} == {True}


def test_every_error_code_in_use_is_a_published_one():
    published = set(orjson.loads((DATA / "error_codes.json").read_bytes())["codes"])
    sources = [path.read_text() for path in Path(errors.__file__).parent.glob("*.py")]
    used = {code for source in sources for code in re.findall(r'code="(\w+)"', source)}
    used |= {code for _, code in transitions.ALLOWED.values() if code}
    assert len(used) > 20
    assert used <= published
