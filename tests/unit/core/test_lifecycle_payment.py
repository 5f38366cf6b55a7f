"""payment: decisions that need a Stripe account in a rare state."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connector.core.lifecycle import decide
from connector.core.model import Key, Link, Record, Side
from connector.core.view import Act, Ignore, Park, Read, Settled, Unclaimed, View
from tests.support.views import mapping_of, record_of, view_of

PAYMENT = mapping_of("payment")


def _invoice(number: int, account: str = "001A") -> Link:
    born = Key(side=Side.SALESFORCE, kind="invoice", id=f"a0F{number}")
    return Link(born=born, mate_id=f"in_{number}", progress={"account": account, "status": "paid"})


def _row(number: int, amount: int = 10_000, **fields: Any) -> dict[str, Any]:
    row = {
        "id": f"inpay_{number}",
        "invoice": f"in_{number}",
        "amount_paid": amount,
        "currency": "usd",
        "status": "paid",
    }
    return row | fields


def _intent(*rows: dict[str, Any], **fields: Any) -> Record:
    content = {
        "id": "pi_1",
        "status": "succeeded",
        "amount_received": 10_000,
        "currency": "usd",
        "paid_at": 1_793_530_800,
        "method_type": "card",
        "mode": "electronic",
        "reference": "ch_1",
    }
    return record_of(Side.STRIPE, "payment", "pi_1", content | fields, rows)


def _linked(
    stripe: Record, *, stored: str | None = "100.00", view: dict[str, Any] | None = None, **progress: Any
) -> View:
    amount = None if stored is None else Decimal(stored)
    fields = {"blng__Amount__c": amount, "CurrencyIsoCode": "USD", "Stripe_Id__c": "pi_1"}
    settings: dict[str, Any] = {
        "salesforce": record_of(Side.SALESFORCE, "payment", "a0P1", fields),
        "stripe": stripe,
        "parents": [_invoice(1)],
        "mate_id": "a0P1",
        "progress": {"currency": "usd", **progress},
    }
    return view_of(PAYMENT, **(settings | (view or {})))


@pytest.mark.parametrize(("org", "is_ours"), [("00D1", True), ("00D2", False)])
def test_a_payment_record_with_our_mark_is_no_payment_of_stripe_even_if_no_link_remembers_it(
    org: str, is_ours: bool
) -> None:
    mark = {"salesforce_org": org, "salesforce_id": "a0P7"}
    decision = decide(view_of(PAYMENT, stripe=_intent(_row(1), metadata=mark), parents=[_invoice(1)]))
    assert isinstance(decision, Ignore if is_ours else Act)


@pytest.mark.parametrize(
    "status", ["processing", "requires_payment_method", "requires_action", "requires_capture", "canceled", "failed"]
)
def test_money_that_has_not_arrived_creates_nothing(status: str) -> None:
    view = view_of(PAYMENT, stripe=_intent(_row(1), status=status), parents=[_invoice(1)])
    assert decide(view) == Ignore(reason=f"status {status}")


def test_success_without_money_creates_nothing() -> None:
    view = view_of(PAYMENT, stripe=_intent(_row(1), amount_received=0), parents=[_invoice(1)])
    assert isinstance(decide(view), Ignore)


def test_invoices_of_two_accounts_park() -> None:
    """A Salesforce payment belongs to one Account."""
    parents = [_invoice(1, "001A"), _invoice(2, "001B")]
    decision = decide(view_of(PAYMENT, stripe=_intent(_row(1, 4_000), _row(2, 6_000)), parents=parents))
    assert isinstance(decision, Park)
    assert (decision.code, "001A" in decision.reason, "001B" in decision.reason) == (
        "payment.several_accounts",
        True,
        True,
    )


def test_what_it_paid_beside_a_mirrored_invoice_stays_unallocated() -> None:
    decision = decide(view_of(PAYMENT, stripe=_intent(_row(1, 4_000), _row(9, 6_000)), parents=[_invoice(1)]))
    assert isinstance(decision, Act)
    assert decision.body["fields"]["blng__Amount__c"] == Decimal("100.00")
    assert decision.later == (("inpay_1", "a0F1", 4_000),)


@pytest.mark.parametrize(
    ("rows", "why"), [([], "it paid no invoice"), ([_row(9)], "the invoice it paid is not mirrored")]
)
def test_money_nobody_claims(rows: list[dict[str, Any]], why: str) -> None:
    assert decide(view_of(PAYMENT, stripe=_intent(*rows))) == Unclaimed(reason=why)


def test_an_invoice_payment_that_is_not_paid_claims_nothing() -> None:
    rows = [_row(1, status="open"), _row(2, amount=0)]
    decision = decide(view_of(PAYMENT, stripe=_intent(*rows), parents=[_invoice(1), _invoice(2)]))
    assert isinstance(decision, Unclaimed)


def test_the_payment_is_read_back_before_it_is_posted() -> None:
    view = _linked(_intent(_row(1)), view={"salesforce": None, "read": [Side.STRIPE]})
    assert decide(view) == Read(sides=frozenset({Side.SALESFORCE}))


@pytest.mark.parametrize("stored", [None, "99.99", "100.01"])
def test_another_amount_than_received_parks_before_posting(stored: str | None) -> None:
    decision = decide(_linked(_intent(_row(1)), stored=stored))
    assert isinstance(decision, Park)
    assert (decision.code, "10000" in decision.reason) == ("payment.amount_differs", True)


def test_a_payment_that_vanished_parks() -> None:
    decision = decide(_linked(_intent(_row(1)), view={"salesforce": None}))
    assert isinstance(decision, Park)
    assert decision.code == "payment.missing_in_salesforce"


def test_a_row_in_another_currency_parks() -> None:
    decision = decide(_linked(_intent(_row(1, currency="eur")), verified=True, posted=True))
    assert isinstance(decision, Park)
    assert decision.code == "payment.currency_differs"


@pytest.mark.parametrize("way", ["invoice", "lines"])
def test_without_a_mapping_of_the_allocation_it_parks(way: str) -> None:
    view = _linked(_intent(_row(1)), verified=True, posted=True)
    bare = replace(view, mapping=replace(mapping_of("payment", allocate_to=way), also=()))
    decision = decide(bare)
    assert isinstance(decision, Park)
    assert (decision.code, way.removesuffix("s") in decision.reason) == ("payment.no_allocation_mapping", True)


def test_rows_are_allocated_one_after_the_other_and_then_it_is_complete() -> None:
    stripe = _intent(_row(1, 4_000), _row(2, 6_000))
    parents = {"parents": [_invoice(1), _invoice(2)]}
    first = decide(_linked(stripe, verified=True, posted=True, view=parents))
    assert isinstance(first, Act)
    assert (first.action, first.body["fields"]["blng__Amount__c"]) == ("allocate:inpay_1", Decimal("40.00"))
    second = decide(_linked(stripe, verified=True, posted=True, **first.progress, view=parents))
    assert isinstance(second, Act)
    assert (second.action, second.body["external_id"]["value"]) == ("allocate:inpay_2", "inpay_2")
    done = decide(_linked(stripe, verified=True, posted=True, **second.progress, view=parents))
    assert isinstance(done, Settled)
    assert (done.progress, done.findings) == ({"complete": True}, ())


def test_what_went_back_is_remembered_and_a_refund_that_failed_is_forgotten() -> None:
    settled = {"verified": True, "posted": True, "allocated": {"inpay_1": True}, "complete": True}
    told = decide(_linked(_intent(_row(1), amount_refunded=4_000), **settled))
    assert isinstance(told, Settled)
    assert ([each.code for each in told.findings], told.progress["amount_refunded"]) == (["payment.refunded"], 4_000)
    over = decide(_linked(_intent(_row(1)), **settled, amount_refunded=4_000))
    assert isinstance(over, Settled)
    assert (over.findings, over.progress["amount_refunded"]) == ((), 0)
    assert ("payment.refunded", "pi_1") in over.cleared


def test_an_org_that_needs_no_posting_is_allocated_at_once() -> None:
    view = _linked(_intent(_row(1)))
    mapping = replace(view.mapping, options={**view.mapping.options, "posted_status": None})
    decision = decide(replace(view, mapping=mapping))
    assert isinstance(decision, Act)
    assert decision.action == "allocate:inpay_1"
