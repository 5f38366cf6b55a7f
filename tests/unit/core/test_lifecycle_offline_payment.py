"""offline_payment: decisions that a healthy org never asks for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.core.lifecycle import decide
from connector.core.model import Side
from connector.core.view import Decision, Park
from tests.support.views import mapping_of, record_of, view_of

OFFLINE = mapping_of("offline_payment")


def _decide(*rows: dict[str, Any]) -> Decision:
    fields = {"CurrencyIsoCode": "USD", "blng__Status__c": "Posted", "blng__Amount__c": Decimal(100)}
    cheque = record_of(Side.SALESFORCE, "offline_payment", "a0P1", fields, rows)
    return decide(view_of(OFFLINE, salesforce=cheque, read=[Side.SALESFORCE]))


@pytest.mark.parametrize(
    "way",
    [{"blng__InvoiceLine__r": None}, {"blng__InvoiceLine__r": {"blng__Invoice__c": None}}, {"blng__Invoice__c": None}],
    ids=["the line is hidden", "the line's invoice is hidden", "the invoice is hidden"],
)
def test_an_allocation_that_shows_no_invoice_parks_its_payment_and_no_other(way: dict[str, Any]) -> None:
    row = {"Id": "a0Q1", "blng__Amount__c": Decimal(60), "blng__Type__c": "Allocation"}
    decision = _decide({**row, "blng__Invoice__c": "a0F1"}, {**row, "Id": "a0Q2", **way})
    assert isinstance(decision, Park)
    assert decision.code == "offline_payment.invoice_hidden"
    assert "a0Q2" in decision.reason
