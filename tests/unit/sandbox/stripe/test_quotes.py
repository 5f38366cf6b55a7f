"""Quotes (platform.md C8): draft, open, accepted or canceled, and what accepting bills."""

from __future__ import annotations

import pytest

DAY_S = 86_400


def _quote(api, *, customer: str | None = None, lines: list[dict] | None = None, **params) -> dict:
    if lines is None:
        lines = [_line(api, 700, 2), _line(api, 150, 1)]
    params = {"customer": customer or api.customer(), "line_items": lines, **params}
    return api.post("/v1/quotes", params)


def _line(api, unit_amount: int, quantity: int, **price) -> dict:
    data = {"currency": "usd", "product": api.product(), "unit_amount": unit_amount, **price}
    return {"price_data": data, "quantity": quantity}


def _open(api, **params) -> dict:
    return api.post(f"/v1/quotes/{_quote(api, **params)['id']}/finalize")


def test_a_draft_computes_its_totals_and_expires_in_thirty_days(api):
    quote = _quote(api)
    assert (quote["status"], quote["number"]) == ("draft", None)
    assert (quote["amount_subtotal"], quote["amount_total"]) == (1550, 1550)
    assert quote["computed"]["upfront"]["amount_total"] == 1550
    assert quote["expires_at"] == quote["created"] + 30 * DAY_S
    assert "line_items" not in quote


def test_its_lines_keep_their_order_and_are_paged(api):
    quote = _quote(api)
    first = api.get(f"/v1/quotes/{quote['id']}/line_items", {"limit": 1})
    rest = api.get(f"/v1/quotes/{quote['id']}/line_items", {"starting_after": first["data"][0]["id"]})
    assert [line["amount_total"] for line in first["data"] + rest["data"]] == [1400, 150]
    assert (first["has_more"], rest["has_more"]) == (True, False)


def test_tax_rates_are_added(api):
    rate = api.post("/v1/tax_rates", {"display_name": "VAT", "inclusive": False, "percentage": 10})["id"]
    quote = _quote(api, lines=[{**_line(api, 1000, 1), "tax_rates": [rate]}])
    assert (quote["amount_subtotal"], quote["amount_total"], quote["total_details"]["amount_tax"]) == (1000, 1100, 100)


def test_finalizing_opens_and_numbers_it(api):
    customer = api.customer()
    first, second = _open(api, customer=customer), _open(api, customer=customer)
    assert (first["status"], first["number"][:3], first["number"][-6:]) == ("open", "QT-", "0001-1")
    assert second["number"][-6:] == "0002-1"
    assert first["status_transitions"]["finalized_at"] == first["created"]


@pytest.mark.parametrize("missing", ["customer", "line_items"])
def test_finalizing_needs_a_customer_and_lines(api, missing):
    params = {"customer": api.customer(), "line_items": [_line(api, 5, 1)]}
    del params[missing]
    quote = api.post("/v1/quotes", params)
    refused = api.refused("POST", f"/v1/quotes/{quote['id']}/finalize")
    assert (refused["code"], refused["param"]) == ("parameter_missing", missing)


def test_its_customer_is_set_once(api):
    quote = _quote(api)
    refused = api.refused("POST", f"/v1/quotes/{quote['id']}", {"customer": api.customer()})
    assert refused["param"] == "customer"


def test_lines_are_replaced_while_it_is_a_draft(api):
    quote = _quote(api)
    changed = api.post(f"/v1/quotes/{quote['id']}", {"line_items": [_line(api, 5, 3, currency="eur")]})
    assert (changed["amount_total"], changed["currency"]) == (15, "eur")


@pytest.mark.parametrize(
    ("lines", "param"),
    [
        ([{"price_data": {"currency": "usd", "unit_amount": 5}}], "line_items[0][price_data][product]"),
        ([{"quantity": 1}], "line_items[0][price]"),
        ([{"price": "price_none"}], "line_items[0][price]"),
    ],
)
def test_lines_need_a_price_of_a_product(api, lines, param):
    refused = api.refused("POST", "/v1/quotes", {"line_items": lines})
    assert refused["param"] == param


def test_an_inline_product_is_unknown(api):
    line = {"price_data": {"currency": "usd", "unit_amount": 5, "product_data": {"name": "x"}}}
    assert api.refused("POST", "/v1/quotes", {"line_items": [line]})["code"] == "parameter_unknown"


def test_a_price_may_be_of_thousandths_of_a_cent(api):
    line = _line(api, 0, 1000)
    del line["price_data"]["unit_amount"]
    line["price_data"]["unit_amount_decimal"] = "0.125"
    assert _quote(api, lines=[line])["amount_total"] == 125


def test_one_currency_only(api):
    lines = [_line(api, 5, 1), _line(api, 5, 1, currency="eur")]
    assert "one currency" in api.refused("POST", "/v1/quotes", {"line_items": lines})["message"]


ALLOWED = {"finalize": {"draft"}, "accept": {"open"}, "cancel": {"draft", "open"}}


@pytest.mark.parametrize("status", ["draft", "open", "accepted", "canceled"])
@pytest.mark.parametrize("call", list(ALLOWED))
def test_each_call_in_each_state(api, call, status):
    quote = (_quote if status == "draft" else _open)(api)["id"]
    if status in {"accepted", "canceled"}:
        api.post(f"/v1/quotes/{quote}/{'accept' if status == 'accepted' else 'cancel'}")
    answer = api.ask("POST", f"/v1/quotes/{quote}/{call}")
    if status in ALLOWED[call]:
        assert answer.status == 200
    else:
        assert (answer.status, answer.error["code"]) == (400, "status_transition_invalid")
        assert api.get(f"/v1/quotes/{quote}")["status"] == status


def test_an_open_one_changes_little_and_a_final_one_less(api, clock):
    quote = _open(api)["id"]
    later = int(clock.now().timestamp()) + 5 * DAY_S
    changed = api.post(f"/v1/quotes/{quote}", {"description": "d", "metadata": {"a": "1"}, "expires_at": later})
    assert (changed["description"], changed["expires_at"]) == ("d", later)
    assert api.refused("POST", f"/v1/quotes/{quote}", {"header": "h"})["param"] == "header"
    api.post(f"/v1/quotes/{quote}/cancel")
    assert api.refused("POST", f"/v1/quotes/{quote}", {"description": "e"})["param"] == "description"
    assert api.post(f"/v1/quotes/{quote}", {"metadata": {"b": "2"}})["metadata"] == {"a": "1", "b": "2"}


class TestExpiry:
    def test_it_cancels_itself_and_says_nothing(self, api, later):
        quote = _open(api)["id"]
        later(days=29)
        assert api.get(f"/v1/quotes/{quote}")["status"] == "open"
        later(days=1)
        expired = api.get(f"/v1/quotes/{quote}")
        assert (expired["status"], expired["status_transitions"]["canceled_at"]) == ("canceled", expired["expires_at"])
        assert "quote.canceled" not in api.event_types()
        assert [each["id"] for each in api.get("/v1/quotes", {"status": "canceled"})["data"]] == [quote]

    def test_a_moved_date_counts(self, api, later, clock):
        quote = _quote(api)
        soon = int(clock.now().timestamp()) + DAY_S
        opened = api.post(f"/v1/quotes/{quote['id']}/finalize", {"expires_at": soon})
        assert opened["expires_at"] == soon
        later(days=2)
        assert api.get(f"/v1/quotes/{quote['id']}")["status"] == "canceled"

    def test_an_accepted_one_stays(self, api, later):
        quote = _open(api)["id"]
        api.post(f"/v1/quotes/{quote}/accept")
        later(days=31)
        assert api.get(f"/v1/quotes/{quote}")["status"] == "accepted"

    def test_a_date_in_the_past_is_refused(self, api):
        assert api.refused("POST", "/v1/quotes", {"expires_at": 1})["param"] == "expires_at"


class TestAccept:
    def test_it_makes_a_draft_invoice_of_its_lines(self, api):
        settings = {"days_until_due": 14}
        quote = _open(api, collection_method="send_invoice", invoice_settings=settings, metadata={"sf": "a0Q"})
        accepted = api.post(f"/v1/quotes/{quote['id']}/accept")
        assert (accepted["status"], accepted["status_transitions"]["accepted_at"]) == ("accepted", quote["created"])
        invoice = api.get(f"/v1/invoices/{accepted['invoice']}")
        assert (invoice["status"], invoice["total"], invoice["billing_reason"]) == ("draft", 1550, "quote_accept")
        assert invoice["parent"]["quote_details"] == {"quote": quote["id"]}
        assert (invoice["collection_method"], invoice["due_date"]) == ("send_invoice", invoice["created"] + 14 * DAY_S)
        assert sorted(line["amount"] for line in invoice["lines"]["data"]) == [150, 1400]

    def test_that_invoice_finalizes_itself_unless_held(self, api, later):
        running, held = (api.post(f"/v1/quotes/{_open(api)['id']}/accept")["invoice"] for _ in range(2))
        api.post(f"/v1/invoices/{held}", {"auto_advance": False})
        later(hours=2)
        assert api.get(f"/v1/invoices/{running}")["status"] == "open"
        assert api.get(f"/v1/invoices/{held}")["status"] == "draft"

    def test_recurring_lines_are_not_modelled_and_change_nothing(self, api):
        quote = _open(api, lines=[_line(api, 500, 1, recurring={"interval": "month"})])
        assert "subscription" in api.refused("POST", f"/v1/quotes/{quote['id']}/accept")["message"]
        assert api.get(f"/v1/quotes/{quote['id']}")["status"] == "open"


def test_events(api):
    quote = _open(api)["id"]
    api.post(f"/v1/quotes/{quote}", {"description": "no event for this"})
    api.post(f"/v1/quotes/{quote}/cancel")
    assert [kind for kind in api.event_types() if kind.startswith("quote.")] == [
        "quote.created",
        "quote.finalized",
        "quote.canceled",
    ]
