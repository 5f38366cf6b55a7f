"""Every record of a kind by Stripe's lists, the same as when it is asked for by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.stripe.client import Call
from tests.support.stripe import Script, answer, connect_to
from tests.unit.stripe.test_stripe_reads import Books, pay_by_card, report

if TYPE_CHECKING:
    from connector.sandbox.http import Request


@pytest.fixture
def books():
    return Books()


def listed(books, kind, **options):
    return {record.id: record for page in books.system.fetch_all(kind, **options) for record in page}


def quote(books):
    product = books.post("/v1/products", name="Seat")["id"]
    price = {"currency": "usd", "product": product, "unit_amount": 500}
    return books.post("/v1/quotes", customer=books.customer(), line_items=[{"price_data": price, "quantity": 3}])["id"]


@pytest.mark.parametrize("kind", ["customer", "product", "quote", "invoice"])
def test_a_listed_record_is_the_record_that_is_fetched(books, kind):
    quote(books)
    books.invoice(100)
    books.invoice(*range(1, 131))
    records = listed(books, kind)
    assert records
    assert records == books.system.fetch(kind, list(records))


def test_received_money_is_listed_whichever_object_it_is(books):
    first, second = books.invoice(1500), books.invoice(700)
    card, cheque, alone = pay_by_card(books, first), report(books, 600), report(books, 5)
    books.post(f"/v1/invoices/{second}/attach_payment", payment_record=cheque)
    records = listed(books, "payment")
    # the open rest of an invoice has an intent of its own, which is no payment yet
    assert records.keys() == {card, cheque, alone}
    assert records == books.system.fetch("payment", [card, cheque, alone])
    assert [line["invoice"] for line in records[card].lines] == [first]


def test_payment_records_are_listed_with_what_they_paid(books):
    invoice = books.invoice(1500)
    cheque, alone = report(books, 600), report(books, 5)
    books.post(f"/v1/invoices/{invoice}/attach_payment", payment_record=cheque)
    records = listed(books, "offline_payment")
    assert records == books.system.fetch("offline_payment", [cheque, alone])
    assert [len(records[each].lines) for each in (cheque, alone)] == [1, 0]


def test_without_lines_a_page_costs_one_call(books):
    books.invoice(*range(1, 131))
    report(books, 5)
    for kind in ("invoice", "offline_payment"):
        records, calls = books.calls_of(lambda kind=kind: listed(books, kind, lines=False))
        assert calls == 1
        assert [record.lines for record in records.values()] == [()]


def test_more_than_a_page_is_listed_to_the_end(books):
    wanted = {books.customer() for _ in range(103)}
    pages = [[record.id for record in page] for page in books.system.fetch_all("customer")]
    assert [len(page) for page in pages] == [100, 3]
    assert {each for page in pages for each in page} == wanted


def test_a_deleted_customer_is_absent(books):
    kept, gone = books.customer(), books.customer()
    books.system._client.send(Call(method="delete", template="/v1/customers/{id}", id=gone))
    assert listed(books, "customer").keys() == {kept}


def test_a_charge_without_intent_is_known_from_what_it_paid():
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount_captured": 900,
        "currency": "usd",
        "customer": None,
        "status": "succeeded",
        "created": 5,
        "payment_method_details": {"type": "card"},
    }
    paid = {
        "id": "inpay_1",
        "invoice": "in_1",
        "status": "paid",
        "amount_paid": 900,
        "payment": {"type": "charge", "charge": "ch_1"},
    }

    def reply(request: Request):
        if request.path == "/v1/charges/ch_1":
            return answer(charge)
        rows = [paid] if request.path == "/v1/invoice_payments" else []
        return answer({"object": "list", "data": rows, "has_more": False})

    pages = list(connect_to(Script(reply)).fetch_all("payment"))
    assert [[record.id for record in page] for page in pages] == [["ch_1"]]


def test_an_empty_account_has_no_page(books):
    assert [list(books.system.fetch_all(kind)) for kind in ("customer", "invoice", "payment")] == [[], [], []]
