"""Records at Stripe that nobody claims are found by any of their traits, until they are forgotten."""

from __future__ import annotations


def test_a_stranger_is_found_by_each_of_its_traits(store):
    assert not store.strangers.are_known("customer")
    store.strangers.remember("customer", {"cus_1": {"a", "b"}, "cus_2": {"b"}})
    assert store.strangers.are_known("customer")
    assert store.strangers.find("customer", {"a", "b", "c"}) == {"a": {"cus_1"}, "b": {"cus_1", "cus_2"}}
    assert store.strangers.find("customer", set()) == {}


def test_kinds_do_not_mix(store):
    store.strangers.remember("customer", {"cus_1": {"a"}})
    assert not store.strangers.are_known("product")
    assert store.strangers.find("product", {"a"}) == {}


def test_what_is_remembered_takes_the_place_of_what_was(store):
    store.strangers.remember("customer", {"cus_1": {"a"}, "cus_2": {"a"}})
    store.strangers.remember("customer", {"cus_1": {"c"}})
    assert store.strangers.find("customer", {"a", "c"}) == {"a": {"cus_2"}, "c": {"cus_1"}}


def test_without_traits_a_stranger_is_forgotten(store):
    store.strangers.remember("customer", {"cus_1": {"a"}})
    store.strangers.remember("customer", {"cus_1": set(), "cus_9": set()})
    assert not store.strangers.are_known("customer")


def test_more_than_one_statement_takes_are_remembered_and_found(store):
    many = {f"cus_{number}": {f"t{number}", "shared"} for number in range(1_500)}
    store.strangers.remember("customer", many)
    found = store.strangers.find("customer", {"shared", *(f"t{number}" for number in range(1_500))})
    assert (len(found), len(found["shared"])) == (1_501, 1_500)
