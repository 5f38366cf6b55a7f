"""By what a stranger is recognised: alike on both sides, and nothing of it can be read back."""

from __future__ import annotations

import pytest

from connector.core.mapping import AdoptRule
from connector.core.model import Side
from connector.core.pair import Candidate
from connector.core.twins import is_anothers, traits_of
from tests.support.views import record_of

CUSTOMER = AdoptRule(reference=("email", "name"), hints=("phone",))
INVOICE = AdoptRule(reference=("number",), amount="total", parent="customer")


def one(side=Side.SALESFORCE, amount_minor=None, currency=None, **values):
    return Candidate(side=side, id="x", label="x", values=values, amount_minor=amount_minor, currency=currency)


def test_case_and_spacing_are_no_difference_and_either_part_is_enough():
    here = traits_of(CUSTOMER, one(email="AP@acme.example", name="Acme  GmbH"), home=None)
    there = traits_of(CUSTOMER, one(Side.STRIPE, email="ap@acme.example ", name="Other"), home=None)
    assert len(here) == 2
    assert len(here & there) == 1


@pytest.mark.parametrize("values", [{}, {"email": None, "name": " "}, {"phone": "1"}])
def test_nothing_and_mere_hints_recognise_nobody(values):
    assert traits_of(CUSTOMER, one(**values), home=None) == frozenset()


def test_a_value_counts_in_its_own_field_only():
    named = traits_of(CUSTOMER, one(name="a@b.example"), home=None)
    assert named.isdisjoint(traits_of(CUSTOMER, one(email="a@b.example"), home=None))


@pytest.mark.parametrize(
    ("there", "home", "same"),
    [
        ({}, "cus_1", True),
        ({"amount_minor": 101}, "cus_1", False),
        ({"currency": "eur"}, "cus_1", False),
        ({}, "cus_2", False),
        ({}, None, False),
    ],
)
def test_an_amount_counts_with_its_currency_and_whose_it_is(there, home, same):
    here = traits_of(INVOICE, one(number="INV-1", amount_minor=100, currency="usd"), home="cus_1")
    given = {"number": "A-7", "amount_minor": 100, "currency": "usd"} | there
    assert bool(here & traits_of(INVOICE, one(Side.STRIPE, **given), home=home)) is same


def test_a_trait_tells_nothing_of_the_record():
    [trait] = traits_of(CUSTOMER, one(email="ap@acme.example"), home=None)
    assert len(trait) == 32
    assert "acme" not in trait


@pytest.mark.parametrize(
    ("metadata", "is_somebodys"), [(None, False), ({"a": "b"}, False), ({"salesforce_org": "0"}, True)]
)
def test_what_carries_an_orgs_mark_is_no_stranger(metadata, is_somebodys):
    assert is_anothers(record_of(Side.STRIPE, "customer", "cus_1", {"metadata": metadata})) is is_somebodys
