"""Both systems hold records already: the program asks, a person decides, and nothing is made twice."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.program import Program, sandbox


@pytest.fixture
def box(tmp_path):
    with sandbox(tmp_path, "--stripe-rate", "0", "--both") as started:
        yield started


@pytest.fixture
def program(tmp_path, box):
    return Program.for_sandbox(tmp_path / "home", box)


def at_stripe(box):
    return {name: len(box.stripe_list(f"/v1/{name}")) for name in ("customers", "products", "invoices")}


def test_from_a_refused_first_pass_to_systems_in_step(program, box, tmp_path):
    before = at_stripe(box)
    refused = program.run("sync", "--once")
    assert refused.code == 1
    assert "connector adopt --plan" in refused.err
    assert at_stripe(box) == before

    file = tmp_path / "adopt.json"
    plan = program.run_cold("adopt", "--plan", "--out", str(file), "--json")
    assert plan.code == 0, plan.err
    answer = json.loads(plan.out.splitlines()[-1])
    assert answer["counts"]["product"]["match"] == before["products"]
    assert answer["undecided"] > 0
    # the address is what they were matched by, and is not written down
    assert "@" not in file.read_text()

    content = json.loads(file.read_text())
    for entry in content["adoption"]["entries"]:
        if entry["found"] == "suggestion":
            entry["choice"] = "link"
    file.write_text(json.dumps(content))
    adopted = program.run_cold("adopt", "--apply", str(file), "--json")
    # two customers who could be two others each are still undecided
    assert adopted.code == 1, adopted.err
    done = json.loads(adopted.out.splitlines()[-1])
    assert (done["held"] > 0, done["refused"]) == (True, [])
    assert at_stripe(box) == before

    program.run("sync", "--once")
    marked = [row for row in box.stripe_list("/v1/customers") if row["metadata"].get("salesforce_id")]
    ids = [row["metadata"]["salesforce_id"] for row in marked]
    assert len(ids) == len(set(ids))
    numbers = [row["number"] for row in box.stripe_list("/v1/invoices")]
    assert len(numbers) == len(set(numbers))
    names = [row["name"] for row in box.stripe_list("/v1/products")]
    assert len(names) == before["products"]


def test_a_pair_that_is_no_candidate_is_named_and_nothing_is_saved(program, tmp_path):
    file = tmp_path / "adopt.json"
    answer = program.run("adopt", "--plan", "--out", str(file), "--accept", "001000000000001AAA=cus_nobody")
    assert answer.code == 64
    assert "no candidates for each other" in answer.err
    assert not file.exists()
