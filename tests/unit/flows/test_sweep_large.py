"""A hundred thousand records a side: one that is altered or gone is named."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.core.model import Key, Link, Record, Side
from connector.flows.sweep.run import certify, look
from connector.flows.workspace import Workspace
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY
from tests.support.views import PACK, POLICY

COUNT = 100_000
PAGE = 2000
KIND = "product"
MADE = datetime(2026, 11, 3, tzinfo=UTC)


def salesforce_id(number):
    return f"01t{number:015d}"


def at_salesforce(number):
    fields = {"Name": f"Seat {number}", "Stripe_Id__c": f"prod_{number}", "IsActive": True, "Description": None}
    key = Key(side=Side.SALESFORCE, kind=KIND, id=salesforce_id(number))
    return Record(key=key, version="1", fields=fields, created_at=MADE)


def at_stripe(number):
    mark = {"salesforce_id": salesforce_id(number), "salesforce_org": POLICY.org_id}
    fields = {"id": f"prod_{number}", "name": f"Seat {number}", "active": True, "metadata": mark}
    key = Key(side=Side.STRIPE, kind=KIND, id=f"prod_{number}")
    return Record(key=key, version="", fields=fields, created_at=MADE)


class Books:
    """One system: `count` records, made when they are asked for; some altered, some gone."""

    def __init__(self, side, make, number_of):
        self.side = side
        self._make = make
        self._number_of = number_of
        self.altered = {}
        self.gone = set()

    def record(self, number):
        if number in self.gone:
            return None
        record = self._make(number)
        return replace(record, fields={**record.fields, **self.altered.get(number, {})})

    def fetch_all(self, kind, *, select=False, lines=True):
        # Stripe lists newest first
        numbers = range(COUNT) if self.side is Side.SALESFORCE else range(COUNT - 1, -1, -1)
        for start in range(0, COUNT, PAGE):
            page = (self.record(number) for number in numbers[start : start + PAGE])
            yield [record for record in page if record is not None]

    def fetch_many(self, wanted, *, select):
        found = [self.record(self._number_of(record_id)) for ids in wanted.values() for record_id in ids]
        return {record.key: record for record in found if record is not None}


class Memory:
    """The links of all pairs, made when they are asked for; keeps what was signalled and certified."""

    def __init__(self):
        self.certificates = self.brakes = self
        self.signalled = set()
        self.saved = []

    def link(self, number):
        shadow = {
            "name": (f"Seat {number}",) * 2,
            "description": (None, None),
            "active": (True, True),
            "code": (None, None),
        }
        born = Key(side=Side.SALESFORCE, kind=KIND, id=salesforce_id(number))
        return Link(born=born, mate_id=f"prod_{number}", shadow=shadow, versions={Side.SALESFORCE: "1"})

    def load_links(self, keys):
        return {key: self.link(number_of(key.id)) for key in keys}

    def load_links_in(self, *, kind=None, states=(), limit=1000, after_born_id=""):
        first = number_of(after_born_id) + 1 if after_born_id else 0
        return [self.link(number) for number in range(first, min(COUNT, first + limit))]

    def record_signals(self, signals, cursors, *, shard_of):
        self.signalled |= {signal.key for signal in signals}
        return len(signals)

    def load_findings(self, *, include_cleared=False):
        return []

    def count_links(self):
        return {KIND: {"open": COUNT}}

    def load_note(self, _name):
        return None

    def load_open(self):
        return []

    def load_released(self, _since):
        return []

    def save(self, certificate):
        self.saved.append(certificate)
        return len(self.saved)


def number_of(record_id):
    return int(record_id[3:]) if record_id.startswith("01t") else int(record_id.removeprefix("prod_"))


@pytest.fixture
def workspace():
    return Workspace(
        pack=PACK,
        policy=POLICY,
        identity=IDENTITY,
        salesforce=Books(Side.SALESFORCE, at_salesforce, number_of),
        stripe=Books(Side.STRIPE, at_stripe, number_of),
        store=Memory(),
        clock=ManualClock(),
    )


def test_one_altered_and_one_deleted_record_on_each_side_are_named_among_100_000(workspace):
    odd = random.Random(7).sample(range(COUNT), 4)
    workspace.salesforce.altered[odd[0]] = {"Name": "Chair"}
    workspace.stripe.altered[odd[1]] = {"active": False}
    workspace.salesforce.gone.add(odd[2])
    workspace.stripe.gone.add(odd[3])
    found = look(workspace, kinds=[KIND])
    one = found.kinds[KIND]
    assert {key.id for key in one.pairs} == {salesforce_id(number) for number in odd}
    for side in Side:
        assert one.readings[side].ledger.size_bytes == 32 * (COUNT - 1)
    _, certificate = certify(workspace, found)
    named = {(each["id"], each["sort"], each["field"]) for each in certificate.detail["differences"]}
    assert named == {
        (salesforce_id(odd[0]), "value differs", "name"),
        (salesforce_id(odd[1]), "value differs", "active"),
        (salesforce_id(odd[2]), "missing in salesforce", None),
        (salesforce_id(odd[3]), "missing at stripe", None),
    }
    assert not certificate.is_complete
    wanted = {Key(side=Side.SALESFORCE, kind=KIND, id=salesforce_id(number)) for number in odd}
    wanted |= {Key(side=Side.STRIPE, kind=KIND, id=f"prod_{number}") for number in odd}
    assert workspace.store.signalled == wanted
