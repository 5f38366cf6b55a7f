"""One tour through everything the account can do. `Api` holds each answer against the published shape."""

from __future__ import annotations

import orjson

from connector.sandbox.stripe.resources import HANDLERS
from connector.sandbox.stripe.spec import DATA


def _people_and_catalog(api) -> tuple[str, str]:
    api.get("/v1/account")
    customer = api.customer(
        address={"line1": "1 Main St", "country": "US"},
        shipping={"name": "Ada", "address": {"line1": "2 Side St"}},
        metadata={"a": "1"},
        expand=["tax", "sources", "tax_ids", "subscriptions", "invoice_credit_balance"],
    )
    api.post(f"/v1/customers/{customer}", {"phone": "+1 555"})
    api.get(f"/v1/customers/{customer}")
    api.get("/v1/customers")
    booked = api.post(f"/v1/customers/{customer}/balance_transactions", {"amount": -10, "currency": "usd"})
    api.get(f"/v1/customers/{customer}/balance_transactions")
    api.get(f"/v1/customers/{customer}/balance_transactions/{booked['id']}", {"expand": ["customer"]})
    product = api.product(default_price_data={"currency": "usd", "unit_amount": 100}, expand=["default_price"])
    api.post(f"/v1/products/{product}", {"description": "new"})
    api.get(f"/v1/products/{product}")
    api.get("/v1/products")
    price = api.post("/v1/prices", {"currency": "usd", "product": product, "unit_amount_decimal": "1.5"})["id"]
    api.post(f"/v1/prices/{price}", {"nickname": "cheap"})
    api.get(f"/v1/prices/{price}", {"expand": ["product"]})
    api.get("/v1/prices", {"product": product})
    api.delete(f"/v1/products/{api.product()}")
    rate = api.post("/v1/tax_rates", {"display_name": "VAT", "inclusive": False, "percentage": "19.25"})["id"]
    api.post(f"/v1/tax_rates/{rate}", {"active": True})
    api.get(f"/v1/tax_rates/{rate}")
    api.get("/v1/tax_rates")
    api.delete(f"/v1/customers/{api.customer()}")
    return customer, product


def _quotes(api, customer: str, product: str) -> None:
    line = {"price_data": {"currency": "usd", "product": product, "unit_amount": 700}, "quantity": 2}
    quote = api.post("/v1/quotes", {"customer": customer, "line_items": [line], "expand": ["line_items"]})["id"]
    api.post(f"/v1/quotes/{quote}", {"description": "offer"})
    api.post(f"/v1/quotes/{quote}/finalize", {"expand": ["customer"]})
    api.get(f"/v1/quotes/{quote}/line_items")
    api.get(f"/v1/quotes/{quote}/computed_upfront_line_items")
    api.post(f"/v1/quotes/{quote}/accept", {"expand": ["invoice"]})
    api.get(f"/v1/quotes/{quote}")
    api.get("/v1/quotes")
    other = api.post("/v1/quotes", {"customer": customer, "line_items": [line]})["id"]
    api.post(f"/v1/quotes/{other}/cancel")


def _invoices(api, customer: str, product: str) -> None:
    item = api.post("/v1/invoiceitems", {"customer": customer, "amount": 300, "currency": "usd"})["id"]
    api.post(f"/v1/invoiceitems/{item}", {"description": "pending"})
    api.get(f"/v1/invoiceitems/{item}", {"expand": ["customer"]})
    api.get("/v1/invoiceitems", {"pending": True})
    gone = api.post("/v1/invoiceitems", {"customer": customer, "amount": 5, "currency": "usd"})["id"]
    api.delete(f"/v1/invoiceitems/{gone}")
    draft = api.draft(1000, 2000, customer=customer, custom_fields=[{"name": "PO", "value": "7"}], footer="thanks")
    api.post(f"/v1/invoices/{draft['id']}", {"description": "memo"})
    lines = api.get(f"/v1/invoices/{draft['id']}/lines")["data"]
    api.post(f"/v1/invoices/{draft['id']}/lines/{lines[0]['id']}", {"amount": 1500})
    api.post(f"/v1/invoices/{draft['id']}/update_lines", {"lines": [{"id": lines[1]["id"], "description": "new"}]})
    api.post(f"/v1/invoices/{draft['id']}/remove_lines", {"lines": [{"id": lines[1]["id"], "behavior": "delete"}]})
    api.post(f"/v1/invoices/{draft['id']}/finalize", {"expand": ["confirmation_secret", "payments"]})
    api.post(f"/v1/invoices/{draft['id']}/send")
    api.post(f"/v1/invoices/{draft['id']}/attach_payment", {"payment_record": api.record(100)["id"]})
    api.post(f"/v1/invoices/{draft['id']}/pay", {"payment_method": "pm_card_visa"})
    api.get(f"/v1/invoices/{draft['id']}", {"expand": ["customer", "payments.data.payment.payment_intent"]})
    api.get("/v1/invoices", {"expand": ["data.customer"]})
    for step in ("mark_uncollectible", "void"):
        api.post(f"/v1/invoices/{api.open_invoice(900, customer=customer)['id']}/{step}")
    api.delete(f"/v1/invoices/{api.draft(5, customer=customer)['id']}")


def _payments(api, customer: str) -> None:
    payment = api.get("/v1/invoice_payments", {"expand": ["data.payment.payment_intent"]})["data"][0]
    api.get(f"/v1/invoice_payments/{payment['id']}")
    method = api.post("/v1/payment_methods", {"type": "card", "card": {"token": "tok_visa"}})["id"]
    api.post(f"/v1/payment_methods/{method}", {"metadata": {"a": "1"}})
    api.post(f"/v1/payment_methods/{method}/attach", {"customer": customer})
    api.get(f"/v1/payment_methods/{method}")
    api.get("/v1/payment_methods", {"customer": customer})
    api.get(f"/v1/customers/{customer}/payment_methods")
    intent = api.post("/v1/payment_intents", {"amount": 500, "currency": "usd", "customer": customer})["id"]
    api.post(f"/v1/payment_intents/{intent}", {"amount": 600})
    api.post(f"/v1/payment_intents/{intent}/confirm", {"payment_method": method, "expand": ["latest_charge"]})
    api.get(f"/v1/payment_intents/{intent}", {"expand": ["payment_method"]})
    api.get("/v1/payment_intents")
    api.post("/v1/payment_methods/pm_usBankAccount_success/attach", {"customer": customer})
    debit = {"amount": 800, "currency": "usd", "payment_method": "pm_usBankAccount_success", "confirm": True}
    api.post("/v1/payment_intents", {**debit, "customer": customer})
    other = api.post("/v1/payment_intents", {"amount": 500, "currency": "usd"})["id"]
    api.post(f"/v1/payment_intents/{other}/cancel")
    api.post(f"/v1/payment_methods/{method}/detach")
    charge = api.get("/v1/charges", {"payment_intent": intent})["data"][0]["id"]
    api.post(f"/v1/charges/{charge}", {"description": "c"})
    refund = api.post("/v1/refunds", {"charge": charge, "amount": 50})["id"]
    api.post(f"/v1/refunds/{refund}", {"metadata": {"a": "1"}})
    api.get(f"/v1/refunds/{refund}", {"expand": ["charge"]})
    api.get("/v1/refunds")
    api.get(f"/v1/charges/{charge}", {"expand": ["refunds", "balance_transaction"]})
    booked = api.get("/v1/balance_transactions", {"source": charge})["data"][0]["id"]
    api.get(f"/v1/balance_transactions/{booked}", {"expand": ["source"]})


def _records(api) -> None:
    for word in ("guaranteed", "failed", "canceled"):
        record = api.post(
            "/v1/payment_records/report_payment",
            {
                "amount_requested": {"value": 10, "currency": "usd"},
                "initiated_at": 1,
                "payment_method_details": {"type": "custom", "custom": {"display_name": "Wire"}},
            },
        )["id"]
        api.post(f"/v1/payment_records/{record}/report_payment_attempt_{word}", {f"{word}_at": 5})
    api.post(f"/v1/payment_records/{record}/report_payment_attempt_informational", {"description": "late"})
    api.get(f"/v1/payment_records/{record}")
    api.get("/v1/payment_records")


def _events(api) -> None:
    events = api.get("/v1/events", {"limit": 100})["data"]
    api.get(f"/v1/events/{events[0]['id']}")


def _account(api) -> None:
    endpoint = api.post("/v1/webhook_endpoints", {"url": "https://example.com/hook", "enabled_events": ["*"]})["id"]
    api.post(f"/v1/webhook_endpoints/{endpoint}", {"disabled": True})
    api.get(f"/v1/webhook_endpoints/{endpoint}")
    api.get("/v1/webhook_endpoints")
    api.delete(f"/v1/webhook_endpoints/{endpoint}")
    update = {"enabled": True, "default_allowed_updates": ["quantity"], "products": [{"product": "p", "prices": ["a"]}]}
    portal = api.post("/v1/billing_portal/configurations", {"features": {"subscription_update": update}})["id"]
    api.post(f"/v1/billing_portal/configurations/{portal}", {"features": {"invoice_history": {"enabled": True}}})
    api.get(f"/v1/billing_portal/configurations/{portal}")
    api.get("/v1/billing_portal/configurations", {"active": True})
    report = api.get("/v1/reporting/report_types")["data"][0]["id"]
    api.get(f"/v1/reporting/report_types/{report}")


def test_every_operation_answers_in_its_published_shape_and_every_event_type_exists(api):
    customer, product = _people_and_catalog(api)
    _quotes(api, customer, product)
    _invoices(api, customer, product)
    _payments(api, customer)
    _records(api)
    _events(api)
    _account(api)
    assert api.seen_operations == set(HANDLERS)

    known = orjson.loads((DATA / "events.json").read_bytes())["snapshot_events"]
    for _, event in api.account._engine.collections["event"].in_order():
        shown = orjson.loads(event["snapshot"])
        assert shown["object"] in known[event["type"]]["object"], event["type"]
        api.hold_to_shape({"$ref": f"#/schemas/{shown['object']}"}, shown, event["type"])
