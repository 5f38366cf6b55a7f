"""The main job as a user sees it: the demo, two passes, a plan that is approved, one record looked up."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.program import Program, pairs

KINDS = {"product", "customer", "quote", "invoice", "payment", "offline_payment"}


def test_the_demo_ends_with_the_documented_object(tmp_path):
    program = Program(tmp_path / "unused")
    answer = program.run_cold("demo", "--json", "--keep", str(tmp_path / "demo"))
    assert answer.code == 0, answer.err
    assert len(answer.out.splitlines()) == 1
    result = answer.json
    assert set(result) >= {"kinds", "second_pass_writes", "findings", "api_calls", "seconds"}
    assert result["verification"]["ready"] is True
    assert result["verification"]["counts"]["crashed"] == 0
    assert set(result["kinds"]) == KINDS
    assert all(set(counts) == {"created", "updated", "waiting", "parked"} for counts in result["kinds"].values())
    assert all(result["kinds"][kind]["created"] > 0 for kind in KINDS), result["kinds"]
    assert result["second_pass_writes"] == 0
    assert result["certificate"]["is_complete"] is True
    assert set(result["certificate"]["kinds"]) == KINDS
    assert set(result["api_calls"]) == {"salesforce", "stripe"}
    assert result["seconds"] < 90


def test_the_demo_for_people_tells_the_story(tmp_path):
    program = Program(tmp_path / "unused")
    answer = program.run("demo", "--keep", str(tmp_path / "demo"))
    assert answer.code == 0, answer.err
    for words in (
        "Ready: ",
        "Plan: ",
        "a card is declined",
        "a clerk books a cheque",
        "0 writes",
        "mirrored  updated  waiting  parked",
    ):
        assert words in answer.out
    secrets = [path.read_text() for path in (tmp_path / "demo" / "secrets").iterdir()]
    assert secrets
    assert not any(secret in answer.out + answer.err for secret in secrets)


def test_the_demo_of_the_service_shows_edits_arrive_live(tmp_path):
    program = Program(tmp_path / "unused")
    answer = program.run("demo", "--service", "--poll", "5", "--json", "--keep", str(tmp_path / "demo"))
    assert answer.code == 0, answer.err
    result = answer.json
    arrived = [edit for edit in result["edits"] if edit["seconds"] is not None]
    assert {edit["side"] for edit in arrived} == {"salesforce", "stripe"}
    # nothing of a declined card is to arrive; everything else did
    assert [edit["what"] for edit in result["edits"] if edit not in arrived] == ["a card is declined"]
    assert result["quiet_writes"] == 0
    assert result["exit_code"] == 0
    assert "→ in Stripe" in answer.err
    assert "[error" not in (tmp_path / "demo" / "service.log").read_text()
    secrets = [path.read_text() for path in (tmp_path / "demo" / "secrets").iterdir()]
    assert not any(secret in answer.out + answer.err for secret in secrets)


def test_the_demo_does_not_empty_a_folder_that_is_not_its_own(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "letter").write_text("keep me")
    answer = Program(tmp_path / "unused").run("demo", "--keep", str(tmp_path / "precious"))
    assert answer.code == 64
    assert "was not made by a demo" in answer.err
    assert (tmp_path / "precious" / "letter").read_text() == "keep me"


def test_the_second_pass_writes_nothing(program, box):
    first = program.run_cold("sync", "--once", "--json")
    assert first.code == 0, first.err
    assert first.json["writes"] > 50
    before, mirrored = box.writes(), pairs(box)
    second = program.run_cold("sync", "--once", "--json")
    assert second.code == 0, second.err
    assert second.json["writes"] == 0
    assert box.writes() == before
    assert pairs(box) == mirrored


def test_an_approved_plan_is_carried_out_and_nothing_else(program, box, tmp_path):
    file = tmp_path / "quotes.plan"
    planned = program.run_cold("plan", "--kind", "quote", "--out", str(file), "--detailed-exitcode", "--json")
    assert planned.code == 2, planned.err
    assert box.writes()["stripe"] == 0, "planning wrote something"
    keys = {f"{entry['kind']} {entry['id']}" for entry in planned.json["plan"]["entries"]}
    assert keys
    assert json.loads(file.read_text())["entries"]
    applied = program.run_cold("apply", str(file), "--json")
    assert applied.code == 0, applied.err
    assert applied.json["refused"] == []
    assert len(box.stripe_list("/v1/invoices")) == 0
    assert {quote["status"] for quote in box.stripe_list("/v1/quotes")} == {"open"}
    again = program.run("apply", str(file), "--json")
    assert again.code == 1, "nothing of it is left to do"
    assert {row["key"] for row in again.json["refused"]} == keys


def test_a_record_that_changed_after_the_plan_is_refused(program, box, tmp_path):
    file = tmp_path / "products.plan"
    planned = program.run("plan", "--kind", "product", "--kind", "quote", "--out", str(file), "--json")
    products = [entry["id"] for entry in planned.json["plan"]["entries"] if entry["kind"] == "product"]
    box.salesforce_update("Product2", products[0], Description="Changed after the plan was approved")
    applied = program.run("apply", str(file), "--json")
    assert applied.code == 1
    refused = {row["key"] for row in applied.json["refused"]}
    assert f"product {products[0]}" in refused
    assert refused.isdisjoint(f"product {product}" for product in products[1:])
    marked = [row["metadata"].get("salesforce_id") for row in box.stripe_list("/v1/products")]
    assert products[0] not in marked
    assert set(products[1:]) <= set(marked)


def test_a_dry_run_is_a_plan(program, box):
    dry = program.run("sync", "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert len(dry.json["plan"]["entries"]) > 20
    assert box.writes()["stripe"] == 0


def test_status_and_show_after_a_pass(program, box):
    program.run("sync", "--once")
    status = program.run_cold("status", "--json")
    assert status.code == 0, status.err
    assert status.json["links"]["invoice"]["open"] > 5
    assert status.json["runs"][0]["command"] == "sync"
    invoice = box.stripe_list("/v1/invoices")[0]
    by_stripe = program.run("show", invoice["id"], "--json")
    assert by_stripe.code == 0, by_stripe.err
    (link,) = by_stripe.json["links"]
    assert (link["kind"], link["mate"]) == ("invoice", invoice["id"])
    assert link["salesforce"]["id"] == invoice["metadata"]["salesforce_id"]
    by_salesforce = program.run("show", invoice["metadata"]["salesforce_id"][:15], "--json")
    assert by_salesforce.json["links"][0]["mate"] == invoice["id"]
    by_number = program.run("show", invoice["number"], "--json")
    assert by_number.json["links"][0]["mate"] == invoice["id"]
    (draft, *_) = box.query("SELECT Id FROM blng__Invoice__c WHERE blng__InvoiceStatus__c = 'Draft'")
    unborn = program.run("show", draft["Id"])
    assert unborn.code == 1
    assert "invoice: status Draft" in unborn.out


@pytest.mark.parametrize("command", [["show"], ["sync", "--once", "--only"], ["plan", "--only"]])
def test_an_unknown_id_is_said_to_be_unknown(program, box, command):
    for unknown in ("cus_doesnotexist", "001000000000000"):
        answer = program.run(*command, unknown)
        assert answer.code == 1, answer.err
        assert "is unknown" in answer.err
        assert "deleted" not in answer.out + answer.err
    assert program.run("status", "--json").json["signals"] == {}


def test_one_record_alone(program, box):
    (row,) = box.query("SELECT Id FROM blng__Invoice__c WHERE blng__InvoiceStatus__c = 'Posted' AND Name = 'INV-0001'")
    only = program.run("sync", "--once", "--json", "--only", row["Id"])
    assert only.code == 0, only.err
    (invoice,) = box.stripe_list("/v1/invoices")
    assert invoice["metadata"]["salesforce_id"] == row["Id"]
    assert invoice["status"] == "open"
    assert len(box.stripe_list("/v1/customers")) == 1


def test_answers_hold_no_secret(program, box):
    for arguments in (["config", "show"], ["plan"], ["sync", "--once"], ["status"]):
        answer = program.run(*arguments, "--json")
        for secret in (box.stripe["api_key"], box.salesforce["client_secret"], box.salesforce["access_token"]):
            assert secret not in answer.out + answer.err
