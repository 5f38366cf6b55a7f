"""What is set up once per account: webhook endpoints, the portal, reports, and what the account may do."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from connector.sandbox.stripe.account import Account

URL = "https://connector.example.com/stripe/events"


@pytest.fixture
def live(clock, api):
    account = Account(clock=clock, seed=7, livemode=True, rate_per_second=None, endpoint_rate_per_second=None)
    return type(api)(account)


@pytest.fixture
def endpoint(api):
    return api.post(
        "/v1/webhook_endpoints",
        {
            "url": URL,
            "enabled_events": ["invoice.paid", "quote.accepted"],
            "api_version": "2026-10-28.endive",
            "description": "connector",
            "metadata": {"by": "connector"},
        },
    )


def test_the_signing_secret_is_in_the_answer_to_the_creation_and_in_no_other(api, endpoint):
    assert endpoint["secret"].startswith("whsec_")
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    shown = [api.get(path), api.post(path, {"description": "x"}), *api.get("/v1/webhook_endpoints")["data"]]
    assert not [each for each in shown if "secret" in each]


def test_an_endpoint_can_be_switched_off_and_on_and_told_other_events(api, endpoint):
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    assert endpoint["status"] == "enabled"
    assert api.post(path, {"disabled": True})["status"] == "disabled"
    changed = api.post(path, {"disabled": False, "enabled_events": ["*"], "url": f"{URL}2", "metadata": {"a": "b"}})
    assert (changed["status"], changed["enabled_events"], changed["url"]) == ("enabled", ["*"], f"{URL}2")
    assert changed["metadata"] == {"by": "connector", "a": "b"}


def test_the_api_version_of_an_endpoint_is_decided_once(api, endpoint):
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    refused = api.refused("POST", path, {"api_version": "2026-09-30.endive"})
    assert (refused["code"], refused["param"]) == ("parameter_unknown", "api_version")
    assert api.get(path)["api_version"] == "2026-10-28.endive"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"enabled_events": ["invoice.expired"]}, "enabled_events[0]"),
        ({"enabled_events": {}}, None),
        ({"url": "connector.example.com"}, "url"),
        ({"url": "ftp://connector.example.com"}, "url"),
        ({"api_version": "2027-01-01.nowhere"}, "api_version"),
        ({"status": "disabled"}, "status"),
    ],
    ids=["unknown event", "no event", "no scheme", "other scheme", "unknown version", "unknown parameter"],
)
def test_a_wrong_endpoint_is_refused_and_nothing_is_made(api, changes, param):
    refused = api.refused("POST", "/v1/webhook_endpoints", {"url": URL, "enabled_events": ["invoice.paid"], **changes})
    assert refused["status"] == 400
    assert param is None or refused["param"] == param
    assert api.get("/v1/webhook_endpoints")["data"] == []


def test_live_mode_takes_https_only_and_test_mode_http_too(api, live):
    params = {"url": "http://connector.example.com/stripe", "enabled_events": ["*"]}
    assert api.post("/v1/webhook_endpoints", params)["url"] == params["url"]
    assert live.refused("POST", "/v1/webhook_endpoints", params)["code"] == "url_invalid"
    made = live.post("/v1/webhook_endpoints", {**params, "url": URL})
    assert made["livemode"] is True
    assert live.account.api_key.startswith("sk_live_")
    assert live.account.restrict_key({}).startswith("rk_live_")


def test_a_deleted_endpoint_is_gone(api, endpoint):
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    assert api.delete(path)["deleted"] is True
    assert api.refused("GET", path)["code"] == "resource_missing"
    assert api.get("/v1/webhook_endpoints")["data"] == []


def test_a_portal_configuration_has_every_feature_off_until_asked_for(api):
    made = api.post("/v1/billing_portal/configurations", {"features": {"invoice_history": {"enabled": True}}})
    on = {name for name, feature in made["features"].items() if feature["enabled"]}
    assert on == {"invoice_history"}
    path = f"/v1/billing_portal/configurations/{made['id']}"
    changed = api.post(path, {"features": {"subscription_cancel": {"enabled": True}}, "active": False})
    on = {name for name, feature in changed["features"].items() if feature["enabled"]}
    assert on == {"invoice_history", "subscription_cancel"}
    assert api.get("/v1/billing_portal/configurations", {"active": True})["data"] == []
    assert api.refused("POST", "/v1/billing_portal/configurations", {})["param"] == "features"


def test_report_types_come_all_at_once_and_know_how_far_their_data_reaches(api):
    listed = api.get("/v1/reporting/report_types")
    assert listed["has_more"] is False
    assert "payout_reconciliation.itemized.5" in {each["id"] for each in listed["data"]}
    midnight = int(datetime(2026, 11, 21, tzinfo=UTC).timestamp())
    assert {each["data_available_end"] for each in listed["data"]} == {midnight}
    assert api.refused("GET", "/v1/reporting/report_types", {"limit": 5})["code"] == "parameter_unknown"
    assert api.refused("GET", "/v1/reporting/report_types/nothing.1")["code"] == "resource_missing"
    api.account.facts.missing_reports = ["balance.summary.1"]
    assert "balance.summary.1" not in {each["id"] for each in api.get("/v1/reporting/report_types")["data"]}


def test_what_people_set_in_the_dashboard_shows_in_the_account_and_outlives_a_restart(api, clock):
    facts = api.account.facts
    facts.capabilities["us_bank_account_ach_payments"] = "pending"
    facts.payout_interval = "manual"
    facts.charges_enabled, facts.disabled_reason = False, "requirements.past_due"
    facts.currently_due = ["external_account"]
    shown = api.get("/v1/account")
    assert shown["capabilities"]["us_bank_account_ach_payments"] == "pending"
    assert shown["settings"]["payouts"]["schedule"]["interval"] == "manual"
    assert shown["requirements"]["past_due"] == ["external_account"]
    again = Account(clock=clock, seed=7, rate_per_second=None, endpoint_rate_per_second=None)
    again.load(orjson.loads(orjson.dumps(api.account.dump())))
    assert type(api)(again).get("/v1/account") == shown


@pytest.mark.parametrize("interval", ["daily", "weekly", "monthly", "manual"])
def test_every_payout_interval_has_its_published_shape(api, interval):
    api.account.facts.payout_interval = interval
    assert api.get("/v1/account")["settings"]["payouts"]["schedule"]["interval"] == interval


@pytest.mark.parametrize(
    ("right", "path"),
    [
        ("account", "/v1/account"),
        ("webhook_endpoints", "/v1/webhook_endpoints"),
        ("reporting", "/v1/reporting/report_types"),
        ("billing_portal", "/v1/billing_portal/configurations"),
    ],
)
def test_a_restricted_key_reads_what_it_has_a_right_to_and_no_more(api, right, path):
    key = api.account.restrict_key({right: "read"})
    other = api.account.restrict_key({"customers": "write"})
    assert api.ask("GET", path, authorization=f"Bearer {key}").status == 200
    assert api.ask("GET", path, authorization=f"Bearer {other}").status == 403
