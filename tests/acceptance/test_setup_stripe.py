"""`connector setup stripe` as an administrator runs it: the real program against the served sandbox."""

from __future__ import annotations

import json
import stat

import pytest

from connector.stripe.events import HEARD_TYPES
from tests.acceptance.program import Program, sandbox

URL = "https://connector.example.com/stripe/events"
VERSION = "2026-10-28.endive"


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    with sandbox(tmp_path_factory.mktemp("sandbox"), "--scale", "0") as running:
        yield running


@pytest.fixture
def stripe_api(box):
    """A stranger's client, which leaves no endpoint behind."""

    def call(method, path="", **params):
        given = {"params": params} if method == "GET" else {"data": params}
        reply = box.stripe_call(method, f"/v1/webhook_endpoints{path}", **given)
        reply.raise_for_status()
        return reply.json()

    yield call
    for endpoint in call("GET", limit=100)["data"]:
        call("DELETE", f"/{endpoint['id']}")


@pytest.fixture
def program(tmp_path, box):
    program = Program.for_sandbox(tmp_path / "home", box)
    program.settings["CONNECTOR_VERIFY__WEBHOOK_URL"] = URL
    return program


def endpoints(stripe_api):
    return {each["id"]: each for each in stripe_api("GET", limit=100)["data"]}


def test_an_endpoint_is_planned_made_once_and_its_secret_is_printed_nowhere(program, stripe_api, tmp_path):
    plan = program.run("setup", "stripe", "--plan")
    assert plan.code == 0, plan.err
    assert f"+ create endpoint {URL}: no endpoint sends events to this address" in plan.out
    assert f"api_version = {VERSION}" in plan.out
    assert "its signing secret goes into" in plan.out
    assert "Do it with connector setup stripe --apply" in plan.out
    assert endpoints(stripe_api) == {}

    applied = program.run_cold("setup", "stripe", "--apply")
    assert applied.code == 0, applied.err
    (made,) = endpoints(stripe_api).values()
    assert (made["url"], made["status"], made["api_version"]) == (URL, "enabled", VERSION)
    assert made["enabled_events"] == list(HEARD_TYPES)

    (line,) = [line.strip() for line in applied.out.splitlines() if "WEBHOOK_SECRETS" in line]
    secret_file = type(tmp_path)(line.removeprefix("CONNECTOR_STRIPE__WEBHOOK_SECRETS=file:"))
    secret = secret_file.read_text().strip()
    assert secret.startswith("whsec_")
    assert stat.S_IMODE(secret_file.stat().st_mode) == 0o600
    assert secret not in applied.out + applied.err

    again = program.run("setup", "stripe", "--apply", "--json")
    assert (again.code, again.json["changes"], again.json["applied"]) == (0, [], False)
    assert again.json["secret_file"] is None
    assert len(endpoints(stripe_api)) == 1
    assert secret_file.read_text().strip() == secret

    program.settings["CONNECTOR_STRIPE__WEBHOOK_SECRETS"] = f"file:{secret_file}"
    shown = program.run("config", "show", "--json")
    assert secret not in shown.out


def test_a_wrong_endpoint_is_repaired_and_a_duplicate_switched_off(program, stripe_api):
    first = stripe_api("POST", url=URL, api_version=VERSION, **{"enabled_events[]": ["invoice.paid", "price.created"]})
    second = stripe_api("POST", url=URL, api_version=VERSION, **{"enabled_events[]": ["*"]})
    plan = program.run("setup", "stripe", "--json").json
    assert [(each["action"], each["endpoint"]) for each in plan["changes"]] == [
        ("update", first["id"]),
        ("disable", second["id"]),
    ]
    assert plan["changes"][0]["remove_events"] == ["price.created"]
    assert not plan["applied"]

    applied = program.run("setup", "stripe", "--apply", "--json")
    assert (applied.code, applied.json["applied"], applied.json["secret_file"]) == (0, True, None)
    now = endpoints(stripe_api)
    assert set(now[first["id"]]["enabled_events"]) == set(HEARD_TYPES)
    assert {name: each["status"] for name, each in now.items()} == {first["id"]: "enabled", second["id"]: "disabled"}


def test_an_endpoint_of_another_version_is_replaced_by_a_new_one(program, stripe_api, tmp_path):
    old = stripe_api("POST", url=URL, api_version="2025-03-31.basil", **{"enabled_events[]": ["*"]})
    place = tmp_path / "new.secret"
    applied = program.run("setup", "stripe", "--apply", "--secret-file", str(place))
    assert applied.code == 0, applied.err
    assert "the version of an endpoint cannot be changed" in applied.out
    assert f"- disable endpoint {old['id']}" in applied.out
    assert place.read_text().startswith("whsec_")
    by_version = {each["api_version"]: each["status"] for each in endpoints(stripe_api).values()}
    assert by_version == {"2025-03-31.basil": "disabled", VERSION: "enabled"}


def test_verify_sees_the_endpoint_before_and_after(program, stripe_api):
    def verdict():
        checks = program.run("verify", "--only", "STR-WH", "--json").json["checks"]
        return [(each["id"], each["outcome"]) for each in checks]

    assert verdict() == [("STR-WH", "fail")]
    secret_file = program.run("setup", "stripe", "--apply", "--json").json["secret_file"]
    assert verdict() == [("STR-WH", "warn")], "made, and its secret not configured yet"
    program.settings["CONNECTOR_STRIPE__WEBHOOK_SECRETS"] = f"file:{secret_file}"
    assert verdict() == [("STR-WH", "pass")]


def test_without_an_address_it_says_which_setting_lacks(program, stripe_api):
    del program.settings["CONNECTOR_VERIFY__WEBHOOK_URL"]
    refused = program.run("setup", "stripe", "--apply", "--json")
    assert refused.code == 64
    assert "CONNECTOR_VERIFY__WEBHOOK_URL" in refused.err + refused.out
    assert program.run("setup", "stripe", "--url", "connector.example.com").code == 64
    given = program.run("setup", "stripe", "--url", "https://elsewhere.example.com/hook", "--json")
    assert given.json["url"] == "https://elsewhere.example.com/hook"
    assert endpoints(stripe_api) == {}


def test_a_secret_file_that_holds_something_stops_it_before_anything_is_made(program, stripe_api, tmp_path):
    place = tmp_path / "in-use.secret"
    place.write_text("whsec_in_use")
    planned = program.run("setup", "stripe", "--secret-file", str(place))
    assert "! that file holds something already: name another with --secret-file" in planned.out
    refused = program.run("setup", "stripe", "--apply", "--secret-file", str(place))
    assert refused.code == 64
    assert "--secret-file" in refused.err
    assert place.read_text() == "whsec_in_use"
    assert endpoints(stripe_api) == {}


def test_a_key_that_is_not_accepted_ends_it_with_the_documented_code(program, box):
    program.settings["CONNECTOR_STRIPE__API_KEY"] = "sk_test_0000000000000000"
    refused = program.run("setup", "stripe", "--json")
    assert refused.code == 69
    assert json.loads(refused.out.splitlines()[-1])["command"] == "setup stripe"
    assert box.stripe["api_key"] not in refused.out + refused.err


def test_plan_and_apply_together_are_wrong_usage(program):
    assert program.run("setup", "stripe", "--plan", "--apply").code == 64
