"""The adapter against answers a real Stripe account gave (recordings `pay`, API version 2026-03-25.dahlia)."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from connector.core.errors import Refused
from connector.core.model import Refusal
from connector.stripe.client import Call
from tests.support.stripe import Script, answer, connect_to, form_of, operation, outcomes_of

PAY = Path(__file__).resolve().parents[4] / "shared" / "recordings" / "pay"

pytestmark = pytest.mark.skipif(not PAY.is_dir(), reason="recordings pay are not here")

SUBSCRIPTION = "test_connect_direct_subscription"


def interactions():
    found = [
        (f"{path.stem} {number}", each)
        for path in sorted(PAY.glob("*.json"))
        for number, each in enumerate(json.loads(path.read_text())["interactions"])
    ]
    return [pytest.param(each, id=name) for name, each in found]


def response_of(recorded):
    response = recorded["response"]
    return answer(response["body"], status=response["status"], headers=response["headers"])


def recorded_answers(name):
    """The recorded bodies of one file by path without query."""
    each = json.loads((PAY / f"{name}.json").read_text())["interactions"]
    return {urlsplit(one["request"]["path"]).path: one["response"]["body"] for one in each}


def nested(form):
    """`a[b][0]=c` as the parameters that were meant."""
    root = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        steps = name.replace("]", "").split("[")
        here = root
        for step in steps[:-1]:
            here = here.setdefault(step, {})
        here[steps[-1]] = value
    return lists(root)


def lists(value):
    if not isinstance(value, dict):
        return value
    inner = {name: lists(each) for name, each in value.items()}
    return list(inner.values()) if inner and all(name.isdecimal() for name in inner) else inner


@pytest.mark.parametrize("recorded", interactions())
def test_the_answer_passes_through_unchanged_or_as_our_error(recorded):
    request, response = recorded["request"], recorded["response"]
    app = Script(lambda _: response_of(recorded))
    client = connect_to(app, attempts=1)._client
    path = urlsplit(request["path"]).path
    key = request["headers"].get("Idempotency-Key")
    call = Call(method=request["method"].lower(), template=path, idempotency_key=key)
    if response["status"] == 200:
        reply = client.send(call)
        assert reply.body == response["body"]
        assert reply.request_id == response["headers"]["Request-Id"]
    else:
        with pytest.raises(Refused) as raised:
            client.send(call)
        error = response["body"]["error"]
        assert (raised.value.code, raised.value.message) == (error["code"], error["message"])
        assert raised.value.fields == (error["param"],)
        assert raised.value.request_id == response["headers"]["Request-Id"]


@pytest.mark.parametrize("recorded", [each for each in interactions() if each.values[0]["request"]["body"]])
def test_our_forms_are_those_another_official_library_sends(recorded):
    body = recorded["request"]["body"]
    app = Script(lambda _: answer({"id": "x", "object": "thing"}))
    call = Call(method="post", template="/v1/customers", params=nested(body), idempotency_key="key")
    connect_to(app)._client.send(call)
    assert form_of(app.requests[0]) == dict(parse_qsl(body, keep_blank_values=True))


@pytest.mark.parametrize("expanded", [True, False])
def test_a_real_payment_of_a_real_invoice(expanded):
    """The list was recorded without expansion; with it, Stripe puts the recorded objects in their places."""
    recorded = recorded_answers(SUBSCRIPTION)
    intent_id = "pi_3TGnEsQK2ZHS99Rk1DIz66Nj"
    intent = recorded[f"/v1/payment_intents/{intent_id}"]
    intent = {**intent, "latest_charge": recorded[f"/v1/charges/{intent['latest_charge']}"]}
    listed = recorded["/v1/invoice_payments"]
    if expanded:
        payment = {"type": "payment_intent", "payment_intent": intent}
        listed = {**listed, "data": [{**listed["data"][0], "payment": payment}]}
    app = Script(lambda request: answer(listed if request.path == "/v1/invoice_payments" else intent))
    record = connect_to(app).fetch("payment", [intent_id])[intent_id]
    assert dict(record.fields) == {
        "id": intent_id,
        "object": "payment_intent",
        "amount_received": 1000,
        "amount_refunded": 0,
        "currency": "usd",
        "customer": "cus_UFHo2KvRlTvzR0",
        "status": "succeeded",
        "created": 1774905650,
        "paid_at": 1774905651,
        "method_type": "card",
        "mode": "electronic",
        "reference": "ch_3TGnEsQK2ZHS99Rk1GtpXcp5",
        "metadata": {},
    }
    (line,) = record.lines
    assert (line["invoice"], line["amount_paid"]) == ("in_1TGnErQK2ZHS99Rk4nuhpuoB", 1000)
    assert form_of(app.requests[0]) == {
        "limit": "100",
        "payment[type]": "payment_intent",
        "payment[payment_intent]": intent_id,
        "expand[0]": "data.payment.payment_intent.latest_charge",
    }
    assert len(app.requests) == (1 if expanded else 2)


def test_a_real_invoice():
    invoice = recorded_answers(SUBSCRIPTION)["/v1/invoices/in_1TGnErQK2ZHS99Rk4nuhpuoB"]
    app = Script(lambda _: answer(invoice))
    record = connect_to(app).fetch("invoice", [invoice["id"]])[invoice["id"]]
    assert [(line["amount"], line["currency"]) for line in record.lines] == [(1000, "usd")]
    assert (record.fields["total"], record.fields["status"]) == (1000, "paid")


def test_a_real_absence():
    path = PAY / "test_connect_customer_is_not_on_parent_account.json"
    missing = json.loads(path.read_text())["interactions"][-1]
    system = connect_to(Script(lambda _: response_of(missing)))
    assert system.fetch("customer", ["cus_UFHok2V9yiUPsO"]) == {}
    each = operation("customer", "update", {"name": "A"}, target_id="cus_UFHok2V9yiUPsO")
    (outcome,) = outcomes_of(system, [each])
    assert isinstance(outcome, Refusal)
    assert outcome.gone
