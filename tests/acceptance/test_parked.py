"""Parked records through the command line: looked through, tried again, left out."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest


def _in_a_month():
    return (datetime.now(UTC).date() + timedelta(days=30)).isoformat()


@pytest.fixture
def mirrored(program):
    """The demo's systems after a first pass: an expired quote, and one that sells an inactive product, are parked."""
    assert program.run("sync", "--once").code == 0
    return program


def _groups(program, *options):
    answer = program.run("parked", "list", "--json", *options)
    assert answer.code == 0, answer.err
    return {group["code"]: group for group in answer.json["groups"]}


def test_what_is_parked_is_listed_shown_tried_again_and_left_out(mirrored, box):
    groups = _groups(mirrored)
    assert set(groups) == {"quote.expired", "quote.product_inactive"}
    assert set(_groups(mirrored, "--code", "*.expired")) == {"quote.expired"}
    assert _groups(mirrored, "--older-than", "1d") == {}
    table = list(csv.DictReader(io.StringIO(mirrored.run("parked", "list", "--csv").out)))
    assert {(row["group"], row["code"]) for row in table} == {(each["group"], code) for code, each in groups.items()}
    expired = groups["quote.expired"]
    assert expired["condition"]["type"] == "period_closed"

    shown = mirrored.run("parked", "show", expired["group"], "--json")
    [record] = shown.json["records"]
    assert record["id"] == expired["example"]["id"]
    assert record["next_look"] == expired["next_look"]

    again = mirrored.run("parked", "retry", expired["group"], "--reason", "asked the customer", "--yes", "--json")
    assert again.code == 1, again.err
    assert (again.json["released"], [row["id"] for row in again.json["still_parked"]]) == (0, [record["id"]])

    # it sells the inactive product, too
    product = groups["quote.product_inactive"]["condition"]["subject"].removeprefix("salesforce product ")
    box.salesforce_update("SBQQ__Quote__c", record["id"], SBQQ__ExpirationDate__c=_in_a_month())
    box.salesforce_update("Product2", product, IsActive=True)
    again = mirrored.run_cold("parked", "retry", record["id"], "--reason", "corrected", "--yes", "--json")
    assert again.code == 0, again.json["still_parked"]
    # the quote, its product and its customer
    assert again.json["preview"]["writes"] == 3
    assert {kind: count["created"] for kind, count in again.json["kinds"].items() if count["created"]} == {
        "product": 1,
        "customer": 1,
        "quote": 1,
    }
    assert (again.json["released"], again.json["still_parked"]) == (1, [])

    inactive = groups["quote.product_inactive"]["group"]
    gone = mirrored.run("parked", "discard", "--group", inactive, "--reason", "old", "--by", "kim", "--yes", "--json")
    assert gone.code == 0, gone.err
    assert [row["id"] for row in gone.json["discarded"]] == [groups["quote.product_inactive"]["example"]["id"]]
    assert _groups(mirrored) == {}
    history = mirrored.run("show", gone.json["discarded"][0]["id"], "--json").json["links"][0]["history"]
    assert history[0]["event"] == "parked discarded by kim: old"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("parked", "retry", "--reason", "x"), "name records by their ids, or groups"),
        (("parked", "discard", "g-00000000", "--reason", " "), "say why"),
        (("parked", "discard", "g-00000000", "--reason", "x", "--yes"), "nothing is parked for it"),
        (("parked", "list", "--older-than", "soon"), "'soon' is no age"),
        (("parked", "list", "--kind", "unicorn"), "'unicorn' is not a kind"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_remedy(program, arguments, words):
    answer = program.run(*arguments)
    assert answer.code == 64
    assert words in answer.err


def test_nobody_is_asked_where_nobody_can_answer(mirrored):
    group = _groups(mirrored)["quote.expired"]["group"]
    for command in ("retry", "discard"):
        answer = mirrored.run("parked", command, group, "--reason", "x")
        assert answer.code == 64
        assert "say --yes" in answer.err
    assert len(_groups(mirrored)) == 2
