"""Which two records are one: our marks, the exact reference with amount and currency, and never a guess."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.mapping import AdoptRule
from connector.core.match import match
from connector.core.match_values import RIVALS_MAX, SHARED_MAX
from connector.core.model import Side
from connector.core.pair import Candidate

CUSTOMER = AdoptRule(reference=("email", "name"), hints=("phone",))
INVOICE = AdoptRule(reference=("number",), amount="total", hints=("date",), parent="customer")


def person(record_id, *, name="Acme", email="ap@acme.example", phone=None, mark=None):
    side = Side.STRIPE if "_" in record_id else Side.SALESFORCE
    return Candidate(
        side=side, id=record_id, label=name, values={"name": name, "email": email, "phone": phone}, mark=mark
    )


def bill(record_id, *, number="INV-1", total=100, currency="usd", parent=None, date="2026-11-01"):
    side = Side.STRIPE if "_" in record_id else Side.SALESFORCE
    values = {"number": number, "date": date}
    return Candidate(
        side=side, id=record_id, label=str(number), values=values, amount_minor=total, currency=currency, parent=parent
    )


def ids(pairs):
    return {pair.ids for pair in pairs}


def test_the_same_reference_is_a_match():
    found = match(CUSTOMER, [person("1")], [person("cus_1")], parents={})
    assert ids(found.matches) == {("1", "cus_1")}
    assert found.matches[0].reasons == ("same email", "same name")


@pytest.mark.parametrize(
    "other",
    [
        person("cus_1", name="Acme Inc"),
        person("cus_1", name="acme"),
        person("cus_1", email="ap@acme.example.org"),
        person("cus_1", email="AP@acme.example"),
        person("cus_1", email=None),
    ],
    ids=["longer name", "name's case", "longer domain", "address's case", "no address"],
)
def test_a_reference_is_whole_and_letter_for_letter(other):
    found = match(CUSTOMER, [person("1")], [other], parents={})
    assert found.matches == ()
    assert ids(found.suggestions) == {("1", "cus_1")}
    assert found.suggestions[0].score < 100


def test_nothing_in_common_is_no_suggestion():
    found = match(CUSTOMER, [person("1")], [person("cus_1", name="Else", email="x@y.example")], parents={})
    assert (found.matches, found.suggestions, found.ambiguous) == ((), (), ())
    assert [each.id for each in found.unmatched] == ["1", "cus_1"]


BILLS = [
    # (what differs, the Stripe invoice, whether it is suggested)
    ("one unit more", bill("in_1", total=101), True),
    ("no amount", bill("in_1", total=None), True),
    ("another currency", bill("in_1", currency="eur"), False),
    ("no currency", bill("in_1", currency=None), False),
    ("a longer number", bill("in_1", number="INV-10"), False),
    ("no number", bill("in_1", number=None), False),
]


@pytest.mark.parametrize(("difference", "there", "suggested"), BILLS, ids=[each[0] for each in BILLS])
def test_a_document_needs_its_amount_and_currency(difference, there, suggested):
    found = match(INVOICE, [bill("1")], [there], parents={})
    assert found.matches == (), difference
    assert bool(found.suggestions) == suggested


def test_a_document_without_an_amount_on_either_side_is_never_certain():
    found = match(INVOICE, [bill("1", total=None)], [bill("in_1", total=None)], parents={})
    assert found.matches == ()
    assert "no amount" in found.suggestions[0].doubts[0]


def test_a_document_of_another_customer_is_never_certain():
    here, there = bill("1", parent="a"), bill("in_1", parent="cus_2")
    assert match(INVOICE, [here], [there], parents={"a": "cus_2"}).matches
    for parents, words in (({"a": "cus_1"}, "different customers"), ({}, "customers are not matched")):
        found = match(INVOICE, [here], [there], parents=parents)
        assert found.matches == ()
        assert words in found.suggestions[0].doubts[0]


def test_the_same_amount_of_the_same_customer_is_a_suggestion():
    here, there = bill("1", number=None, parent="a"), bill("in_1", parent="cus_1")
    found = match(INVOICE, [here], [there], parents={"a": "cus_1"})
    assert ids(found.suggestions) == {("1", "in_1")}
    # the amount alone says nothing
    strangers = match(INVOICE, [replace(here, parent=None)], [replace(there, parent=None)], parents={})
    assert strangers.suggestions == ()


@pytest.mark.parametrize(("here", "there"), [(2, 1), (1, 2), (2, 2), (12, 1), (1, 12)])
def test_two_who_could_be_meant_are_a_persons_matter_and_nobody_is_left_out(here, there):
    ones = [person(str(number)) for number in range(here)]
    others = [person(f"cus_{number}") for number in range(there)]
    found = match(CUSTOMER, ones, others, parents={})
    assert found.matches == ()
    assert found.unmatched == ()
    assert {record_id for pair in found.ambiguous for record_id in pair.ids} == {each.id for each in ones + others}


def test_many_alike_are_listed_without_listing_all_pairs():
    ones = [person(str(number)) for number in range(300)]
    others = [person(f"cus_{number}") for number in range(300)]
    assert len(match(CUSTOMER, ones, others, parents={}).ambiguous) <= 600 * RIVALS_MAX


def test_a_value_that_many_share_suggests_nothing():
    ones = [person(str(n), name=f"N{n}", email=f"{n}@x.example", phone="0") for n in range(SHARED_MAX + 1)]
    others = [person("cus_1", name="Z", email="z@z.example", phone="0")]
    assert match(CUSTOMER, ones, others, parents={}).ambiguous == ()
    assert match(CUSTOMER, ones[1:], others, parents={}).ambiguous != ()


MARKS = [
    # (marks of Salesforce 1, 2; of Stripe cus_1, cus_2; matches; candidates; dangling)
    (("cus_1", None), ("1", None), {("1", "cus_1")}, set(), set()),
    (("cus_1", None), (None, None), {("1", "cus_1")}, set(), set()),
    ((None, None), ("1", None), {("1", "cus_1")}, set(), set()),
    (("cus_1", "cus_2"), ("1", "2"), {("1", "cus_1"), ("2", "cus_2")}, set(), set()),
    (("cus_1", "cus_1"), (None, None), set(), {("1", "cus_1"), ("2", "cus_1")}, set()),
    ((None, None), ("1", "1"), set(), {("1", "cus_1"), ("1", "cus_2")}, set()),
    (("cus_1", None), ("2", None), set(), {("1", "cus_1"), ("2", "cus_1")}, set()),
    (("cus_9", None), (None, None), set(), set(), {"1"}),
    (("cus_1", None), ("9", None), set(), {("1", "cus_1")}, set()),
]


@pytest.mark.parametrize(("here", "there", "matches", "candidates", "dangling"), MARKS)
def test_our_marks_come_first_and_must_not_contradict(here, there, matches, candidates, dangling):
    ones = [person(str(n), name=f"S{n}", email=None, mark=mark) for n, mark in enumerate(here, 1)]
    others = [person(f"cus_{n}", name=f"T{n}", email=None, mark=mark) for n, mark in enumerate(there, 1)]
    found = match(CUSTOMER, ones, others, parents={})
    assert ids(found.matches) == matches
    assert ids((*found.suggestions, *found.ambiguous)) == candidates
    assert {each.id for each in found.dangling} == dangling


def test_a_marked_record_is_nobody_elses_mate():
    ones = [person("1", mark="cus_9"), person("2")]
    found = match(CUSTOMER, ones, [person("cus_1")], parents={})
    assert ids(found.matches) == {("2", "cus_1")}


_NAMES = st.sampled_from(["Acme", "acme", "Else", None])
_EMAILS = st.sampled_from(["a@x.example", "A@x.example", "b@x.example", None])


@st.composite
def _people(draw, prefix):
    count = draw(st.integers(0, 5))
    marks = st.sampled_from([None, None, *(f"cus_{n}" if prefix == "" else str(n) for n in range(6))])
    return [
        person(f"{prefix}{n}", name=draw(_NAMES), email=draw(_EMAILS), phone=draw(_NAMES), mark=draw(marks))
        for n in range(count)
    ]


def _swapped(candidates):
    return [replace(each, side=each.side.other) for each in candidates]


def _placed(found):
    pairs = [*found.matches, *found.suggestions, *found.ambiguous]
    return [*(record for pair in pairs for record in pair.ids), *(each.id for each in found.unmatched)] + [
        each.id for each in found.dangling
    ]


@settings(max_examples=300, derandomize=True, deadline=None)
@given(here=_people(""), there=_people("cus_"))
def test_neither_side_nor_order_decides_nobody_has_two_mates_and_nobody_is_forgotten(here, there):
    found = match(CUSTOMER, here, there, parents={})
    turned = match(CUSTOMER, _swapped(there[::-1]), _swapped(here[::-1]), parents={})
    assert {pair.ids[::-1] for pair in turned.matches} == ids(found.matches)
    assert {pair.ids[::-1] for pair in (*turned.suggestions, *turned.ambiguous)} == ids(
        (*found.suggestions, *found.ambiguous)
    )
    matched = [record_id for pair in found.matches for record_id in pair.ids]
    assert len(matched) == len(set(matched))
    assert set(matched).isdisjoint(
        record_id for pair in (*found.suggestions, *found.ambiguous) for record_id in pair.ids
    )
    assert set(_placed(found)) == {each.id for each in (*here, *there)}


@settings(max_examples=300, derandomize=True, deadline=None)
@given(here=_people(""), there=_people("cus_"), data=st.data())
def test_a_second_candidate_turns_a_match_into_a_question(here, there, data):
    before = match(CUSTOMER, here, there, parents={})
    certain = [pair for pair in before.matches if pair.salesforce.mark is None and pair.stripe.mark is None]
    if not certain:
        return
    pair = data.draw(st.sampled_from(certain))
    twin = replace(data.draw(st.sampled_from([pair.salesforce, pair.stripe])))
    twin = replace(twin, id=f"{twin.id}99")
    ones, others = (here, [*there, twin]) if twin.side is Side.STRIPE else ([*here, twin], there)
    after = match(CUSTOMER, ones, others, parents={})
    assert pair.ids not in ids(after.matches)
    assert pair.ids in ids(after.ambiguous)
    assert twin.id not in {record_id for match_ in after.matches for record_id in match_.ids}
