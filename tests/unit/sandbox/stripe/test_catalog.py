"""Customers' balance, products, prices and tax rates."""

from __future__ import annotations

import pytest


class TestCustomers:
    def test_a_deleted_one_shows_as_deleted_and_takes_no_changes(self, api):
        customer = api.customer()
        gone = {"id": customer, "object": "customer", "deleted": True}
        assert api.delete(f"/v1/customers/{customer}") == gone
        assert api.get(f"/v1/customers/{customer}") == gone
        assert api.refused("POST", f"/v1/customers/{customer}", {"name": "x"})["status"] == 404
        assert api.get("/v1/customers")["data"] == []

    def test_an_address_has_all_its_parts(self, api):
        customer = api.get(f"/v1/customers/{api.customer(address={'city': 'Kiel'})}")
        assert customer["address"] == {
            "city": "Kiel",
            "country": None,
            "line1": None,
            "line2": None,
            "postal_code": None,
            "state": None,
        }

    def test_an_empty_value_unsets(self, api):
        customer = api.customer(phone="1", address={"city": "Kiel"})
        changed = api.post(f"/v1/customers/{customer}", {"phone": "", "address": ""})
        assert (changed["phone"], changed["address"]) == (None, None)

    def test_the_balance_keeps_its_trail_and_one_currency(self, api):
        customer = api.customer()
        for amount, ending in ((-500, -500), (200, -300)):
            booked = api.post(f"/v1/customers/{customer}/balance_transactions", {"amount": amount, "currency": "usd"})
            assert (booked["ending_balance"], booked["type"]) == (ending, "adjustment")
        assert api.get(f"/v1/customers/{customer}")["balance"] == -300
        params = {"amount": 1, "currency": "eur"}
        assert api.refused("POST", f"/v1/customers/{customer}/balance_transactions", params)["param"] == "currency"


class TestProducts:
    def test_an_own_id_is_taken_once(self, api):
        assert api.product(id="SKU-1") == "SKU-1"
        assert api.refused("POST", "/v1/products", {"name": "x", "id": "SKU-1"})["code"] == "resource_already_exists"

    def test_active_and_default_price(self, api):
        product = api.product()
        price = api.post("/v1/prices", {"currency": "usd", "product": product, "unit_amount": 5})["id"]
        changed = api.post(f"/v1/products/{product}", {"active": False, "default_price": price})
        assert (changed["active"], changed["default_price"]) == (False, price)
        assert api.get("/v1/products", {"active": True})["data"] == []

    def test_one_with_prices_cannot_be_deleted(self, api):
        product = api.product()
        api.post("/v1/prices", {"currency": "usd", "product": product, "unit_amount": 5})
        assert api.refused("DELETE", f"/v1/products/{product}")["status"] == 400
        assert api.delete(f"/v1/products/{api.product()}")["deleted"] is True


class TestPrices:
    @pytest.mark.parametrize(
        ("given", "whole", "exact"),
        [
            ({"unit_amount": 500}, 500, "500"),
            ({"unit_amount_decimal": "12.50"}, None, "12.5"),
            ({"unit_amount_decimal": "100.000"}, 100, "100"),
            ({"unit_amount_decimal": "0.000000000001"}, None, "0.000000000001"),
        ],
    )
    def test_whole_and_exact_amounts(self, api, given, whole, exact):
        price = api.post("/v1/prices", {"currency": "usd", "product": api.product(), **given})
        assert (price["unit_amount"], price["unit_amount_decimal"]) == (whole, exact)

    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"unit_amount": 1, "unit_amount_decimal": "1"},
            {"unit_amount_decimal": "1.0000000000001"},
            {"unit_amount_decimal": "abc"},
        ],
    )
    def test_amounts_that_are_refused(self, api, given):
        params = {"currency": "usd", "product": api.product(), **given}
        assert api.refused("POST", "/v1/prices", params)["status"] == 400

    def test_filters(self, api):
        product = api.product()
        price = api.post("/v1/prices", {"currency": "usd", "product": product, "unit_amount": 5, "lookup_key": "k"})[
            "id"
        ]
        api.post("/v1/prices", {"currency": "eur", "product": product, "unit_amount": 5})
        for params in ({"currency": "usd"}, {"lookup_keys": ["k"]}, {"product": product, "currency": "usd"}):
            assert [each["id"] for each in api.get("/v1/prices", params)["data"]] == [price]


def test_a_tax_rates_percentage_stays_exact(api):
    answer = api.ask("POST", "/v1/tax_rates", {"display_name": "T", "inclusive": False, "percentage": "8.8750"})
    assert b'"percentage":8.8750,' in answer.raw
    assert api.refused("POST", "/v1/tax_rates", {"display_name": "T", "inclusive": False, "percentage": "101"})
