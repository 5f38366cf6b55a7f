"""What both systems hold, asked while services work on them, and the wires between."""

from __future__ import annotations

import contextlib
from urllib.parse import urlsplit

from tests.acceptance.program import pairs
from tests.support.proxy import to_port


@contextlib.contextmanager
def behind_a_wire(address):
    """A proxy and the address that leads through it."""
    with to_port(urlsplit(address).port) as proxy:
        yield proxy, f"http://127.0.0.1:{proxy.port}"


def mirrored(box):
    return len(pairs(box)[0]["invoices"])


def is_paid(box, invoice):
    told = f"SELECT Id FROM blng__Invoice__c WHERE Stripe_Id__c = '{invoice}' AND Stripe_Status__c = 'paid'"
    return len(box.query(told)) == 1


def pay(box, number):
    """The id of an open invoice that was not paid before."""
    invoice = [row for row in box.stripe_list("/v1/invoices") if row["status"] == "open"][number]["id"]
    box.stripe_post(f"/v1/invoices/{invoice}/pay", payment_method="pm_card_visa")
    return invoice


def assert_nothing_is_doubled(box):
    for table in (*pairs(box)[0].values(), *pairs(box)[1].values()):
        marks, mates = [mark for mark, _ in table], [mate for _, mate in table]
        assert len(marks) == len(set(marks))
        assert len(mates) == len(set(mates))
