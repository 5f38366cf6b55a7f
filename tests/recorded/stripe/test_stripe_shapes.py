"""Our requests on the wire, byte for byte, as cassettes recorded from the served sandbox.

Replayed without a server. A changed request finds no match and fails; when the change is meant, delete the
cassette and run once with RECORD_CASSETTES=1.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import vcr

from connector.core.retry import uniform
from connector.remote import Caller
from connector.sandbox.server import Served
from connector.sandbox.stripe.account import Account
from connector.stripe import StripeOptions, connect
from tests.support.stripe import ORG_ID, NoLimit, StepClock, operation, outcomes_of, stripe_pack

CASSETTES = Path(__file__).parent / "cassettes"
RECORDING = os.environ.get("RECORD_CASSETTES") == "1"
#: The port all cassettes speak to; a recording's own port is rewritten to it.
PORT = 12111
#: What tells about the machine, the library's version or the account.
LEFT_OUT = ["authorization", "user-agent", "x-stripe-client-user-agent", "accept-encoding", "connection"]


def _normalise(request):
    request.uri = f"http://127.0.0.1:{PORT}/" + request.uri.split("/", 3)[3]
    return request


def _same_meaning(one, other):
    for name in ("stripe-version", "idempotency-key", "content-type"):
        assert one.headers.get(name) == other.headers.get(name)


RECORDER = vcr.VCR(
    cassette_library_dir=str(CASSETTES),
    record_mode="once" if RECORDING else "none",
    before_record_request=_normalise,
    filter_headers=LEFT_OUT,
    match_on=("method", "uri", "body", "our_headers"),
    path_transformer=vcr.VCR.ensure_suffix(".yaml"),
)
RECORDER.register_matcher("our_headers", _same_meaning)


def system_at(api_base, api_key, clock):
    return connect(
        StripeOptions(api_key=api_key, api_base=api_base, org_id=ORG_ID, concurrency=1),
        pack=stripe_pack(),
        clock=clock,
        caller=Caller(policies=uniform(attempts=1), clock=clock, chance=lambda: 0.0),
        limiter=NoLimit(),
    )


@pytest.fixture
def system():
    clock = StepClock()
    account = Account(clock=clock, seed=11, rate_per_second=None, endpoint_rate_per_second=None)
    if not RECORDING:
        replayed = system_at(f"http://127.0.0.1:{PORT}", account.api_key, clock)
        yield replayed
        replayed.close()
        return
    with Served(account) as served:
        live = system_at(served.url, account.api_key, clock)
        yield live
        live.close()


def mark(born_id):
    return {"salesforce_id": born_id, "salesforce_org": ORG_ID}


def write(system, kind, action, body, target_id=None):
    """The written id; anything but success fails the test with what was said."""
    (outcome,) = outcomes_of(system, [operation(kind, action, body, target_id=target_id)])
    assert hasattr(outcome, "target_id"), outcome
    return outcome.target_id


CUSTOMER = {
    "name": "Müller & Söhne",
    "email": "ap@mueller.example",
    "phone": None,
    "address": {"line1": "Hauptstr. 1", "city": "Berlin", "country": "DE"},
    "metadata": mark("001000000000001AAA"),
}
INVOICE = {
    "auto_advance": False,
    "collection_method": "send_invoice",
    "discounts": "",
    "automatic_tax": {"enabled": False},
    "pending_invoice_items_behavior": "exclude",
    "currency": "usd",
    "due_date": 1797843600,
    "number": "INV-0001",
    "metadata": mark("a0B000000000001AAA"),
}
LINES = [
    {
        "amount": 1000 * number,
        "description": f"Seat {number}",
        "period": {"start": 1795251600, "end": 1797843600},
        "metadata": mark(f"a0C00000000000{number}AAA"),
    }
    for number in (1, 2, 3)
]


def test_an_invoice_from_customer_to_finalised(system):
    with RECORDER.use_cassette("invoice") as cassette:
        customer = write(system, "customer", "create", CUSTOMER)
        invoice = write(system, "invoice", "create", {**INVOICE, "customer": customer})
        write(system, "invoice", "add_lines", {"lines": LINES}, invoice)
        write(system, "invoice", "finalize", {"auto_advance": False}, invoice)
        record = system.fetch("invoice", [invoice])[invoice]
        write(system, "invoice", "void", {}, invoice)
        assert cassette.play_count == (0 if RECORDING else 6)
    assert (record.fields["status"], record.fields["total"]) == ("open", 6000)
    assert (record.fields["number"], len(record.lines)) == ("INV-0001", 3)


def test_a_quote_from_creation_to_cancellation(system):
    with RECORDER.use_cassette("quote") as cassette:
        customer = write(system, "customer", "create", CUSTOMER)
        product = write(system, "product", "create", {"name": "Seat", "metadata": mark("01t000000000001AAA")})
        price = {"currency": "usd", "product": product, "unit_amount": 500}
        body = {
            "customer": customer,
            "collection_method": "send_invoice",
            "expires_at": 1797843600,
            "invoice_settings": {"days_until_due": 30},
            "line_items": [{"price_data": price, "quantity": 2}],
            "metadata": mark("a0Q000000000001AAA"),
        }
        quote = write(system, "quote", "create", body)
        write(system, "quote", "finalize", {}, quote)
        write(system, "quote", "cancel", {}, quote)
        record = system.fetch("quote", [quote])[quote]
        assert cassette.play_count == (0 if RECORDING else 6)
    assert (record.fields["status"], record.fields["amount_total"]) == ("canceled", 1000)
    assert [line["quantity"] for line in record.lines] == [2]


def test_an_offline_payment_reported_attached_and_read(system):
    with RECORDER.use_cassette("offline_payment") as cassette:
        customer = write(system, "customer", "create", CUSTOMER)
        invoice = write(system, "invoice", "create", {**INVOICE, "customer": customer})
        write(system, "invoice", "add_lines", {"lines": LINES}, invoice)
        write(system, "invoice", "finalize", {"auto_advance": False}, invoice)
        body = {
            "amount_requested": {"value": 2500, "currency": "usd"},
            "initiated_at": 1795251600,
            "outcome": "guaranteed",
            "guaranteed": {"guaranteed_at": 1795251600},
            "payment_method_details": {"type": "custom", "custom": {"display_name": "Check"}},
            "processor_details": {"type": "custom", "custom": {"payment_reference": "4711"}},
            "customer_details": {"customer": customer},
            "metadata": mark("a0P000000000001AAA"),
        }
        paid = write(system, "offline_payment", "create", body)
        write(system, "offline_payment", "attach", {"payment_record": paid}, invoice)
        record = system.fetch("payment", [paid])[paid]
        assert cassette.play_count == (0 if RECORDING else 7)
    assert (record.fields["amount_received"], record.fields["customer"]) == (2500, customer)
    assert [(line["invoice"], line["amount_paid"]) for line in record.lines] == [(invoice, 2500)]


def test_a_first_poll_and_a_quiet_one(system):
    with RECORDER.use_cassette("polls") as cassette:
        write(system, "customer", "create", CUSTOMER)
        first = list(system.changes({}, kinds=["customer"]))
        cursors = {cursor.stream: cursor for page in first for cursor in page.cursors}
        second = list(system.changes(cursors, kinds=["customer"]))
        assert cassette.play_count == (0 if RECORDING else 11)
    assert [signal.key.kind for page in first for signal in page.signals] == ["customer"]
    assert [signal for page in second for signal in page.signals] == []


def test_who_answers_and_who_carries_our_mark(system):
    with RECORDER.use_cassette("find") as cassette:
        account = system.identify()
        customer = write(system, "customer", "create", CUSTOMER)
        found = system.find("customer", ["001000000000001AAA"])
        assert system.find("quote", ["a0Q000000000001AAA"]) == {}
        assert cassette.play_count == (0 if RECORDING else 4)
    assert account.id.startswith("acct_")
    assert found["001000000000001AAA"].id == customer


@pytest.mark.skipif(RECORDING, reason="cassettes are being recorded")
def test_a_request_that_changed_finds_no_answer(system):
    with RECORDER.use_cassette("invoice"):
        (outcome,) = outcomes_of(system, [operation("customer", "create", {**CUSTOMER, "name": "Somebody else"})])
    assert not hasattr(outcome, "target_id")


def test_cassettes_hold_no_key_and_nothing_of_the_machine():
    for path in CASSETTES.glob("*.yaml"):
        text = path.read_text().lower()
        assert "sk_test_" not in text, path.name
        assert "uname" not in text, path.name
        assert "user-agent" not in text, path.name
