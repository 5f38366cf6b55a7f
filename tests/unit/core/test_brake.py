"""When a pass looks wrong: the numbers at and beyond each limit, and what a release covers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.core.brake import (
    AmountMove,
    Before,
    BrakeLimits,
    BrakeName,
    Limit,
    Trip,
    TrippedBrake,
    Weight,
    covered,
    decide_counts,
    decide_listing,
    decide_scaled,
    is_released,
    weigh,
)
from connector.core.model import Side
from connector.core.plan import PlanEntry
from tests.support.world import PACK, _pack_in

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LIMITS = BrakeLimits()
KINDS = _pack_in(PACK).kinds


def before(links: int, *, first: bool = False) -> Before:
    return Before(links=links, is_first_sync=first)


def entry(kind: str = "invoice", record_id: str = "a0X1", **fields) -> PlanEntry:
    given = {
        "label": "INV-1",
        "target": "stripe",
        "action": "void",
        "target_id": "in_1",
        "changes": (),
        "moves_money": True,
        "destructive": True,
        "amount_minor": None,
        "currency": None,
        "base": {},
        "digest": "d1",
        "costs": {},
    }
    return PlanEntry(kind=kind, id=record_id, **{**given, **fields})


def released(name: str = BrakeName.MASS_VOID, **fields) -> TrippedBrake:
    plan = {"covers": {"invoice a0X1": "d1"}, "facts": {}}
    given = {"subject": "", "tripped_at": AT, "observed": "", "allowed": "", "plan": plan, "released_at": AT}
    return TrippedBrake(name=name, **{**given, **fields})


# -- limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "links", "most", "name"),
    [
        (Weight.END, 0, 10, BrakeName.MASS_VOID),
        (Weight.END, 500, 10, BrakeName.MASS_VOID),
        (Weight.END, 10_000, 200, BrakeName.MASS_VOID),
        (Weight.CHANGE, 0, 25, BrakeName.MASS_CHANGE),
        (Weight.CHANGE, 1_000, 250, BrakeName.MASS_CHANGE),
        (Weight.CREATE, 0, 5_000, BrakeName.MASS_CREATE),
        (Weight.CREATE, 60_000, 60_000, BrakeName.MASS_CREATE),
    ],
)
def test_the_limit_itself_passes_and_one_more_trips(weight, links, most, name):
    assert decide_counts({weight: most}, before=before(links), limits=LIMITS) == []
    [trip] = decide_counts({weight: most + 1}, before=before(links), limits=LIMITS)
    assert trip.name is name
    assert str(most + 1) in trip.observed
    assert str(most) in trip.allowed


def test_a_first_sync_of_ten_thousand_is_normal_and_has_a_limit_of_its_own():
    assert decide_counts({Weight.CREATE: 100_000}, before=before(0, first=True), limits=LIMITS) == []
    [trip] = decide_counts({Weight.CREATE: 100_001}, before=before(0, first=True), limits=LIMITS)
    assert trip.name is BrakeName.MASS_CREATE


def test_steps_of_births_count_nowhere():
    assert decide_counts({Weight.STEP: 1_000_000}, before=before(10), limits=LIMITS) == []


@pytest.mark.parametrize(
    ("kind", "action", "target", "fields", "weight"),
    [
        ("customer", "create", Side.STRIPE, (), Weight.CREATE),
        ("customer", "update", Side.STRIPE, (), Weight.CHANGE),
        ("customer", "update", Side.SALESFORCE, ("Stripe_Id__c", "Name"), Weight.STEP),
        ("product", "update", Side.SALESFORCE, ("Name",), Weight.CHANGE),
        ("invoice", "add_lines", Side.STRIPE, (), Weight.STEP),
        ("invoice", "finalize", Side.STRIPE, (), Weight.STEP),
        ("invoice", "update", Side.SALESFORCE, ("Stripe_Status__c",), Weight.STEP),
        ("invoice", "update", Side.STRIPE, (), Weight.CHANGE),
        ("quote", "update", Side.STRIPE, (), Weight.CHANGE),
        ("payment", "create", Side.SALESFORCE, (), Weight.CREATE),
        ("payment", "post", Side.SALESFORCE, ("blng__Status__c",), Weight.STEP),
        ("offline_payment", "attach", Side.STRIPE, (), Weight.STEP),
    ],
)
def test_what_a_write_counts_as(kind, action, target, fields, weight):
    assert weigh(KINDS[kind], action=action, target=target, destructive=False, fields=fields) is weight


@pytest.mark.parametrize("action", ["void", "cancel", "delete"])
def test_what_ends_a_document_counts_as_an_end_whatever_it_is_called(action):
    assert weigh(KINDS["invoice"], action=action, target=Side.STRIPE, destructive=True, fields=()) is Weight.END


# -- amounts -----------------------------------------------------------------------------------------------------


def moves(number: int, *, factor: int = 100, field: str = "total", start: int = 0) -> list[AmountMove]:
    return [
        AmountMove(kind="invoice", field=field, id=str(place), old=1_000 + place, new=(1_000 + place) * factor)
        for place in range(start, start + number)
    ]


def test_many_amounts_that_grew_a_hundredfold_trip():
    assert decide_scaled(moves(10), before=before(100), limits=LIMITS) == []
    [trip] = decide_scaled(moves(11), before=before(100), limits=LIMITS)
    assert (trip.name, trip.subject) == (BrakeName.AMOUNTS_SCALED, "invoice.total")
    assert trip.observed == "11 amounts became 100 times what they were"


def test_a_factor_that_is_no_whole_number_trips_too():
    shrunk = [replace(move, old=move.new, new=move.old) for move in moves(11)]
    [trip] = decide_scaled(shrunk, before=before(100), limits=LIMITS)
    assert trip.observed == "11 amounts became 1/100 of what they were"


def test_amounts_that_moved_by_factors_of_their_own_do_not_trip():
    ordinary = [
        AmountMove(kind="invoice", field="total", id=str(place), old=1_000, new=1_001 + place) for place in range(50)
    ]
    assert decide_scaled(ordinary, before=before(100), limits=LIMITS) == []
    assert decide_scaled([*moves(11), *ordinary], before=before(100), limits=LIMITS) == []


def test_amounts_that_were_paid_and_those_that_did_not_move_are_left_out():
    paid = [AmountMove(kind="invoice", field="remaining", id=str(place), old=100, new=0) for place in range(50)]
    assert decide_scaled([*paid, *moves(50, factor=1)], before=before(100), limits=LIMITS) == []


# -- listings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "trips"), [({"invoice": 0}, True), ({}, False), ({"invoice": 9}, True), ({"invoice": 10}, False)]
)
def test_a_listing_of_less_than_half_of_what_is_linked_trips(listed, trips):
    found = decide_listing(Side.STRIPE, listed, {"invoice": 20}, limits=LIMITS)
    assert [trip.subject for trip in found] == ["stripe invoice"] * trips


def test_a_handful_of_links_says_nothing_about_a_listing():
    assert decide_listing(Side.STRIPE, {"invoice": 0}, {"invoice": 19}, limits=LIMITS) == []


# -- releases ----------------------------------------------------------------------------------------------------


def test_a_release_covers_the_entries_that_were_shown_and_no_others():
    other = entry(record_id="a0X2")
    changed = entry(digest="d2")
    assert covered([entry(), other], [released()]) == {"invoice a0X1"}
    assert covered([changed], [released()]) == set()


def test_what_a_released_void_brings_home_is_covered_but_no_other_void():
    home = entry(target="salesforce", action="update", destructive=False, digest="d9")
    assert covered([home], [released()]) == {"invoice a0X1"}
    assert covered([home], [released(BrakeName.MASS_CHANGE)]) == set()
    assert covered([replace(home, destructive=True)], [released()]) == set()


@pytest.mark.parametrize(
    ("facts", "holds"),
    [
        ({"factor": "100", "number": 11}, True),
        ({"factor": "100", "number": 10}, True),
        ({"factor": "100", "number": 12}, False),
        ({"factor": "10", "number": 11}, False),
    ],
)
def test_a_released_factor_holds_for_that_factor_and_no_more_records(facts, holds):
    name, subject = BrakeName.AMOUNTS_SCALED, "invoice.total"
    release = released(name, subject=subject, plan={"facts": {"factor": "100", "number": 11}})
    trip = Trip(name=name, subject=subject, observed="", allowed="", facts=facts)
    assert is_released(trip, [release]) is holds
    assert not is_released(replace(trip, subject="quote.total"), [release])


@pytest.mark.parametrize(("number", "holds"), [(5, True), (6, True), (4, False)])
def test_a_released_listing_may_grow_and_not_shrink_further(number, holds):
    name, subject = BrakeName.LISTING_SHRANK, "stripe invoice"
    release = released(name, subject=subject, plan={"facts": {"number": 5}})
    trip = Trip(name=name, subject=subject, observed="", allowed="", facts={"number": number})
    assert is_released(trip, [release]) is holds


def test_a_release_without_facts_covers_no_finding():
    trip = Trip(name=BrakeName.MASS_VOID, observed="", allowed="")
    assert not is_released(trip, [released()])


def test_a_limit_is_the_greater_of_its_two_parts():
    assert [Limit(at_least=10, percent=2).of(number) for number in (0, 500, 549, 550)] == [10, 10, 10, 11]
