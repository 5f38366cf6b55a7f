"""`connector setup` and `connector init` as an administrator runs them: from nothing to ready."""

from __future__ import annotations

import json

import pytest

from connector.sandbox.clock import SystemClock
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.seed import seed
from connector.sandbox.server import Served
from connector.sandbox.stripe.account import Account
from tests.acceptance.program import Program, Sandbox


def served(org, account):
    """Both systems on loopback, in this process, so that a test can look inside."""
    with Served(org) as salesforce, Served(account) as stripe:
        access = {
            "instance_url": salesforce.url,
            "login_url": salesforce.url,
            "access_token": org.access_token,
            "client_id": org.client_id,
            "client_secret": org.client_secret,
            "username": org.username,
            "api_version": org.api_version,
        }
        yield Sandbox(access, {"api_base": stripe.url, "api_key": account.api_key}, None)


@pytest.fixture
def bare():
    """An org with the packages and data, and without our fields; an empty account."""
    clock = SystemClock()
    org = Org(clock=clock, seed=1, metadata_dir=None)
    seed(org, scale=1)
    account = Account(clock=clock, seed=1, rate_per_second=None, endpoint_rate_per_second=None)
    yield from served(org, account)


@pytest.fixture
def program(tmp_path, bare):
    return Program.for_sandbox(tmp_path / "home", bare)


def test_an_org_without_our_fields_is_planned_set_up_and_synced(program, bare):
    before = program.run("sync", "--once", "--json")
    assert before.code == 1, "without our fields every kind must stop"
    assert before.json["writes"] == 0

    plan = program.run("setup", "salesforce", "--plan", "--json")
    assert plan.code == 0, plan.err
    assert plan.json["validated"]
    assert len(plan.json["changes"]) == 15
    assert not plan.json["applied"]

    applied = program.run("setup", "salesforce", "--apply")
    assert applied.code == 0, applied.err
    assert "+ field blng__Invoice__c.Stripe_Id__c: Text(255), unique, case-sensitive, external id" in applied.out
    assert "Looked at again: the org has everything." in applied.out

    again = program.run("setup", "salesforce", "--apply", "--json")
    assert (again.code, again.json["changes"], again.json["applied"], again.json["deploy_id"]) == (0, [], False, None)
    assert again.json["api_calls"]["salesforce"] <= 4

    synced = program.run("sync", "--once", "--json")
    assert synced.json["stopped_kinds"] == {}
    assert synced.json["kinds"]["invoice"]["created"] > 0
    assert bare.query("SELECT Id FROM blng__Invoice__c WHERE Stripe_Id__c != null")


def test_plan_is_what_happens_without_an_option(program):
    said = program.run("setup", "salesforce")
    assert said.code == 0
    assert "Would change: create 13 fields, create permission set Stripe_Connector" in said.out
    assert program.run("setup", "salesforce", "--json").json["changes"] != []


def test_plan_and_apply_together_are_wrong_usage(program):
    assert program.run("setup", "salesforce", "--plan", "--apply").code == 64


def test_without_settings_every_missing_one_is_named_and_none_of_stripes(tmp_path):
    said = Program(tmp_path / "home", {"CONNECTOR_HOME": str(tmp_path / "home")}).run("setup", "salesforce", "--json")
    assert said.code == 64
    where = [problem["where"] for problem in said.json["error"]["problems"]]
    assert where == ["salesforce.client_id", "salesforce.username", "salesforce.private_key_file"]


def test_no_secret_is_in_any_output(program, bare):
    for arguments in (("--plan", "--debug"), ("--apply", "--json"), ("--user", "nobody@example.com", "--apply")):
        said = program.run("setup", "salesforce", *arguments)
        for secret in (bare.salesforce["client_secret"], bare.salesforce["access_token"], bare.stripe["api_key"]):
            assert secret not in said.out + said.err, json.dumps(arguments)
