"""quote and invoice: decisions that two healthy systems rarely ask for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.core.lifecycle import decide
from connector.core.model import Key, Link, Record, Side
from connector.core.view import Act, Decision, Ignore, Park, Read, Settled, View, Wait
from tests.support.views import POLICY, mapping_of, record_of, view_of

INVOICE, QUOTE = mapping_of("invoice"), mapping_of("quote")
CUSTOMER = Link(born=Key(side=Side.SALESFORCE, kind="customer", id="001A"), mate_id="cus_1")
PRODUCT = Link(born=Key(side=Side.SALESFORCE, kind="product", id="01tA"), mate_id="prod_1")


def _invoice(**fields: Any) -> Record:
    content = {
        "Id": "a0F1",
        "Name": "INV-1",
        "CurrencyIsoCode": "USD",
        "blng__InvoiceStatus__c": "Posted",
        "blng__Account__c": "001A",
        "blng__TotalAmount__c": Decimal("100.00"),
        "blng__TaxAmount__c": Decimal(0),
        "blng__Balance__c": Decimal("100.00"),
        "blng__InvoiceDate__c": "2026-11-01",
        "Stripe_Id__c": "in_1",
    }
    line = {"Id": "a0L1", "blng__Subtotal__c": Decimal("100.00"), "Name": "Seat"}
    return record_of(Side.SALESFORCE, "invoice", "a0F1", content | fields, [line])


def _mark(born_id: str) -> dict[str, str]:
    return {"salesforce_id": born_id, "salesforce_org": POLICY.org_id}


def _mate(**fields: Any) -> Record:
    content = {"id": "in_1", "currency": "usd", "status": "open", "total": 10_000, "amount_remaining": 10_000}
    return record_of(Side.STRIPE, "invoice", "in_1", content | {"metadata": _mark("a0F1")} | fields)


def _decide_invoice(salesforce: Record, stripe: Record | None = None, **settings: Any) -> Decision:
    defaults: dict[str, Any] = {"parents": [CUSTOMER], "mate_id": "in_1", "progress": {"currency": "usd"}}
    return decide(view_of(INVOICE, salesforce=salesforce, stripe=stripe, **(defaults | settings)))


def _code(decision: Decision) -> str:
    assert isinstance(decision, Park), decision
    return decision.code


def test_a_status_nobody_mapped_parks_by_name() -> None:
    decision = _decide_invoice(_invoice(blng__InvoiceStatus__c="Frozen"))
    assert _code(decision) == "invoice.status_unmapped"
    assert isinstance(decision, Park)
    assert "'Frozen'" in decision.reason


def test_a_record_without_a_currency_parks_and_none_is_guessed() -> None:
    decision = _decide_invoice(_invoice(CurrencyIsoCode=None), mate_id=None, progress={})
    assert _code(decision) == "invoice.no_currency"


@pytest.mark.parametrize("total", [None, Decimal(0)])
def test_an_invoice_without_a_total_is_not_born(total: Decimal | None) -> None:
    decision = _decide_invoice(_invoice(blng__TotalAmount__c=total, blng__Balance__c=total), mate_id=None)
    assert isinstance(decision, Ignore)


def test_a_total_emptied_after_final_parks() -> None:
    progress = {"currency": "usd", "status": "open", "final": [10_000, 0]}
    decision = _decide_invoice(_invoice(blng__TotalAmount__c=None), progress=progress, read=[Side.SALESFORCE])
    assert _code(decision) == "invoice.changed_after_final"


def test_an_invoice_without_lines_parks() -> None:
    bare = record_of(Side.SALESFORCE, "invoice", "a0F1", dict(_invoice().fields))
    assert _code(_decide_invoice(bare, mate_id=None)) == "invoice.no_lines"


def test_it_waits_for_its_customer() -> None:
    decision = _decide_invoice(_invoice(), mate_id=None, parents=[])
    assert isinstance(decision, Wait)
    assert decision.on == CUSTOMER.born


@pytest.mark.parametrize("status", ["draft", "open"])
def test_a_mate_that_does_not_exist_parks_and_is_not_made_again(status: str) -> None:
    decision = _decide_invoice(_invoice(), None, progress={"currency": "usd", "status": status})
    assert _code(decision) == "invoice.missing_at_stripe"


@pytest.mark.parametrize(("total", "tax"), [(9_999, 0), (10_001, 0), (10_000, 1)], ids=["less", "more", "another tax"])
def test_a_draft_is_finalised_only_when_total_and_tax_are_equal(total: int, tax: int) -> None:
    line = {"metadata": {"salesforce_id": "a0L1"}, "amount": 10_000}
    fields = {"id": "in_1", "currency": "usd", "status": "draft", "total": total, "total_taxes": [{"amount": tax}]}
    fields["metadata"] = _mark("a0F1")
    draft = record_of(Side.STRIPE, "invoice", "in_1", fields, [line])
    assert _code(_decide_invoice(_invoice(), draft)) == "invoice.total_differs"


def test_a_total_that_differs_at_stripe_after_all_is_for_a_person() -> None:
    decision = _decide_invoice(_invoice(), _mate(total=9_000, amount_remaining=9_000))
    assert _code(decision) == "invoice.conflict"


def test_a_draft_of_a_cancelled_invoice_is_deleted() -> None:
    decision = _decide_invoice(_invoice(blng__InvoiceStatus__c="Cancelled"), _mate(status="draft"))
    assert isinstance(decision, Act)
    assert (decision.action, decision.destructive) == ("delete", True)


def test_a_cancelled_invoice_whose_mate_is_gone_is_closed() -> None:
    decision = _decide_invoice(_invoice(blng__InvoiceStatus__c="Cancelled"), None)
    assert isinstance(decision, Settled)
    assert decision.closed


def test_uncollectible_at_stripe_is_told() -> None:
    kept = {
        "Stripe_Status__c": "uncollectible",
        "Stripe_Amount_Remaining__c": Decimal("100.00"),
        "Stripe_Number__c": None,
        "Stripe_Hosted_Url__c": None,
    }
    decision = _decide_invoice(_invoice(**kept), _mate(status="uncollectible"))
    assert isinstance(decision, Settled)
    assert [finding.code for finding in decision.findings] == ["invoice.closed_at_stripe"]


@pytest.mark.parametrize("is_ours", [True, False])
def test_the_due_date_in_its_metadata_tells_of_a_copy_that_was_made_by_us(is_ours: bool) -> None:
    """Where the store was lost; in a copy that was there before us it is somebody else's note."""
    salesforce = _invoice(
        Stripe_Status__c="open",
        Stripe_Amount_Remaining__c=Decimal("100.00"),
        Stripe_Number__c=None,
        Stripe_Hosted_Url__c=None,
        blng__DueDate__c="2026-12-31",
    )
    mate = _mate(metadata={**_mark("a0F1"), "due_date": "2026-12-01"})
    progress = {"currency": "usd", "final": [10_000, 0], **({} if is_ours else {"others_lines": True})}
    decision = _decide_invoice(salesforce, mate, progress=progress)
    assert isinstance(decision, Settled)
    assert [finding.code for finding in decision.findings] == (["invoice.terms_changed"] if is_ours else [])


# -- quotes -------------------------------------------------------------------------------------------------------


def _quote(price: str = "100.00", **fields: Any) -> Record:
    content = {
        "Id": "a0Q1",
        "CurrencyIsoCode": "USD",
        "SBQQ__Status__c": "Presented",
        "SBQQ__Account__c": "001A",
        "SBQQ__NetAmount__c": Decimal(price),
        "SBQQ__ExpirationDate__c": "2026-12-31",
        "Stripe_Id__c": "qt_1",
    }
    line = {
        "Id": "a0R1",
        "SBQQ__NetTotal__c": Decimal(price),
        "SBQQ__EffectiveQuantity__c": Decimal(1),
        "SBQQ__Product__c": "01tA",
        "SBQQ__Product__r": {"IsActive": True},
    }
    return record_of(Side.SALESFORCE, "quote", "a0Q1", content | fields, [line])


def _quote_view(salesforce: Record, stripe: Record | None = None, **settings: Any) -> View:
    defaults: dict[str, Any] = {"parents": [CUSTOMER, PRODUCT], "mate_id": "qt_1", "progress": {"currency": "usd"}}
    return view_of(QUOTE, salesforce=salesforce, stripe=stripe, **(defaults | settings))


def _open(**fields: Any) -> Record:
    # 2026-12-31 23:59:59 UTC
    content = {"id": "qt_1", "currency": "usd", "status": "open", "amount_total": 10_000, "expires_at": 1_798_761_599}
    return record_of(Side.STRIPE, "quote", "qt_1", content | {"metadata": _mark("a0Q1")} | fields)


def test_an_amount_that_is_not_exact_parks_an_open_quote_instead_of_failing() -> None:
    decision = decide(_quote_view(_quote("100.005"), _open()))
    assert _code(decision) == "quote.value_unreadable"


def test_a_draft_quote_whose_total_stripe_gives_otherwise_is_not_finalised() -> None:
    birth = decide(_quote_view(_quote(Stripe_Id__c=None), mate_id=None))
    assert isinstance(birth, Act)
    draft = _open(status="draft", amount_total=10_001)
    decision = decide(_quote_view(_quote(), draft, progress=birth.progress))
    assert _code(decision) == "quote.total_differs"


def test_a_draft_quote_that_nobody_remembers_is_told_its_content_before_it_is_finalised() -> None:
    """The store was lost between the two calls."""
    decision = decide(_quote_view(_quote(), _open(status="draft")))
    assert isinstance(decision, Act)
    assert (decision.action, decision.body["line_items"][0]["price_data"]["unit_amount"]) == ("update", 10_000)
    again = decide(_quote_view(_quote(), _open(status="draft"), progress={"currency": "usd", **decision.progress}))
    assert isinstance(again, Act)
    assert again.action == "finalize"


@pytest.mark.parametrize(
    ("expires", "code"), [(None, "quote.value_removed"), ("2026-11-20", "quote.expired")], ids=["emptied", "past"]
)
def test_an_expiry_stripe_cannot_take_parks_the_open_quote(expires: str | None, code: str) -> None:
    shadow = {"expires": ("2026-12-31", "2026-12-31")}
    decision = decide(_quote_view(_quote(SBQQ__ExpirationDate__c=expires), _open(), shadow=shadow))
    assert _code(decision) == code


def test_a_moved_expiry_is_noticed_without_reading_stripe_first() -> None:
    shadow = {"expires": ("2026-12-31", "2026-12-31"), "number": (None, None), "status": ("open", "open")}
    settings: dict[str, Any] = {
        "shadow": shadow,
        "progress": {"currency": "usd", "status": "open"},
        "read": [Side.SALESFORCE],
    }
    still = _quote(Stripe_Status__c="open")
    assert isinstance(decide(_quote_view(still, **settings)), Settled)
    moved = _quote(Stripe_Status__c="open", SBQQ__ExpirationDate__c="2027-01-31")
    assert decide(_quote_view(moved, **settings)) == Read(sides=frozenset({Side.STRIPE}))


def test_other_lines_for_the_same_money_are_not_what_was_presented() -> None:
    progress = {"currency": "usd", "status": "open", "final": 10_000, "content": "what was presented"}
    assert _code(decide(_quote_view(_quote(), _open(), progress=progress))) == "quote.changed_after_final"


def test_a_quote_that_does_not_exist_at_stripe_parks() -> None:
    decision = decide(_quote_view(_quote(), None, progress={"currency": "usd", "status": "open"}))
    assert _code(decision) == "quote.missing_at_stripe"
