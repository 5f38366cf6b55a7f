"""`connector setup salesforce` as an administrator runs it, against an org without our fields."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.program import Program, sandbox


@pytest.fixture
def bare(tmp_path):
    """An org with the packages and data, and without our fields; an empty account."""
    with sandbox(tmp_path, "--org", "no-fields", "--stripe-rate", "0") as started:
        yield started


@pytest.fixture
def program(tmp_path, bare):
    return Program.for_sandbox(tmp_path / "home", bare)


def test_an_org_without_our_fields_is_planned_set_up_and_synced(program, bare):
    before = program.run("sync", "--once", "--json")
    assert before.code == 1, "without our fields every kind must stop"
    assert before.json["writes"] == 0

    plan = program.run_cold("setup", "salesforce", "--plan", "--json")
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


def test_an_administrator_signs_in_for_this_one_command_and_the_robot_gets_the_permission_set(program, bare):
    """What docs/setup.md says: the administrator's token wins over the settings, --user names the robot."""
    said = program.run(
        "setup",
        "salesforce",
        "--apply",
        "--json",
        "--user",
        bare.salesforce["username"],
        CONNECTOR_SALESFORCE__AUTH="token",
        CONNECTOR_SALESFORCE__ACCESS_TOKEN="env:ADMIN_TOKEN",
        ADMIN_TOKEN=bare.salesforce["access_token"],
    )
    assert said.code == 0, said.err
    assert said.json["user"] == bare.salesforce["username"]
    assert said.json["blocked"] == []
