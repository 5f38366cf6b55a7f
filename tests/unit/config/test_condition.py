from __future__ import annotations

import pytest

from connector.config.condition import are_disjoint, demands_null, read_condition


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('Type = "Customer"', "double quotes"),
        ("Type = 'Customer", "not closed"),
        ("Type == 'Customer'", "=="),
        ("Name = 'x'; DELETE", ";"),
        ("Type IS NOT NULL", "IS NULL"),
        ("(Type = 'x'", "parentheses"),
        ("SELECT Id", "SELECT"),
        ("Type = 'x' ORDER BY Name", "ORDER"),
        ("Type = 'x' limit 1", "LIMIT"),
        ("true", "compares no field"),
        ("Type = [x]", "cannot read '[x]'"),
    ],
)
def test_a_slip_is_found(text, says):
    slips = read_condition(text).slips
    assert any(says in observed for observed, _ in slips)
    assert all(remedy for _, remedy in slips)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("IsActive = true", ("IsActive",)),
        ("Name = 'a; -- \"select\" (it\\'s)'", ("Name",)),
        ("Stripe_Id__c = null AND blng__PaymentMode__c = 'External'", ("Stripe_Id__c", "blng__PaymentMode__c")),
        ("Account__r.Type IN ('a', 'b') OR (NOT Name LIKE 'x%')", ("Account__r.Type", "Name")),
        ("CreatedDate >= LAST_N_DAYS:30 and Total__c > 0", ("CreatedDate", "Total__c")),
        ("CreatedDate >= 2026-01-31T00:00:00Z", ("CreatedDate",)),
        ("Regions__c INCLUDES ('A;B')", ("Regions__c",)),
        ("Type NOT IN ('a')", ("Type",)),
        ("Amount__c > -1.5", ("Amount__c",)),
    ],
)
def test_the_fields_of_a_condition_are_named_and_nothing_is_wrong_with_it(text, fields):
    condition = read_condition(text)
    assert condition.slips == ()
    assert condition.fields == fields


@pytest.mark.parametrize(
    ("one", "other", "disjoint"),
    [
        ("Mode__c = 'External'", "Mode__c = 'Electronic'", True),
        ("Mode__c = 'External' AND A__c = 1", "B__c = 2 AND mode__c = 'Electronic'", True),
        ("Id__c = null", "Id__c != null", True),
        ("Id__c = NULL", "Id__c <> null", True),
        ("Mode__c = 'x'", "Mode__c != 'x'", True),
        ("Mode__c = 'External'", "Mode__c = 'External'", False),
        ("Mode__c = 'External'", "mode__c = 'external'", False),
        ("Mode__c = 'External'", "Other__c = 'Electronic'", False),
        ("Mode__c = 'x'", "Mode__c != 'y'", False),
        ("Mode__c = 'External' OR A__c = 1", "Mode__c = 'Electronic'", False),
        ("(Mode__c = 'External')", "Mode__c = 'Electronic'", False),
    ],
)
def test_two_conditions_are_disjoint_only_when_it_shows(one, other, disjoint):
    assert are_disjoint(read_condition(one), read_condition(other)) is disjoint
    assert are_disjoint(read_condition(other), read_condition(one)) is disjoint


def test_a_condition_may_demand_that_a_field_is_empty():
    assert demands_null(read_condition("Stripe_Id__c = null AND A__c = 1"), "Stripe_Id__c")
    assert not demands_null(read_condition("Stripe_Id__c != null"), "Stripe_Id__c")
    assert not demands_null(read_condition("Stripe_Id__c = null OR A__c = 1"), "Stripe_Id__c")
