from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote, urlencode

import pytest

from connector.sandbox.clock import ManualClock
from connector.sandbox.http import Request
from connector.sandbox.salesforce.org import Org

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ROOT = "/services/data/v67.0"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.raw = response.body
        self.body = json.loads(response.body, parse_float=Decimal) if response.body else None

    @property
    def code(self):
        return self.body[0]["errorCode"]

    @property
    def message(self):
        return self.body[0]["message"]


class Api:
    """A stranger's plain client."""

    def __init__(self, org):
        self.org = org

    def call(self, method, path, body=None, *, headers=None, token=None, root=ROOT):
        path, _, query = path.partition("?")
        sent = {"authorization": f"Bearer {token or self.org.access_token}", **(headers or {})}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = Request(method=method, path=root + path, query=query, headers=sent, body=raw)
        return Answer(self.org.handle(request))

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def query(self, soql, *, resource="query", **more):
        return self.call("GET", f"/{resource}?q={quote(soql)}", **more)

    def rows(self, soql):
        answer = self.query(soql)
        assert answer.status == 200, answer.raw
        return answer.body["records"]

    def names(self, soql):
        return [row["Name"] for row in self.rows(soql)]

    def form(self, path, fields, headers=None):
        request = Request(
            method="POST",
            path=path,
            headers={"host": "127.0.0.1:8765", **(headers or {})},
            body=urlencode(fields).encode(),
        )
        return Answer(self.org.handle(request))


@pytest.fixture
def clock():
    return ManualClock(START)


@pytest.fixture
def org(clock):
    return Org(clock=clock, seed=7)


@pytest.fixture
def api(org):
    return Api(org)


@pytest.fixture
def account(org):
    return org.create("Account", {"Name": "Brightwater Labs"})


@pytest.fixture
def invoice(org, account):
    """A posted invoice of 119.00, tax included, in two lines."""
    made = org.create(
        "blng__Invoice__c",
        {"blng__Account__c": account, "blng__InvoiceStatus__c": "Posted", "blng__InvoiceDate__c": "2026-11-01"},
    )
    for subtotal, tax in (("60.00", "11.40"), ("40.00", "7.60")):
        total = Decimal(subtotal) + Decimal(tax)
        line = {"blng__Subtotal__c": subtotal, "blng__TaxAmount__c": tax, "blng__TotalAmount__c": str(total)}
        org.create("blng__InvoiceLine__c", {"blng__Invoice__c": made, "Name": "Seat", **line})
    return made


@pytest.fixture
def pay(org, account, invoice):
    """Books a posted payment on the invoice and returns the allocation's id."""

    def book(amount, kind="Allocation"):
        payment = org.create(
            "blng__Payment__c", {"blng__Account__c": account, "blng__Amount__c": amount, "blng__Status__c": "Posted"}
        )
        allocation = {
            "blng__Payment__c": payment,
            "blng__Invoice__c": invoice,
            "blng__Amount__c": amount,
            "blng__Type__c": kind,
        }
        return org.create("blng__PaymentAllocationInvoice__c", allocation)

    return book
