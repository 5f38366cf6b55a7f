"""Invoices: lines and totals, what may change when, numbers, balances, and the life cycle."""

from __future__ import annotations

import pytest

TAX = {"display_name": "Sales tax", "percentage": "8.25", "inclusive": False}


def _taxed(amount: int, tax: int, **rate) -> dict:
    return {
        "amount": amount,
        "tax_amounts": [{"amount": tax, "taxable_amount": amount, "tax_rate_data": {**TAX, **rate}}],
    }


def _add(api, invoice, *lines) -> dict:
    return api.post(f"/v1/invoices/{invoice['id']}/add_lines", {"lines": list(lines)})


class TestLines:
    def test_amounts_and_stated_taxes_add_up(self, api):
        invoice = _add(api, api.draft(), _taxed(1000, 83), _taxed(2000, 165), {"amount": -500})
        assert (invoice["subtotal"], invoice["total"], invoice["total_excluding_tax"]) == (2500, 2748, 2500)
        (tax,) = invoice["total_taxes"]
        assert (tax["amount"], tax["taxable_amount"], tax["tax_behavior"]) == (248, 3000, "exclusive")
        assert (invoice["amount_due"], invoice["amount_remaining"]) == (2748, 2748)

    def test_an_inclusive_tax_is_inside_the_amount(self, api):
        invoice = _add(api, api.draft(), _taxed(1190, 190, percentage="19", inclusive=True))
        assert (invoice["total"], invoice["total_excluding_tax"], invoice["subtotal_excluding_tax"]) == (
            1190,
            1000,
            1000,
        )

    def test_equal_tax_data_shares_one_archived_rate(self, api):
        invoice = _add(api, api.draft(), _taxed(1000, 83), _taxed(2000, 165), _taxed(10, 1, percentage="10"))
        rates = api.get("/v1/tax_rates")["data"]
        assert [(rate["active"], rate["percentage"]) for rate in rates] == [(False, 10), (False, 8.25)]
        assert len(invoice["total_taxes"]) == 2

    def test_tax_rates_are_calculated_half_up(self, api):
        rate = api.post("/v1/tax_rates", {"display_name": "VAT", "inclusive": False, "percentage": "5"})["id"]
        invoice = _add(api, api.draft(), {"amount": 1010, "tax_rates": [rate]}, {"amount": 1009, "tax_rates": [rate]})
        assert sorted(line["taxes"][0]["amount"] for line in invoice["lines"]["data"]) == [50, 51]

    def test_unit_price_times_quantity_is_rounded_half_up(self, api):
        price = {"currency": "usd", "product": api.product(), "unit_amount_decimal": "12.5"}
        invoice = _add(api, api.draft(), {"price_data": price, "quantity": 3})
        (line,) = invoice["lines"]["data"]
        assert (line["amount"], line["quantity"], line["quantity_decimal"]) == (38, 3, "3")
        assert line["pricing"]["price_details"]["product"] == price["product"]
        assert api.get(f"/v1/prices/{line['pricing']['price_details']['price']}")["active"] is False

    def test_a_decimal_quantity(self, api):
        price = {"currency": "usd", "product": api.product(), "unit_amount": 1000}
        invoice = _add(api, api.draft(), {"price_data": price, "quantity_decimal": "1.255"})
        assert invoice["total"] == 1255

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            ({"amount": 5, "quantity": 2}, "parameters_exclusive"),
            ({"amount": 5, "pricing": {"price": "price_x"}}, "parameters_exclusive"),
            ({"description": "no amount"}, "parameter_missing"),
            ({"pricing": {"price": "price_none"}}, "resource_missing"),
            ({"price_data": {"currency": "usd", "unit_amount": 5}}, "parameter_missing"),
            ({"price_data": {"currency": "usd", "unit_amount": 5, "product": "prod_none"}}, "resource_missing"),
        ],
    )
    def test_what_a_line_cannot_be(self, api, line, code):
        refused = api.refused("POST", f"/v1/invoices/{api.draft()['id']}/add_lines", {"lines": [line]})
        assert refused["code"] == code

    def test_an_inactive_product_and_another_currency_are_refused(self, api):
        path = f"/v1/invoices/{api.draft()['id']}/add_lines"
        price = {"currency": "usd", "product": api.product(active=False), "unit_amount": 5}
        assert api.refused("POST", path, {"lines": [{"price_data": price}]})["code"] == "product_inactive"
        price = {"currency": "eur", "product": api.product(), "unit_amount": 5}
        assert "they must be the same" in api.refused("POST", path, {"lines": [{"price_data": price}]})["message"]

    def test_ten_lines_are_shown_and_the_rest_is_paged(self, api):
        invoice = api.draft(*range(1, 13))
        assert (len(invoice["lines"]["data"]), invoice["lines"]["has_more"]) == (10, True)
        rest = {"starting_after": invoice["lines"]["data"][-1]["id"]}
        assert len(api.get(invoice["lines"]["url"], rest)["data"]) == 2
        assert invoice["total"] == sum(range(1, 13))

    def test_two_hundred_and_fifty_lines_at_most(self, api):
        invoice = api.draft(*([1] * 250))
        assert invoice["total"] == 250
        assert (
            "250"
            in api.refused("POST", f"/v1/invoices/{invoice['id']}/add_lines", {"lines": [{"amount": 1}]})["message"]
        )

    def test_update_and_remove(self, api):
        invoice = api.draft(100, 200)
        by_amount = {line["amount"]: line["id"] for line in invoice["lines"]["data"]}
        path = f"/v1/invoices/{invoice['id']}"
        changed = api.post(f"{path}/update_lines", {"lines": [{"id": by_amount[100], **_taxed(150, 12)}]})
        assert changed["total"] == 362
        gone = api.post(f"{path}/remove_lines", {"lines": [{"id": by_amount[200], "behavior": "delete"}]})
        assert gone["total"] == 162
        assert len(api.get("/v1/invoiceitems", {"invoice": invoice["id"]})["data"]) == 1

    def test_a_new_quantity_keeps_the_unit_price(self, api):
        price = {"currency": "usd", "product": api.product(), "unit_amount": 7}
        invoice = _add(api, api.draft(), {"price_data": price, "quantity": 3})
        line = invoice["lines"]["data"][0]["id"]
        assert api.post(f"/v1/invoices/{invoice['id']}/lines/{line}", {"quantity": 5})["amount"] == 35

    def test_an_item_with_its_invoice_lands_on_the_draft(self, api):
        invoice = api.draft()
        params = {"customer": invoice["customer"], "invoice": invoice["id"], "amount": 700, "metadata": {"a": "1"}}
        item = api.post("/v1/invoiceitems", params)
        (line,) = api.get(f"/v1/invoices/{invoice['id']}")["lines"]["data"]
        assert (line["amount"], line["metadata"]) == (700, {"a": "1"})
        assert line["parent"]["invoice_item_details"]["invoice_item"] == item["id"]
        api.delete(f"/v1/invoiceitems/{item['id']}")
        assert api.get(f"/v1/invoices/{invoice['id']}")["total"] == 0

    @pytest.mark.parametrize(("behaviour", "total"), [("exclude", 0), ("include", 300), (None, 0)])
    def test_pending_items_come_only_when_asked_for(self, api, behaviour, total):
        customer = api.customer()
        api.post("/v1/invoiceitems", {"customer": customer, "amount": 300, "currency": "usd"})
        api.post("/v1/invoiceitems", {"customer": customer, "amount": 400, "currency": "eur"})
        more = {} if behaviour is None else {"pending_invoice_items_behavior": behaviour}
        assert api.draft(customer=customer, **more)["total"] == total


class TestDraft:
    def test_nothing_advances_by_itself_unless_asked(self, api, later):
        held, running = api.draft(100), api.draft(100, auto_advance=True)
        later(hours=2)
        api.get("/v1/account")
        assert api.get(f"/v1/invoices/{held['id']}")["status"] == "draft"
        assert api.get(f"/v1/invoices/{running['id']}")["status"] == "open"

    @pytest.mark.parametrize(
        "params",
        [
            {"due_date": 1},
            {"due_date": 1900000000, "days_until_due": 3},
            {"collection_method": "charge_automatically", "days_until_due": 3},
            {"discounts": [{"coupon": "c"}]},
            {"automatic_tax": {"enabled": True}},
            {"currency": "dollars"},
            {"custom_fields": [{"name": str(n), "value": "v"} for n in range(5)]},
        ],
    )
    def test_bad_parameters(self, api, params):
        values = {"customer": api.customer(), "collection_method": "send_invoice", **params}
        assert api.refused("POST", "/v1/invoices", values)["status"] == 400

    def test_dates_and_memo(self, api):
        invoice = api.draft(100, effective_at=1790000000, description="memo", discounts="", days_until_due=14)
        assert invoice["due_date"] == invoice["created"] + 14 * 86_400
        final = api.post(f"/v1/invoices/{invoice['id']}/finalize")
        assert (final["effective_at"], final["description"]) == (1790000000, "memo")

    def test_a_draft_can_be_deleted_with_its_items(self, api):
        invoice = api.draft(100)
        assert api.delete(f"/v1/invoices/{invoice['id']}")["deleted"] is True
        assert api.refused("GET", f"/v1/invoices/{invoice['id']}")["status"] == 404
        assert api.get("/v1/invoiceitems")["data"] == []


class TestFinalize:
    def test_it_opens_with_number_links_and_a_default_payment(self, api):
        invoice = api.open_invoice(1000)
        assert invoice["status"] == "open"
        assert invoice["number"].endswith("-0001")
        assert invoice["hosted_invoice_url"].startswith("https://invoice.stripe.com/i/acct_")
        assert invoice["effective_at"] == invoice["status_transitions"]["finalized_at"]
        (payment,) = api.get("/v1/invoice_payments", {"invoice": invoice["id"]})["data"]
        assert (payment["is_default"], payment["status"], payment["amount_requested"]) == (True, "open", 1000)
        assert payment["amount_paid"] is None

    def test_numbers_count_up_per_customer_and_own_numbers_stay(self, api):
        customer = api.customer()
        first, second = (api.open_invoice(1000, customer=customer)["number"] for _ in range(2))
        assert (first[-4:], second[-4:]) == ("0001", "0002")
        assert api.open_invoice(1000, customer=customer, number="INV-7")["number"] == "INV-7"
        refused = api.refused("POST", "/v1/invoices", {"customer": customer, "number": "INV-7"})
        assert refused["param"] == "number"

    def test_nothing_due_is_paid_at_once(self, api):
        invoice = api.open_invoice(500, -500)
        assert (invoice["status"], invoice["amount_due"]) == ("paid", 0)
        assert "invoice.paid" in api.event_types()

    def test_without_lines_it_is_refused(self, api):
        refused = api.refused("POST", f"/v1/invoices/{api.draft()['id']}/finalize")
        assert refused["code"] == "invoice_no_customer_line_items"

    @pytest.mark.parametrize(
        ("balance", "amount", "due", "ending", "status"),
        [
            (-300, 1000, 700, 0, "open"),
            (-1500, 1000, 0, -500, "paid"),
            (200, 1000, 1200, 0, "open"),
            (0, -400, 0, -400, "paid"),
            (0, 30, 0, 30, "paid"),
            (-980, 1000, 0, 20, "paid"),
        ],
        ids=["credit", "more credit than due", "debt", "negative total", "too small", "too small after credit"],
    )
    def test_the_customer_balance_is_applied_silently(self, api, balance, amount, due, ending, status):
        customer = api.customer()
        if balance:
            api.post(f"/v1/customers/{customer}/balance_transactions", {"amount": balance, "currency": "usd"})
        invoice = api.open_invoice(amount, customer=customer)
        assert (invoice["starting_balance"], invoice["ending_balance"]) == (balance, ending)
        assert (invoice["amount_due"], invoice["status"], invoice["total"]) == (due, status, amount)
        assert api.get(f"/v1/customers/{customer}")["balance"] == ending
        booked = api.get(f"/v1/customers/{customer}/balance_transactions", {"invoice": invoice["id"]})["data"]
        assert sum(each["amount"] for each in booked) == ending - balance

    def test_a_balance_in_another_currency_is_left_alone(self, api):
        customer = api.customer()
        api.post(f"/v1/customers/{customer}/balance_transactions", {"amount": -300, "currency": "eur"})
        assert api.open_invoice(1000, customer=customer)["amount_due"] == 1000

    @pytest.mark.parametrize(
        ("currency", "amount", "fits"),
        [
            ("jpy", 101, True),
            ("isk", 500, True),
            ("isk", 550, False),
            ("kwd", 5120, True),
            ("kwd", 5124, False),
            ("usd", 99_999_999, True),
            ("usd", 100_000_000, False),
        ],
    )
    def test_amounts_must_fit_their_currency(self, api, currency, amount, fits):
        draft = api.draft(amount, currency=currency)
        assert (api.ask("POST", f"/v1/invoices/{draft['id']}/finalize").status == 200) is fits

    def test_the_customers_details_freeze(self, api):
        invoice = api.open_invoice(1000)
        api.post(f"/v1/customers/{invoice['customer']}", {"name": "Renamed"})
        assert api.get(f"/v1/invoices/{invoice['id']}")["customer_name"] == "Ada"


def _in_state(api, status: str) -> str:
    if status == "draft":
        return api.draft(1000)["id"]
    invoice = api.open_invoice(1000)["id"]
    step = {"open": None, "paid": "pay", "void": "void", "uncollectible": "mark_uncollectible"}[status]
    if step:
        api.post(f"/v1/invoices/{invoice}/{step}", {"paid_out_of_band": True} if step == "pay" else {})
    return invoice


ALLOWED = {
    "finalize": {"draft"},
    "add_lines": {"draft"},
    "pay": {"open", "uncollectible"},
    "send": {"open"},
    "void": {"open", "uncollectible"},
    "mark_uncollectible": {"open"},
}
RESULT = {"finalize": "open", "add_lines": "draft", "pay": "paid", "send": "open", "void": "void"}


class TestTransitions:
    @pytest.mark.parametrize("status", ["draft", "open", "paid", "void", "uncollectible"])
    @pytest.mark.parametrize("call", list(ALLOWED))
    def test_each_call_in_each_state(self, api, call, status):
        invoice = _in_state(api, status)
        params = {"pay": {"payment_method": "pm_card_visa"}, "add_lines": {"lines": [{"amount": 1}]}}.get(call)
        answer = api.ask("POST", f"/v1/invoices/{invoice}/{call}", params)
        if status in ALLOWED[call]:
            assert answer.status == 200
            assert answer.body["status"] == RESULT.get(call, "uncollectible")
        else:
            assert answer.status == 400
            assert answer.error["code"] in {"invoice_not_editable", "status_transition_invalid"}
            assert api.get(f"/v1/invoices/{invoice}")["status"] == status

    @pytest.mark.parametrize("status", ["open", "paid", "void", "uncollectible"])
    def test_after_the_draft_only_metadata_and_the_like_change(self, api, status):
        path = f"/v1/invoices/{_in_state(api, status)}"
        for params in (
            {"description": "x"},
            {"number": "7"},
            {"due_date": 1900000000},
            {"collection_method": "send_invoice"},
        ):
            assert api.refused("POST", path, params)["code"] == "invoice_not_editable"
        assert api.post(path, {"metadata": {"a": "1"}, "auto_advance": False})["metadata"] == {"a": "1"}
        assert api.ask("DELETE", path).status == 400

    def test_void_cancels_what_was_open(self, api):
        invoice = _in_state(api, "void")
        (payment,) = api.get("/v1/invoice_payments", {"invoice": invoice})["data"]
        assert payment["status"] == "canceled"
        assert api.get(f"/v1/payment_intents/{payment['payment']['payment_intent']}")["status"] == "canceled"

    def test_an_invoice_with_money_on_it_is_not_voided(self, api):
        invoice = api.open_invoice(1000)
        api.post(f"/v1/invoices/{invoice['id']}/attach_payment", {"payment_record": api.record(100)["id"]})
        assert api.refused("POST", f"/v1/invoices/{invoice['id']}/void")["code"] == "status_transition_invalid"

    def test_sending_needs_an_address_and_the_method(self, api):
        customer = api.post("/v1/customers", {"name": "No Mail"})["id"]
        invoice = api.open_invoice(1000, customer=customer)
        assert api.refused("POST", f"/v1/invoices/{invoice['id']}/send")["code"] == "email_invalid"


def test_lists_by_status_and_customer(api):
    draft, opened = api.draft(1000), api.open_invoice(1000)
    assert [each["id"] for each in api.get("/v1/invoices", {"status": "open"})["data"]] == [opened["id"]]
    assert [each["id"] for each in api.get("/v1/invoices", {"customer": draft["customer"]})["data"]] == [draft["id"]]
    api.post(f"/v1/invoices/{opened['id']}/void")
    assert api.get("/v1/invoices", {"status": "open"})["data"] == []


@pytest.mark.parametrize(
    ("bounds", "found"), [({"lte": 14}, [14]), ({"gt": 14}, [30]), ({"gte": 14, "lte": 30}, [30, 14])]
)
def test_lists_by_due_date(api, clock, bounds, found):
    now = int(clock.now().timestamp())
    for days in (14, 30):
        api.draft(100, days_until_due=days)
    api.post("/v1/invoices", {"customer": api.customer()})  # never due
    params = {"due_date": {name: now + days * 86_400 for name, days in bounds.items()}}
    listed = api.get("/v1/invoices", params)["data"]
    assert [(invoice["due_date"] - now) // 86_400 for invoice in listed] == found
