"""An adoption as a document: counts, decisions, to its file and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.core.adoption import Adoption, Alone, Choice, Found, faults
from tests.support.adoptions import adoption, entry


def test_it_survives_its_file():
    alone = Alone(
        kind="customer", side="stripe", id="cus_9", label="Nobody", amount_minor=1, currency="usd", reason="x"
    )
    made = adoption(entry(), alone=(alone,), linked={"customer": 2}, left_out={"customer": {"stripe: deleted": 1}})
    assert Adoption.from_dict(made.as_dict()) == made


EDITS = {
    "a word nobody knows": (lambda each: each.update(choice="yes"), "`choice` is one of link, undecided, separate"),
    "an id that is none": (lambda each: each.update(stripe=7), "entry 0: stripe is 7, not a text"),
    "a key nobody asked for": (lambda each: each.update(extra=1), "extra"),
    "a key that is gone": (lambda each: each.pop("digest"), "digest"),
    "reasons that are a number": (lambda each: each.update(reasons=3), "entry 0"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_that_is_no_decision_is_named(edit):
    content = adoption(entry()).as_dict()
    change, words = EDITS[edit]
    change(content["adoption"]["entries"][0])
    with pytest.raises(ValueError, match=words):
        Adoption.from_dict(content)


@pytest.mark.parametrize(
    "content", [{}, {"schema_version": 1}, {"schema_version": 2, "adoption": {}}, {"schema_version": 1, "adoption": {}}]
)
def test_another_document_is_no_adoption(content):
    with pytest.raises(ValueError, match="adoption"):
        Adoption.from_dict(content)


def test_a_record_is_linked_once():
    linked = [
        entry(choice=Choice.LINK),
        entry("1", "cus_2", choice=Choice.LINK),
        entry("2", "cus_1", choice=Choice.LINK),
    ]
    assert {name for name, _ in faults(linked)} == {"customer 1=cus_2", "customer 2=cus_1"}
    assert faults([*linked[:1], entry("2", "cus_2", choice=Choice.LINK)]) == []
    assert [what for _, what in faults([entry(), entry()])] == ["it stands there twice"]
    # ids of two kinds are two records
    assert faults([linked[0], replace(linked[0], kind="other")]) == []


def test_what_is_linked_otherwise_is_not_undecided():
    made = adoption(entry(choice=Choice.LINK), entry("1", "cus_2"), entry("2", "cus_1"), entry("3", "cus_3"))
    assert [each.name for each in made.undecided()] == ["customer 3=cus_3"]


def test_a_record_with_two_candidates_counts_its_money_once():
    money = {"amount_minor": 500, "currency": "usd", "found": Found.AMBIGUOUS, "kind": "invoice"}
    made = adoption(entry("1", "in_1", **money), entry("1", "in_2", **money))
    assert made.money() == {"invoice ambiguous": {"usd": 500}}
    assert made.counts()["invoice"]["ambiguous"] == 2
