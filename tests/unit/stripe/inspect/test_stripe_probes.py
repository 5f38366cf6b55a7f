"""What the probes see of a simulated account, with every right and with few; what they cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from connector.core.verify.account import AnsweredVersion
from connector.core.verify.evidence import Broken, Seen, Unreadable
from connector.sandbox.http import Request, Response
from connector.sandbox.stripe.account import Account
from connector.stripe.events import HEARD_TYPES
from connector.stripe.inspect.probes import PROBES
from tests.support.stripe import Script, StepClock, answer, error, form_of, inspector_of

EVERYTHING = list(PROBES)
LIMITED = {"profile": {"card_limits": {"usd": "5000.00"}}}
READS = ("customers", "products", "quotes", "invoices", "invoice_payments", "payment_intents", "charges")
MIRRORING = dict.fromkeys((*READS, "payment_records", "events"), "read")
SETUP = dict.fromkeys(("account", "webhook_endpoints", "reporting", "billing_portal"), "read")


@pytest.fixture
def account():
    return Account(clock=StepClock(), seed=3, rate_per_second=None, endpoint_rate_per_second=None)


def seen(account, name, *, key=None, **options):
    found = inspector_of(account, key=key or account.api_key, **options).inspect([name])[name]
    assert isinstance(found, Seen), found
    return found.value


def post(account, path, **params):
    response = account.handle(
        Request(
            method="POST",
            path=path,
            query="",
            headers={"authorization": f"Bearer {account.api_key}"},
            body="&".join(f"{name}={value}" for name, value in params.items()).encode(),
        )
    )
    assert response.status == 200, response.body
    return orjson.loads(response.body)


def test_everything_is_seen_and_costs_few_calls(account):
    inspector = inspector_of(account, key=account.api_key, **LIMITED)
    found = inspector.inspect(EVERYTHING)
    assert [name for name, each in found.items() if not isinstance(each, Seen)] == []
    # with the greeting of the composition at most 15, the budget of a whole run
    assert inspector.calls == 14
    assert account.counters["writes"] == 0


def test_without_a_card_limit_no_invoices_are_asked_for(account):
    inspector = inspector_of(account, key=account.api_key)
    found = inspector.inspect(["stripe_open_invoices"])["stripe_open_invoices"]
    assert (found.value.rows, inspector.calls) == ((), 0)


def test_a_restricted_key_with_all_rights_sees_the_same(account):
    key = account.restrict_key({**MIRRORING, **SETUP})
    full = inspector_of(account, key=account.api_key, **LIMITED).inspect(EVERYTHING)
    restricted = inspector_of(account, key=key, **LIMITED).inspect(EVERYTHING)
    differing = {name for name in EVERYTHING if full[name] != restricted[name]}
    assert differing == {"stripe_key"}


@pytest.mark.parametrize("lacking", sorted(MIRRORING))
def test_each_right_that_mirroring_needs_is_noticed_when_it_lacks(account, lacking):
    key = account.restrict_key({name: right for name, right in {**MIRRORING, **SETUP}.items() if name != lacking})
    denied = [each for each in seen(account, "stripe_rights", key=key).reads if each.allowed is not True]
    assert [(each.template, each.allowed) for each in denied] == [(f"/v1/{lacking}", False)]
    assert denied[0].kinds


@pytest.mark.parametrize(
    ("lacking", "names", "right"),
    [
        ("account", ["stripe_account"], "Read on Account"),
        ("webhook_endpoints", ["stripe_webhooks"], "Read on Webhook endpoints"),
        ("reporting", ["stripe_report_types"], "Read on Reporting"),
        ("billing_portal", ["stripe_portal"], "Read on Customer portal"),
        ("invoices", ["stripe_open_invoices"], "Read on Invoices"),
    ],
)
def test_a_right_that_lacks_costs_its_own_evidence_only_and_is_named(account, lacking, names, right):
    key = account.restrict_key({name: right for name, right in {**MIRRORING, **SETUP}.items() if name != lacking})
    found = inspector_of(account, key=key, **LIMITED).inspect(EVERYTHING)
    unreadable = {name: each for name, each in found.items() if isinstance(each, Unreadable)}
    assert list(unreadable) == names
    assert unreadable[names[0]].permission == right
    assert f"give the restricted key {right}" in unreadable[names[0]].fix


def test_what_the_connector_writes_is_listed_by_name(account):
    assert seen(account, "stripe_rights").writes == ("Customers", "Invoices", "Payment records", "Products", "Quotes")


def test_a_key_that_was_rolled_is_told_apart_from_one_without_rights(account):
    found = seen(account, "stripe_rights", key="sk_test_0000000000000000")
    assert "Invalid API Key" in found.unknown_key
    assert {each.allowed for each in found.reads} == {None}


def test_a_failing_call_costs_its_own_evidence_only(account):
    def fault(request):
        return error(503) if request.path == "/v1/webhook_endpoints" else None

    account.faults = fault
    found = inspector_of(account, key=account.api_key, **LIMITED).inspect(EVERYTHING)
    assert [name for name, each in found.items() if not isinstance(each, Seen)] == ["stripe_webhooks"]
    assert found["stripe_webhooks"].permission is None


def test_an_answer_of_another_shape_breaks_its_own_probe_only(account):
    def fault(request):
        return (
            answer({"object": "account", "id": "acct_1", "capabilities": []}) if request.path == "/v1/account" else None
        )

    account.faults = fault
    found = inspector_of(account, key=account.api_key).inspect(["stripe_account", "stripe_portal"])
    assert found["stripe_account"] == Broken(source="probe stripe_account", error="AttributeError")
    assert isinstance(found["stripe_portal"], Seen)


def test_the_version_is_the_one_of_the_answer(account):
    assert seen(account, "stripe_version") == AnsweredVersion(version="2026-10-28.endive")
    account.faults_after = lambda _, reply: replace(reply, headers={**reply.headers, "Stripe-Version": "2020-08-27"})
    assert seen(account, "stripe_version") == AnsweredVersion(version="2020-08-27")


@pytest.mark.parametrize("right", ["events", "quotes"])
def test_the_version_is_known_from_any_answer_where_the_account_may_not_be_read(account, right):
    key = account.restrict_key({right: "read"})
    assert seen(account, "stripe_version", key=key).version == "2026-10-28.endive"


def test_a_version_the_account_refuses_is_seen_as_such():
    old = Account(clock=StepClock(), seed=3, api_version="2025-01-01.acacia")
    found = seen(old, "stripe_version")
    assert found.version is None
    assert "Invalid Stripe API version" in found.refusal


def test_an_answer_without_a_version_is_not_readable():
    script = Script(lambda _: answer({"id": "acct_1", "object": "account", "data": []}))
    found = inspector_of(script).inspect(["stripe_version"])["stripe_version"]
    assert found == Unreadable(source="GET /v1/account", reason="the answer does not name its API version")


def test_the_account_is_seen_as_it_is(account):
    account.facts.capabilities["us_bank_account_ach_payments"] = "pending"
    account.facts.payout_interval = "weekly"
    account.facts.charges_enabled = False
    account.facts.disabled_reason = "requirements.past_due"
    account.facts.currently_due = ["external_account"]
    found = seen(account, "stripe_account")
    assert (found.id, found.name, found.country) == (account.id, "Sandbox", "US")
    assert found.capabilities["us_bank_account_ach_payments"] == "pending"
    assert (found.charges_enabled, found.payouts_enabled, found.payout_interval) == (False, True, "weekly")
    assert (found.disabled_reason, found.currently_due) == ("requirements.past_due", ("external_account",))


def test_an_account_that_shows_only_its_id_is_seen_as_far_as_it_goes():
    """Every other field may be null (derived API description)."""
    found = seen(
        Script(lambda _: answer({"id": "acct_1", "object": "account"})), "stripe_account", key="sk_test_00000000"
    )
    assert (found.id, found.charges_enabled, found.capabilities, found.payout_interval) == ("acct_1", None, None, None)


def test_endpoints_are_seen_with_our_events_beside_them(account):
    made = post(account, "/v1/webhook_endpoints", **{"url": "https://a.example/x", "enabled_events[]": "*"})
    post(account, f"/v1/webhook_endpoints/{made['id']}", disabled="true")
    found = seen(account, "stripe_webhooks")
    (endpoint,) = found.endpoints
    assert (endpoint.id, endpoint.enabled, endpoint.api_version) == (made["id"], False, None)
    assert (endpoint.events, found.needed) == (("*",), HEARD_TYPES)
    assert made["secret"] not in repr(found)


def test_report_types_are_seen_with_the_end_of_their_data(account):
    account.facts.missing_reports = ["balance.summary.1"]
    rows = {row.id: row for row in seen(account, "stripe_report_types").rows}
    assert "balance.summary.1" not in rows
    assert rows["payout_reconciliation.itemized.5"].data_available_end == datetime(2026, 11, 21, tzinfo=UTC)


def test_active_portal_configurations_are_seen_with_what_they_allow(account):
    first = post(account, "/v1/billing_portal/configurations", **{"features[subscription_cancel][enabled]": "true"})
    second = post(account, "/v1/billing_portal/configurations", **{"features[invoice_history][enabled]": "true"})
    post(account, f"/v1/billing_portal/configurations/{first['id']}", active="false")
    (found,) = seen(account, "stripe_portal").configurations
    assert (found.id, found.features, found.is_default) == (second["id"], ("invoice_history",), False)


def test_open_invoices_are_seen_with_what_is_left_and_how_they_may_be_paid():
    rows = [
        {"id": "in_1", "number": "A-1", "currency": "usd", "amount_remaining": 7, "payment_settings": {}},
        {
            "id": "in_2",
            "number": None,
            "currency": "jpy",
            "amount_remaining": 9,
            "payment_settings": {"payment_method_types": ["card"]},
        },
    ]
    script = Script(lambda _: answer({"object": "list", "data": rows, "has_more": True}))
    found = seen(script, "stripe_open_invoices", key="sk_test_00000000", **LIMITED)
    assert [(row.number, row.remaining_minor, row.payment_methods) for row in found.rows] == [
        ("A-1", 7, None),
        (None, 9, ("card",)),
    ]
    assert found.more
    assert form_of(script.requests[0]) == {"status": "open", "limit": "100"}


def test_a_live_account_is_asked_the_same_with_a_live_key():
    live = Account(clock=StepClock(), seed=3, livemode=True, rate_per_second=None, endpoint_rate_per_second=None)
    found = inspector_of(live, key=live.api_key, **LIMITED).inspect(EVERYTHING)
    assert [name for name, each in found.items() if not isinstance(each, Seen)] == []
    assert found["stripe_key"].value.livemode


def test_the_answers_of_the_wire_are_read_through_the_sdk_alone(account):
    """Nothing but GETs, each with our version."""
    asked: list[Request] = []

    def watch(request: Request) -> Response | None:
        asked.append(request)
        return None

    account.faults = watch
    inspector_of(account, key=account.api_key, **LIMITED).inspect(EVERYTHING)
    assert {request.method for request in asked} == {"GET"}
    assert {request.headers["stripe-version"] for request in asked} == {"2026-10-28.endive"}
