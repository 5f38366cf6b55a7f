"""Money on invoices (platform.md C7): cards, bank debits, payments from elsewhere, part- and over-payment, refunds."""

from __future__ import annotations

import pytest


def _pay(api, invoice, method: str = "pm_card_visa", **params):
    return api.ask("POST", f"/v1/invoices/{invoice['id']}/pay", {"payment_method": method, **params})


def _attach(api, invoice, **source) -> dict:
    return api.post(f"/v1/invoices/{invoice['id']}/attach_payment", source)


def _payments(api, invoice) -> list[dict]:
    return api.get("/v1/invoice_payments", {"invoice": invoice["id"]})["data"]


def _intent(api, amount: int, **params) -> dict:
    return api.post("/v1/payment_intents", {"amount": amount, "currency": "usd", **params})


class TestCards:
    def test_a_good_card_pays_through_intent_charge_and_balance(self, api):
        paid = _pay(api, api.open_invoice(1000)).body
        assert (paid["status"], paid["amount_paid"], paid["amount_remaining"]) == ("paid", 1000, 0)
        (payment,) = _payments(api, paid)
        assert (payment["status"], payment["amount_paid"]) == ("paid", 1000)
        intent = api.get(f"/v1/payment_intents/{payment['payment']['payment_intent']}")
        assert (intent["status"], intent["amount_received"]) == ("succeeded", 1000)
        charge = api.get(f"/v1/charges/{intent['latest_charge']}", {"expand": ["balance_transaction"]})
        assert (charge["paid"], charge["balance_transaction"]["net"]) == (True, 1000 - 59)

    @pytest.mark.parametrize(
        ("method", "code", "decline_code"),
        [
            ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
            ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
            ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ],
    )
    def test_a_refused_card_is_402_and_leaves_its_trace(self, api, method, code, decline_code):
        invoice = api.open_invoice(1000)
        refused = _pay(api, invoice, method)
        assert (refused.status, refused.error["type"]) == (402, "card_error")
        assert (refused.error["code"], refused.error["decline_code"]) == (code, decline_code)
        after = api.get(f"/v1/invoices/{invoice['id']}")
        assert (after["status"], after["attempted"], after["attempt_count"]) == ("open", True, 1)
        intent = api.get(f"/v1/payment_intents/{_payments(api, invoice)[0]['payment']['payment_intent']}")
        assert (intent["status"], intent["last_payment_error"]["code"]) == ("requires_payment_method", code)
        assert {"charge.failed", "payment_intent.payment_failed", "invoice.payment_failed"} <= set(api.event_types())
        assert _pay(api, invoice).body["status"] == "paid"

    def test_a_card_that_asks_its_owner_is_402(self, api):
        refused = _pay(api, api.open_invoice(1000), "pm_card_authenticationRequired")
        assert (refused.status, refused.error["code"]) == (402, "invoice_payment_intent_requires_action")

    def test_the_customers_default_card_is_used(self, api):
        invoice = api.open_invoice(1000)
        path = f"/v1/invoices/{invoice['id']}/pay"
        assert "default_payment_method" in api.refused("POST", path)["message"]
        customer = invoice["customer"]
        method = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": customer})["id"]
        api.post(f"/v1/customers/{customer}", {"invoice_settings": {"default_payment_method": method}})
        assert api.post(path)["status"] == "paid"

    def test_another_customers_card_is_refused(self, api):
        method = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": api.customer()})["id"]
        assert _pay(api, api.open_invoice(1000), method).error["code"] == "payment_method_unexpected_state"

    @pytest.mark.parametrize(
        ("number", "status"), [("4242424242424242", 200), ("4000000000000002", 200), ("4111", 402)]
    )
    def test_methods_are_made_of_test_numbers(self, api, number, status):
        card = {"number": number, "exp_month": 1, "exp_year": 2040, "cvc": "123"}
        assert api.ask("POST", "/v1/payment_methods", {"type": "card", "card": card}).status == status


class TestBankDebits:
    def test_processing_is_not_paid_until_days_have_passed(self, api, later):
        invoice = api.open_invoice(1000)
        assert _pay(api, invoice, "pm_usBankAccount_success").body["status"] == "open"
        assert _payments(api, invoice)[0]["status"] == "open"
        later(days=3)
        assert api.get(f"/v1/invoices/{invoice['id']}")["amount_paid"] == 0
        later(days=1)
        assert api.get(f"/v1/invoices/{invoice['id']}")["status"] == "paid"

    def test_what_time_did_belongs_to_no_request(self, api, later):
        _pay(api, api.open_invoice(1000), "pm_usBankAccount_success")
        later(days=4)
        api.get("/v1/account")
        (event,) = api.get("/v1/events", {"type": "invoice.paid"})["data"]
        assert event["request"] == {"id": None, "idempotency_key": None}

    def test_a_debit_may_fail_late(self, api, later):
        invoice = api.open_invoice(1000)
        _pay(api, invoice, "pm_usBankAccount_insufficientFunds")
        later(days=4)
        assert api.get(f"/v1/invoices/{invoice['id']}")["status"] == "open"
        assert api.get("/v1/charges")["data"][0]["status"] == "failed"
        assert api.event_types()[-1] == "invoice.payment_failed"

    def test_debits_can_be_settled_by_hand(self, api, account):
        invoice = api.open_invoice(1000)
        _pay(api, invoice, "pm_usBankAccount_processing")
        assert account.settle_bank_debits() == 1
        assert api.get(f"/v1/invoices/{invoice['id']}")["status"] == "paid"
        assert account.settle_bank_debits() == 0

    def test_while_a_debit_runs_the_invoice_is_neither_paid_again_nor_voided(self, api):
        invoice = api.open_invoice(1000)
        _pay(api, invoice, "pm_usBankAccount_processing")
        assert _pay(api, invoice).status == 400
        assert _pay(api, invoice, method="", paid_out_of_band=True).status == 400
        assert api.refused("POST", f"/v1/invoices/{invoice['id']}/void")["status"] == 400


class TestFromElsewhere:
    def test_out_of_band_pays_the_rest_without_a_charge(self, api):
        invoice = api.open_invoice(1000)
        _attach(api, invoice, payment_record=api.record(300)["id"])
        paid = api.post(f"/v1/invoices/{invoice['id']}/pay", {"paid_out_of_band": True})
        assert (paid["status"], paid["amount_paid"]) == ("paid", 1000)
        assert api.get("/v1/charges")["data"] == []
        shown = api.get(f"/v1/invoices/{invoice['id']}", {"expand": ["amount_paid_off_stripe"]})
        assert shown["amount_paid_off_stripe"] == 1000
        assert "amount_paid_off_stripe" not in paid

    def test_records_pay_in_parts(self, api):
        invoice = api.open_invoice(1000)
        part = _attach(api, invoice, payment_record=api.record(400)["id"])
        assert (part["status"], part["amount_paid"], part["amount_remaining"]) == ("open", 400, 600)
        default = next(payment for payment in _payments(api, invoice) if payment["is_default"])
        assert default["amount_requested"] == 600
        whole = _attach(api, invoice, payment_record=api.record(600)["id"])
        assert (whole["status"], whole["amount_remaining"]) == ("paid", 0)
        assert sorted((p["status"], p["amount_paid"]) for p in _payments(api, invoice) if not p["is_default"]) == [
            ("paid", 400),
            ("paid", 600),
        ]
        assert next(p for p in _payments(api, invoice) if p["is_default"])["status"] == "canceled"

    def test_a_record_shows_what_was_reported(self, api):
        record = api.record(500, metadata={"sf": "a0"}, description="cheque")
        assert record["amount_guaranteed"] == {"currency": "usd", "value": 500}
        assert record["amount_failed"]["value"] == 0
        assert record["processor_details"]["custom"]["payment_reference"] == "CHQ-1"
        assert record["metadata"] == {"sf": "a0"}

    def test_a_record_is_attached_once_and_only_when_guaranteed(self, api):
        invoice = api.open_invoice(1000)
        record = api.record(100)["id"]
        _attach(api, invoice, payment_record=record)
        path = f"/v1/invoices/{invoice['id']}/attach_payment"
        assert "already attached" in api.refused("POST", path, {"payment_record": record})["message"]
        failed = api.record(100, outcome="failed", failed={"failed_at": 1})["id"]
        assert "guaranteed" in api.refused("POST", path, {"payment_record": failed})["message"]
        euros = api.record(100, currency="eur")["id"]
        assert api.refused("POST", path, {"payment_record": euros})["param"] == "payment_record"

    def test_records_have_no_events(self, api):
        api.record(100)
        assert api.event_types() == []

    def test_records_are_listed_between_times(self, api, later):
        first = api.record(100)
        later(seconds=10)
        second = api.record(200)
        listed = api.get("/v1/payment_records", {"created_after": first["created"]})["data"]
        assert [record["id"] for record in listed] == [second["id"]]


class TestIntents:
    def test_attached_after_success_is_credited_at_once(self, api):
        invoice = api.open_invoice(1000)
        intent = _intent(api, 400, customer=invoice["customer"], payment_method="pm_card_visa", confirm=True)
        part = _attach(api, invoice, payment_intent=intent["id"])
        assert (part["amount_paid"], part["amount_remaining"]) == (400, 600)

    def test_attached_before_success_is_credited_when_it_succeeds(self, api):
        invoice = api.open_invoice(1000)
        intent = _intent(api, 1000, customer=invoice["customer"])
        assert _attach(api, invoice, payment_intent=intent["id"])["amount_paid"] == 0
        api.post(f"/v1/payment_intents/{intent['id']}/confirm", {"payment_method": "pm_card_visa"})
        assert api.get(f"/v1/invoices/{invoice['id']}")["status"] == "paid"

    def test_too_much_becomes_the_customers_credit(self, api):
        invoice = api.open_invoice(1000)
        intent = _intent(api, 1250, customer=invoice["customer"], payment_method="pm_card_visa", confirm=True)
        paid = _attach(api, invoice, payment_intent=intent["id"])
        assert (paid["status"], paid["amount_paid"], paid["amount_overpaid"]) == ("paid", 1000, 250)
        assert api.get(f"/v1/customers/{invoice['customer']}")["balance"] == -250
        params = {"payment": {"type": "payment_intent", "payment_intent": intent["id"]}}
        payment = api.get("/v1/invoice_payments", params)["data"][0]
        assert (payment["amount_requested"], payment["amount_paid"]) == (1250, 1000)
        assert "invoice.overpaid" in api.event_types()

    def test_one_intent_over_two_invoices_is_shared_oldest_first(self, api):
        customer = api.customer()
        invoices = [api.open_invoice(amount, customer=customer) for amount in (600, 700)]
        intent = _intent(api, 1000, customer=customer)
        for invoice in invoices:
            _attach(api, invoice, payment_intent=intent["id"])
        api.post(f"/v1/payment_intents/{intent['id']}/confirm", {"payment_method": "pm_card_visa"})
        assert [api.get(f"/v1/invoices/{each['id']}")["amount_paid"] for each in invoices] == [600, 400]

    def test_invoice_payments_are_found_by_their_intent(self, api):
        paid, other = (_pay(api, api.open_invoice(1000)).body for _ in range(2))
        intent = _payments(api, paid)[0]["payment"]["payment_intent"]
        params = {"payment": {"type": "payment_intent", "payment_intent": intent}}
        (found,) = api.get("/v1/invoice_payments", params)["data"]
        assert found["invoice"] == paid["id"] != other["id"]

    def test_an_invoices_own_intent_follows_it_and_nobody_else(self, api):
        intent = _payments(api, api.open_invoice(1000))[0]["payment"]["payment_intent"]
        for call, params in (("", {"amount": 5000}), ("/cancel", {})):
            refused = api.refused("POST", f"/v1/payment_intents/{intent}{call}", params)
            assert refused["code"] == "payment_intent_unexpected_state"

    @pytest.mark.parametrize(
        ("amount", "currency", "fits"),
        [
            (49, "usd", False),
            (50, "usd", True),
            (0, "usd", False),
            (30, "gbp", True),
            (5124, "kwd", False),
            (550, "isk", False),
        ],
    )
    def test_smallest_amounts_and_steps(self, api, amount, currency, fits):
        params = {"amount": amount, "currency": currency}
        assert (api.ask("POST", "/v1/payment_intents", params).status == 200) is fits

    def test_the_removed_parameter_is_unknown(self, api):
        params = {"amount": 100, "currency": "usd", "payment_method_types": ["card"]}
        assert api.refused("POST", "/v1/payment_intents", params)["code"] == "parameter_unknown"

    def test_a_finished_intent_stays_finished(self, api):
        done = _intent(api, 100, payment_method="pm_card_visa", confirm=True)["id"]
        for call in ("confirm", "cancel"):
            refused = api.refused("POST", f"/v1/payment_intents/{done}/{call}", {})
            assert refused["code"] == "payment_intent_unexpected_state"


class TestRefunds:
    def test_in_parts_until_nothing_is_left(self, api):
        intent = _intent(api, 1000, payment_method="pm_card_visa", confirm=True)["id"]
        api.post("/v1/refunds", {"payment_intent": intent, "amount": 400})
        assert (
            "greater than unrefunded"
            in api.refused("POST", "/v1/refunds", {"payment_intent": intent, "amount": 601})["message"]
        )
        assert api.post("/v1/refunds", {"payment_intent": intent})["amount"] == 600
        charge = api.get("/v1/charges", {"payment_intent": intent})["data"][0]
        assert (charge["amount_refunded"], charge["refunded"]) == (1000, True)
        assert api.refused("POST", "/v1/refunds", {"charge": charge["id"]})["code"] == "charge_already_refunded"

    def test_an_invoice_stays_paid(self, api):
        paid = _pay(api, api.open_invoice(1000)).body
        api.post("/v1/refunds", {"payment_intent": _payments(api, paid)[0]["payment"]["payment_intent"]})
        assert api.get(f"/v1/invoices/{paid['id']}")["status"] == "paid"
