"""Current records, marks, and who answers, read from a simulated account."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests

from connector.core.errors import ConfigError, RemoteError, Unauthorised
from connector.core.model import Key, Side
from connector.core.retry import uniform
from connector.remote import Caller
from connector.sandbox.stripe.account import Account
from connector.stripe import StripeOptions, connect
from connector.stripe.client import Call
from tests.support.stripe import (
    ORG_ID,
    NoLimit,
    Script,
    StepClock,
    answer,
    connect_to,
    error,
    in_turn,
    operation,
    outcomes_of,
    session_to,
    stripe_pack,
)

MARK = {"salesforce_id": "001000000000001AAA", "salesforce_org": ORG_ID}


class Books:
    """A simulated account with shortcuts for what a person or a customer does there."""

    def __init__(self):
        self.clock = StepClock()
        self.account = Account(clock=self.clock, seed=3, rate_per_second=None, endpoint_rate_per_second=None)
        self.system = connect_to(self.account, api_key=self.account.api_key, clock=self.clock)
        self._keys = 0

    def post(self, path, **params):
        self._keys += 1
        call = Call(method="post", template=path, params=params, idempotency_key=f"person-{self._keys}")
        return self.system._client.send(call).body

    def customer(self, **params):
        return self.post("/v1/customers", name="Acme", **params)["id"]

    def invoice(self, *amounts, customer=None, **params):
        invoice = self.post(
            "/v1/invoices",
            customer=customer or self.customer(),
            currency="usd",
            collection_method="send_invoice",
            days_until_due=30,
            pending_invoice_items_behavior="exclude",
            **params,
        )["id"]
        lines = [{"amount": amount, "description": f"line {number}"} for number, amount in enumerate(amounts)]
        for first in range(0, len(lines), 100):
            self.post(f"/v1/invoices/{invoice}/add_lines", lines=lines[first : first + 100])
        self.post(f"/v1/invoices/{invoice}/finalize", auto_advance=False)
        return invoice

    def calls_of(self, action):
        before = self.system.calls
        result = action()
        return result, self.system.calls - before


@pytest.fixture
def books():
    return Books()


def test_records_of_several_kinds_come_with_one_call_each(books):
    invoice, customer = books.invoice(100, 200), books.customer()
    wanted = {"invoice": [invoice, invoice], "customer": [customer]}
    records, calls = books.calls_of(lambda: books.system.fetch_many(wanted, select={}))
    assert set(records) == {
        Key(side=Side.STRIPE, kind="invoice", id=invoice),
        Key(side=Side.STRIPE, kind="customer", id=customer),
    }
    assert calls == 2


def test_an_invoice_comes_with_all_its_lines_in_their_order(books):
    invoice = books.invoice(*range(1, 131))
    records, calls = books.calls_of(lambda: books.system.fetch("invoice", [invoice]))
    record = records[invoice]
    assert sorted(line["amount"] for line in record.lines) == list(range(1, 131))
    assert len({line["id"] for line in record.lines}) == 130
    assert (record.fields["total"], record.version, record.deleted) == (sum(range(1, 131)), "", False)
    assert calls == 3


def test_a_quote_comes_with_its_lines(books):
    product = books.post("/v1/products", name="Seat")["id"]
    price = {"currency": "usd", "product": product, "unit_amount": 500}
    quote = books.post("/v1/quotes", customer=books.customer(), line_items=[{"price_data": price, "quantity": 3}])["id"]
    record = books.system.fetch("quote", [quote])[quote]
    assert [line["amount_total"] for line in record.lines] == [1500]


def test_what_does_not_exist_is_absent_and_what_was_deleted_says_so(books):
    customer = books.customer()
    books.system._client.send(Call(method="delete", template="/v1/customers/{id}", id=customer))
    records = books.system.fetch("customer", [customer, "cus_never"])
    assert {each: record.deleted for each, record in records.items()} == {customer: True}


def test_a_read_that_is_refused_is_an_error_and_not_an_absence(books):
    key = books.account.restrict_key({"customers": "read"})
    system = connect_to(books.account, api_key=key, clock=books.clock)
    with pytest.raises(RemoteError) as raised:
        system.fetch("invoice", ["in_1"])
    assert raised.value.status == 403


# -- payments --------------------------------------------------------------------------


def pay_by_card(books, invoice, method="pm_card_visa"):
    customer = books.system.fetch("invoice", [invoice])[invoice].fields["customer"]
    attached = books.post(f"/v1/payment_methods/{method}/attach", customer=customer)["id"]
    books.post(f"/v1/invoices/{invoice}/pay", payment_method=attached)
    (line,) = books.system._client.send(
        Call(method="get", template="/v1/invoice_payments", params={"invoice": invoice, "status": "paid"})
    ).body["data"]
    return line["payment"]["payment_intent"]


def test_a_card_payment_of_an_invoice_is_read_in_one_call(books):
    invoice = books.invoice(1500)
    intent = pay_by_card(books, invoice)
    records, calls = books.calls_of(lambda: books.system.fetch("payment", [intent]))
    fields = records[intent].fields
    assert calls == 1
    assert (fields["amount_received"], fields["currency"], fields["status"]) == (1500, "usd", "succeeded")
    assert (fields["mode"], fields["method_type"]) == ("electronic", "card")
    assert fields["reference"].startswith("ch_")
    assert fields["paid_at"] == int(books.clock.now().timestamp())
    (line,) = records[intent].lines
    assert (line["invoice"], line["amount_paid"], line["status"]) == (invoice, 1500, "paid")


def report(books, value, **params):
    now_s = int(books.clock.now().timestamp())
    return books.post(
        "/v1/payment_records/report_payment",
        amount_requested={"value": value, "currency": "usd"},
        initiated_at=now_s,
        outcome="guaranteed",
        guaranteed={"guaranteed_at": now_s},
        payment_method_details={"type": "custom", "custom": {"display_name": "Check"}},
        processor_details={"type": "custom", "custom": {"payment_reference": "4711"}},
        **params,
    )["id"]


def test_a_payment_record_in_part_is_both_a_payment_and_an_offline_payment(books):
    invoice = books.invoice(1500)
    paid = report(books, 600)
    books.post(f"/v1/invoices/{invoice}/attach_payment", payment_record=paid)
    records, calls = books.calls_of(
        lambda: books.system.fetch_many({"payment": [paid], "offline_payment": [paid]}, select={})
    )
    payment = records[Key(side=Side.STRIPE, kind="payment", id=paid)]
    offline = records[Key(side=Side.STRIPE, kind="offline_payment", id=paid)]
    assert calls == 2
    assert (payment.fields["amount_received"], payment.fields["mode"]) == (600, "external")
    assert (payment.fields["reference"], payment.fields["status"]) == ("4711", "succeeded")
    assert offline.fields["amount"]["value"] == 600
    assert [line["amount_paid"] for line in payment.lines] == [600]
    assert payment.lines == offline.lines


def test_a_payment_of_no_invoice_is_read_from_itself(books):
    paid = report(books, 600)
    record = books.system.fetch("payment", [paid])[paid]
    assert (record.lines, record.fields["amount_received"]) == ((), 600)


def test_a_payment_that_does_not_exist_is_absent(books):
    assert books.system.fetch("payment", ["pi_never", "pr_never", "ch_never"]) == {}


def test_a_charge_without_intent_is_found_through_its_customers_invoices():
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount_captured": 900,
        "currency": "usd",
        "customer": "cus_1",
        "status": "succeeded",
        "created": 5,
        "payment_method_details": {"type": "card"},
    }
    ours = {
        "id": "inpay_1",
        "invoice": "in_2",
        "amount_paid": 900,
        "status": "paid",
        "payment": {"type": "charge", "charge": "ch_1"},
    }
    other = {**ours, "id": "inpay_2", "payment": {"type": "payment_intent", "payment_intent": "pi_1"}}
    invoices = [{"id": "in_1"}, {"id": "in_2", "payments": {"data": [other, ours]}}]
    app = in_turn(answer(charge), answer({"object": "list", "data": invoices, "has_more": False}))
    record = connect_to(app).fetch("payment", ["ch_1"])["ch_1"]
    assert [line["id"] for line in record.lines] == ["inpay_1"]
    assert "customer=cus_1" in app.requests[1].query


def test_invoice_payments_of_one_payment_come_oldest_first():
    """Stripe lists the newest first."""
    amount = {"value": 9, "currency": "usd"}
    record = {
        "id": "pr_1",
        "object": "payment_record",
        "created": 5,
        "amount_requested": amount,
        "amount_guaranteed": amount,
        "amount_failed": amount,
        "amount_canceled": amount,
    }
    listed = [
        {
            "id": f"inpay_{number}",
            "invoice": f"in_{number}",
            "payment": {"type": "payment_record", "payment_record": record},
        }
        for number in (2, 1)
    ]
    app = Script(lambda _: answer({"object": "list", "data": listed, "has_more": False}))
    records = connect_to(app).fetch_many({"payment": ["pr_1"], "offline_payment": ["pr_1"]}, select={})
    assert [[line["id"] for line in each.lines] for each in records.values()] == [["inpay_1", "inpay_2"]] * 2


# -- marks -----------------------------------------------------------------------------


def test_our_mark_is_found_page_after_page_and_no_further(books):
    wanted = books.customer(metadata=MARK)
    for _ in range(150):
        books.customer()
    found, calls = books.calls_of(lambda: books.system.find("customer", [MARK["salesforce_id"]]))
    assert {born_id: record.id for born_id, record in found.items()} == {MARK["salesforce_id"]: wanted}
    assert calls == 2
    newer = books.customer(metadata=MARK)
    found, calls = books.calls_of(lambda: books.system.find("customer", [MARK["salesforce_id"]]))
    assert (found[MARK["salesforce_id"]].id, calls) == (newer, 1)


def test_another_orgs_mark_is_not_ours(books):
    books.customer(metadata={**MARK, "salesforce_org": "00D000000000999AAA"})
    assert books.system.find("customer", [MARK["salesforce_id"]]) == {}
    books.system.bind("00D000000000999AAA")
    assert set(books.system.find("customer", [MARK["salesforce_id"]])) == {MARK["salesforce_id"]}


def test_found_documents_have_all_their_lines(books):
    books.invoice(*range(1, 25), metadata=MARK)
    record = books.system.find("invoice", [MARK["salesforce_id"]])[MARK["salesforce_id"]]
    assert len(record.lines) == 24


def test_a_reported_payment_is_found_by_its_mark(books):
    paid = report(books, 600, metadata=MARK)
    assert books.system.find("offline_payment", [MARK["salesforce_id"]])[MARK["salesforce_id"]].id == paid


def test_nothing_wanted_costs_nothing(books):
    assert books.calls_of(lambda: books.system.find("customer", [])) == ({}, 0)


def test_marks_cannot_be_looked_for_before_the_org_is_known(books):
    books.system._org_id = None
    with pytest.raises(AssertionError, match="before bind"):
        books.system.find("customer", ["001"])


# -- who answers -----------------------------------------------------------------------


def test_the_account_is_asked_once(books):
    (first, second), calls = books.calls_of(lambda: (books.system.identify(), books.system.identify()))
    assert first == second
    assert (first.id, first.is_live) == (books.account.id, False)
    assert calls == 1
    assert books.calls_of(books.system.check) == ([], 0)


def test_wrong_credentials_are_unauthorised():
    account = Account(clock=StepClock(), seed=1)
    with pytest.raises(Unauthorised) as raised:
        connect_to(account, api_key="sk_test_0000000000000000wrong").identify()
    assert "0000000000wrong" not in str(raised.value)


def test_a_version_the_account_does_not_know_is_named_with_the_right_one(books):
    system = connect_to(books.account, api_key=books.account.api_key, api_version="2026-10-29.endive")
    with pytest.raises(ConfigError, match=r"STRIPE__API_VERSION(?s:.*)2026-10-29\.endive(?s:.*)2026-10-28\.endive"):
        system.identify()


@pytest.mark.parametrize("version", ["2025-03-31.basil", "2020-08-27"])
def test_a_version_of_another_release_is_refused_before_anything_is_sent(books, version):
    with pytest.raises(ConfigError, match=r"STRIPE__API_VERSION(?s:.*)2026-10-28\.endive"):
        connect_to(books.account, api_key=books.account.api_key, api_version=version)
    assert books.account.counters["requests"] == 0


def test_an_account_that_answers_in_another_version_is_a_blocker(books):
    def after(_request, response):
        return replace(response, headers={**response.headers, "Stripe-Version": "2020-08-27"})

    books.account.faults_after = after
    (finding,) = books.system.check()
    assert (finding.code, finding.severity) == ("stripe.api_version", "blocker")
    assert "2020-08-27" in finding.observed


def test_an_object_of_the_other_mode_is_an_error_wherever_it_appears():
    live = {"id": "cus_1", "object": "customer", "livemode": True}
    for body in (live, {"object": "list", "data": [live], "has_more": False}):
        with pytest.raises(RemoteError) as raised:
            connect_to(Script(lambda _, body=body: answer(body))).fetch("customer", ["cus_1"])
        assert raised.value.code == "livemode_mismatch"


def test_a_live_key_never_travels_unencrypted():
    with pytest.raises(ConfigError, match="unencrypted"):
        connect_over("http://stripe.example")
    connect_over("https://stripe.example").close()
    connect_over("http://127.0.0.1:12111").close()


@pytest.mark.parametrize("base", ["", "stripe.example", "ftp://stripe.example"])
def test_an_address_that_is_none_is_refused(base):
    with pytest.raises(ConfigError, match="not an address"):
        connect_over(base)


def connect_over(base):
    clock = StepClock()
    return connect(
        StripeOptions(api_key="sk_live_4eC39HqLyjWDarjt", api_base=base),
        pack=stripe_pack(),
        clock=clock,
        caller=Caller(policies=uniform(), clock=clock, chance=lambda: 0.0),
        limiter=NoLimit(),
    )


def test_the_key_is_not_in_what_options_print():
    assert "4eC39" not in repr(StripeOptions(api_key="sk_live_4eC39HqLyjWDarjt"))


def test_a_host_that_cannot_be_reached_is_transient_and_says_where():
    def latency(_):
        raise requests.ConnectTimeout("no route")

    system = connect_to(None, session=session_to(Script(lambda _: error(500)), latency=latency))
    with pytest.raises(RemoteError) as raised:
        system.identify()
    assert raised.value.code == "connection_refused"
    assert system.calls == 3


def test_one_failed_read_of_many_fails_the_fetch_once_all_are_done():
    def one_bad(request):
        name = request.path.rsplit("/", 1)[1]
        return error(403) if name == "cus_3" else answer({"id": name, "object": "customer"})

    system = connect_to(Script(one_bad), concurrency=2)
    with pytest.raises(RemoteError) as raised:
        system.fetch("customer", [f"cus_{number}" for number in range(10)])
    assert raised.value.status == 403
    assert system.fetch("customer", ["cus_1"])["cus_1"].id == "cus_1"


def test_operations_and_reads_after_close_are_refused(books):
    books.system.close()
    with pytest.raises(RuntimeError):
        outcomes_of(books.system, [operation("customer", "create", {"name": "A"})])
