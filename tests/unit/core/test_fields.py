from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from connector.core.codecs import BUILT_IN
from connector.core.fields import FieldErrors, decode_fields, encode_fields, with_hash_parts
from connector.core.mapping import Context, FieldRule, KindMapping, Nature, Owner, SalesforceSpec, StripeSpec
from connector.core.model import Side

EUR = Context(currency="eur", time_zone=ZoneInfo("Europe/Berlin"))


def rule(name, salesforce, stripe, salesforce_codec="text", stripe_codec=None, **more):
    return FieldRule(
        name=name,
        owner=Owner.SALESFORCE,
        salesforce=salesforce,
        stripe=stripe,
        salesforce_codec=BUILT_IN[salesforce_codec],
        stripe_codec=BUILT_IN[stripe_codec or salesforce_codec],
        **more,
    )


def kind(*rules):
    return KindMapping(
        kind="customer",
        nature=Nature.CATALOGUE,
        born=Side.SALESFORCE,
        lifecycle="catalogue",
        tier=0,
        needs=(),
        born_by_need=False,
        salesforce=SalesforceSpec(object="Account", marker="Stripe_Id__c"),
        stripe=StripeSpec(object="customer"),
        fields=rules,
    )


CUSTOMER = kind(
    rule("name", "Name", "name"),
    rule("email", "blng__BillToContact__r.Email", "email", "email"),
    rule("street", "BillingStreet", "address.line1", "one_line"),
    rule("city", "BillingCity", "address.city"),
    rule("code", "AccountNumber", "metadata.account_number", "text", "metadata"),
    rule("ship_name", "Name", "shipping.name"),
    rule("ship_city", "ShippingCity", "shipping.address.city"),
    rule("total", "Total__c", "total", "money", "minor", check=True),
    rule("note", "Description", None),
)

ACCOUNT = {
    "Id": "001000000000001AAA",
    "Name": " Acme ",
    "BillingStreet": "Hauptstr. 1\nHinterhaus",
    "BillingCity": "Berlin",
    "blng__BillToContact__r": {"Email": "ap@acme.example"},
    "Total__c": Decimal("10.50"),
}


def test_a_salesforce_record_becomes_neutral_values_of_every_field_it_holds():
    assert decode_fields(CUSTOMER, Side.SALESFORCE, ACCOUNT, EUR) == {
        "name": "Acme",
        "email": "ap@acme.example",
        "street": "Hauptstr. 1, Hinterhaus",
        "city": "Berlin",
        "code": None,
        "ship_name": "Acme",
        "ship_city": None,
        "total": 1050,
        "note": None,
    }


def test_a_field_one_side_does_not_hold_is_not_read_there():
    values = decode_fields(CUSTOMER, Side.STRIPE, {"name": "Acme", "address": None, "total": 1050}, EUR)
    assert "note" not in values
    assert values["city"] is None
    assert values["total"] == 1050


def test_every_unreadable_field_is_named_at_once():
    with pytest.raises(FieldErrors) as error:
        decode_fields(CUSTOMER, Side.STRIPE, {"name": 5, "email": "nobody", "total": 1}, EUR)
    assert error.value.problems == {"name": "5 is not text", "email": "'nobody' is not an e-mail address"}


def test_dotted_paths_become_nested_parameters():
    values = {"name": "Acme", "street": "Hauptstr. 1", "city": "Berlin", "code": "A-1", "note": "only here"}
    assert encode_fields(CUSTOMER, Side.STRIPE, values, EUR, creating=True) == {
        "name": "Acme",
        "address": {"line1": "Hauptstr. 1", "city": "Berlin"},
        "metadata": {"account_number": "A-1"},
    }


def test_creating_leaves_out_what_has_no_value():
    values = {"name": "Acme", "email": None, "street": None, "city": "Berlin", "code": None}
    assert encode_fields(CUSTOMER, Side.STRIPE, values, EUR, creating=True) == {
        "name": "Acme",
        "address": {"city": "Berlin"},
    }
    assert encode_fields(CUSTOMER, Side.SALESFORCE, values, EUR, creating=True) == {
        "Name": "Acme",
        "BillingCity": "Berlin",
    }


def test_updating_clears_with_the_empty_string_at_stripe_and_null_in_salesforce():
    values = {"email": None, "street": None, "city": "Berlin", "code": None}
    assert encode_fields(CUSTOMER, Side.STRIPE, values, EUR, creating=False) == {
        "email": "",
        "address": {"line1": "", "city": "Berlin"},
        "metadata": {"account_number": ""},
    }
    assert encode_fields(CUSTOMER, Side.SALESFORCE, {"city": None}, EUR, creating=False) == {"BillingCity": None}


def test_a_hash_without_any_value_is_cleared_as_one():
    values = {"street": None, "city": None}
    assert encode_fields(CUSTOMER, Side.STRIPE, values, EUR, creating=False) == {"address": ""}
    assert encode_fields(CUSTOMER, Side.STRIPE, values, EUR, creating=True) == {}


def test_shipping_without_an_address_is_not_sent_because_stripe_refuses_it():
    values = {"ship_name": "Acme", "ship_city": None}
    assert encode_fields(CUSTOMER, Side.STRIPE, values, EUR, creating=True) == {}
    assert encode_fields(CUSTOMER, Side.STRIPE, values, EUR, creating=False) == {"shipping": ""}
    values["ship_city"] = "Berlin"
    assert encode_fields(CUSTOMER, Side.STRIPE, values, EUR, creating=True) == {
        "shipping": {"name": "Acme", "address": {"city": "Berlin"}}
    }


def test_every_value_without_a_wire_form_is_named_at_once():
    with pytest.raises(FieldErrors) as error:
        encode_fields(CUSTOMER, Side.STRIPE, {"code": "x" * 501, "email": "nobody"}, EUR, creating=True)
    assert set(error.value.problems) == {"code", "email"}


def test_a_name_that_is_no_field_is_a_bug():
    with pytest.raises(KeyError):
        encode_fields(CUSTOMER, Side.STRIPE, {"nmae": "Acme"}, EUR, creating=True)


def test_a_hash_is_sent_with_all_its_parts_and_metadata_is_not():
    assert with_hash_parts(CUSTOMER, Side.STRIPE, ["city"]) == ("street", "city")
    assert with_hash_parts(CUSTOMER, Side.STRIPE, ["ship_city", "name"]) == ("name", "ship_name", "ship_city")
    assert with_hash_parts(CUSTOMER, Side.STRIPE, ["code"]) == ("code",)
    assert with_hash_parts(CUSTOMER, Side.SALESFORCE, ["city"]) == ("city",)


def test_what_was_written_is_read_back():
    values = decode_fields(CUSTOMER, Side.SALESFORCE, ACCOUNT, EUR)
    wire = encode_fields(CUSTOMER, Side.STRIPE, values, EUR, creating=False)
    again = decode_fields(CUSTOMER, Side.STRIPE, wire, EUR)
    # without a shipping address Stripe holds no shipping name either
    assert again == {name: value for name, value in values.items() if name != "note"} | {"ship_name": None}
