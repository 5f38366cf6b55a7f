"""Lists: order, cursors, limits, filters and expansion."""

from __future__ import annotations

import pytest


@pytest.fixture
def seven(api, later) -> list[str]:
    """Ids of seven customers, newest first, one second apart."""
    ids = []
    for number in range(7):
        later(seconds=1)
        ids.append(api.customer(email=f"c{number % 2}@example.com"))
    return ids[::-1]


def _ids(page) -> list[str]:
    return [item["id"] for item in page["data"]]


def test_newest_first_with_ten_by_default(api, seven):
    page = api.get("/v1/customers")
    assert _ids(page) == seven
    assert (page["object"], page["has_more"], page["url"]) == ("list", False, "/v1/customers")


def test_starting_after_walks_to_the_old(api, seven):
    first = api.get("/v1/customers", {"limit": 3})
    second = api.get("/v1/customers", {"limit": 3, "starting_after": first["data"][-1]["id"]})
    third = api.get("/v1/customers", {"limit": 3, "starting_after": second["data"][-1]["id"]})
    assert _ids(first) + _ids(second) + _ids(third) == seven
    assert [page["has_more"] for page in (first, second, third)] == [True, True, False]


def test_ending_before_gives_the_page_next_to_the_cursor_newest_first(api, seven):
    page = api.get("/v1/customers", {"limit": 2, "ending_before": seven[4]})
    assert (_ids(page), page["has_more"]) == (seven[2:4], True)
    assert _ids(api.get("/v1/customers", {"limit": 2, "ending_before": seven[1]})) == seven[:1]
    assert _ids(api.get("/v1/customers", {"ending_before": seven[0]})) == []


def test_a_cursor_keeps_its_place_after_its_object_is_deleted(api, seven):
    api.delete(f"/v1/customers/{seven[3]}")
    assert _ids(api.get("/v1/customers", {"starting_after": seven[3]})) == seven[4:]


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 101},
        {"starting_after": "cus_none"},
        {"starting_after": "cus_a", "ending_before": "cus_b"},
    ],
)
def test_bad_cursors_and_limits_are_refused(api, params):
    assert api.refused("GET", "/v1/customers", params)["status"] == 400


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"gte": 3}, slice(0, 5)),
        ({"gt": 3}, slice(0, 4)),
        ({"lte": 3}, slice(4, 7)),
        ({"lt": 3}, slice(5, 7)),
        ({"gte": 2, "lt": 4}, slice(4, 6)),
    ],
)
def test_created_bounds(api, seven, bounds, expected):
    start = api.get(f"/v1/customers/{seven[-1]}")["created"] - 1
    params = {"created": {name: start + offset for name, offset in bounds.items()}}
    assert _ids(api.get("/v1/customers", params)) == seven[expected]


def test_a_filter_and_a_cursor_together(api, seven):
    page = api.get("/v1/customers", {"email": "c0@example.com", "limit": 2, "starting_after": seven[1]})
    assert (_ids(page), page["has_more"]) == ([seven[2], seven[4]], True)


def test_a_filter_follows_a_changed_value(api, seven):
    api.post(f"/v1/customers/{seven[6]}", {"email": "c1@example.com"})
    assert _ids(api.get("/v1/customers", {"email": "c1@example.com"})) == [seven[n] for n in (1, 3, 5, 6)]
    assert _ids(api.get("/v1/customers", {"email": "c0@example.com"})) == [seven[n] for n in (0, 2, 4)]


def test_quotes_have_no_created_filter(api):
    assert api.refused("GET", "/v1/quotes", {"created": {"gt": 1}})["code"] == "parameter_unknown"


class TestExpand:
    def test_an_id_becomes_its_object_in_one_and_in_lists(self, api):
        invoice = api.open_invoice(1000)
        assert api.get(f"/v1/invoices/{invoice['id']}", {"expand": ["customer"]})["customer"]["name"] == "Ada"
        listed = api.get("/v1/invoices", {"expand": ["data.customer"]})["data"][0]
        assert listed["customer"]["id"] == invoice["customer"]

    def test_four_levels_and_no_more(self, api):
        invoice = api.open_invoice(1000)
        path = f"/v1/invoices/{invoice['id']}"
        deep = api.get(path, {"expand": ["payments.data.payment.payment_intent"]})
        assert deep["payments"]["data"][0]["payment"]["payment_intent"]["amount"] == 1000
        too_deep = api.refused("GET", path, {"expand": ["payments.data.payment.payment_intent.customer"]})
        assert "4 levels" in too_deep["message"]

    @pytest.mark.parametrize("path", ["nothing", "status", "customer.nothing", "lines.total", "data.customer"])
    def test_what_cannot_be_expanded_is_refused(self, api, path):
        invoice = api.open_invoice(1000)
        refused = api.refused("GET", f"/v1/invoices/{invoice['id']}", {"expand": [path]})
        assert f"cannot be expanded ({path})" in refused["message"]

    def test_expanding_leaves_the_stored_object_alone(self, api):
        invoice = api.open_invoice(1000)
        path = f"/v1/invoices/{invoice['id']}"
        before = api.get(path)
        api.get(path, {"expand": ["customer", "payments", "lines.data.discounts"]})
        assert api.get(path) == before

    def test_a_deleted_customer_expands_to_its_deleted_form(self, api):
        invoice = api.open_invoice(1000)
        api.delete(f"/v1/customers/{invoice['customer']}")
        shown = api.get(f"/v1/invoices/{invoice['id']}", {"expand": ["customer"]})["customer"]
        assert shown == {"id": invoice["customer"], "object": "customer", "deleted": True}
