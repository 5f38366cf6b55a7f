"""The verifier's predictions held against a real pass: what was foreseen is what happens."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.verify.checks import Verdict
from connector.core.verify.evidence import Facts, Seen
from connector.core.verify.private import shown
from connector.flows.verify.conditions import predictions
from connector.sandbox.salesforce.seed import seed
from tests.support import builders as b
from tests.support.verify import PLAIN, inspector_of, judged, plain, shipped_check, situation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.core.verify.checks import Result
    from connector.core.verify.foresight import Forecast
    from tests.support.world import World

EVIDENCE = {"invoice": "open_invoices", "quote": "open_quotes"}
CHECK = {"invoice": "PRE-INV", "quote": "PRE-QUO"}


def foresee(world: World, kind: str) -> tuple[Result, Forecast]:
    """What the verifier says before the pass, and the forecast behind it."""
    names = ("org_needs", EVIDENCE[kind])
    inspector = inspector_of(world, go_live=world.go_live, currency=world._currency())
    evidence = inspector.inspect(names)
    assert all(isinstance(found, Seen) for found in evidence.values()), evidence
    about = situation(pack=world.pack, go_live=world.go_live, currency=world._currency())
    now = world.clock.now()
    result = plain(judged(CHECK[kind], about=about, now=now, **evidence))
    facts = Facts(check=shipped_check(CHECK[kind]), profile=PLAIN, situation=about, now=now, evidence=evidence)
    return result, predictions.foreseen(facts, kind, EVIDENCE[kind])


def counts(tally: Any) -> dict[str, int]:
    return {reason: counted.found for reason, counted in tally.items()}


def assert_comes_true(world: World, kind: str) -> Forecast:
    _, expected = foresee(world, kind)
    report = world.sync().of(kind)
    assert report.created == expected.mirrored
    assert dict(report.not_mirrored) == counts(expected.left_out)
    parked = Counter(code for code, _ in b.parked(world, kind).values())
    told = counts(expected.held_up)
    own = {code: count for code, count in told.items() if code.startswith(f"{kind}.")}
    assert dict(parked) == own
    assert report.waiting == sum(told.values()) - sum(own.values())
    assert expected.unseen == 0
    return expected


def paid(world: World, account: str, invoice: str, amount: str) -> None:
    b.offline_payment(world, {invoice: amount}, account_id=account)


# -- invoices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_is_foreseen_for_a_believable_org_comes_true(make_world: Callable[..., World], number: int) -> None:
    world = make_world(seed=number)
    seed(world.org, scale=2)
    expected = assert_comes_true(world, "invoice")
    assert expected.mirrored > 20
    assert {"settled", "part-paid", "zero", "negative", "before go-live"} <= set(expected.left_out)


def test_every_mix_of_total_balance_and_day_is_foreseen(world: World) -> None:
    """The conditions in SOQL and the rule in Python are one rule."""
    account = b.account(world)
    days = [date(2026, 9, 30), date(2026, 10, 1), date(2026, 11, 20)]
    for total, share, day in product(("-10.00", "0", "10.00"), ("0", "4.00", "10.00", "15.00"), days):
        invoice = b.invoice(world, b.Item(subtotal=total), account_id=account, dated=day)
        if Decimal(share):
            paid(world, account, invoice, share)
    assert_comes_true(world, "invoice")


def test_an_invoice_without_a_day_is_before_go_live(world: World) -> None:
    invoice = b.invoice(world)
    world.org.update("blng__Invoice__c", invoice, {"blng__InvoiceDate__c": None})
    expected = assert_comes_true(world, "invoice")
    assert counts(expected.left_out) == {"before go-live": 1}


def test_reasons_come_with_names(world: World) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    name = world.org.get("blng__Invoice__c", invoice)["Name"]
    paid(world, account, invoice, "40.00")
    result, _ = foresee(world, "invoice")
    assert result.verdict is Verdict.WARN
    assert result.observed == f"0 posted invoices will be mirrored; 1 will not: 1 part-paid ({name})"


def test_what_holds_an_invoice_up_is_told_with_what_would_release_it(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    mail_in_a_text = ("salesforce: blng__BillToContact__r.Email, stripe: email", "salesforce: Site, stripe: email")
    world = make_world(pack_folder=b.pack_with(tmp_path, "customer", mail_in_a_text))
    b.invoice(world, account_id=b.account(world, "Typo Ltd", Site="nobody"))
    b.invoice(world, b.Item(subtotal="100.55"), code="JPY")
    b.invoice(world)
    expected = assert_comes_true(world, "invoice")
    assert counts(expected.held_up) == {"invoice.amount_not_exact": 1, "customer.value_unreadable": 1}
    assert "100.55 has more decimals than JPY has" in expected.reasons["invoice.amount_not_exact"]
    assert "'nobody' is not an e-mail address" in expected.reasons["customer.value_unreadable"]


def test_an_invoice_with_more_lines_than_stripe_takes_is_foreseen(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(pack_folder=b.pack_with(tmp_path, "invoice", ("lines_max: 250", "lines_max: 3")))
    b.invoice(world, *(b.Item() for _ in range(4)))
    b.invoice(world, *(b.Item() for _ in range(3)))
    expected = assert_comes_true(world, "invoice")
    assert counts(expected.held_up) == {"invoice.too_many_lines": 1}
    assert expected.reasons["invoice.too_many_lines"] == "4 lines; Stripe takes at most 3"


def test_what_is_mirrored_already_is_not_foreseen_again(world: World) -> None:
    b.invoice(world)
    world.sync()
    result, expected = foresee(world, "invoice")
    assert (result.verdict, expected.mirrored) == (Verdict.PASS, 0)


def test_an_org_with_one_currency_is_foreseen_in_it(make_world: Callable[..., World]) -> None:
    world = make_world(multi_currency=False)
    b.invoice(world)
    assert assert_comes_true(world, "invoice").mirrored == 1


def test_customers_to_be_made_and_those_without_an_address_are_known(world: World) -> None:
    silent, known = b.account(world, "Silent Ltd", email=None), b.account(world)
    for account in (silent, silent, known):
        b.invoice(world, account_id=account)
    expected = assert_comes_true(world, "invoice")
    assert expected.new_customers == {silent, known}
    assert expected.without_email == {silent}


# -- quotes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_is_foreseen_for_the_quotes_of_a_believable_org_comes_true(
    make_world: Callable[..., World], number: int
) -> None:
    world = make_world(seed=number)
    seed(world.org, scale=2)
    expected = assert_comes_true(world, "quote")
    assert "quote.expired" in expected.held_up


def test_every_reason_to_park_a_quote_is_foreseen(world: World) -> None:
    seat, retired = b.product(world), b.product(world, "Fax line", IsActive=False)
    b.quote(world, b.Offer(product=seat))
    b.quote(world, b.Offer(product=seat), expires_in_days=-2)
    b.quote(world, b.Offer(product=retired))
    b.quote(world, b.Offer(product=seat, price="-5.00"))
    b.quote(world, b.Offer(product=seat, optional=True))
    b.quote(world, b.Offer(product=seat), status="Draft")
    b.quote(world, b.Offer(product=seat), status="Waiting for Legal")
    expected = assert_comes_true(world, "quote")
    assert expected.mirrored == 1
    assert counts(expected.held_up) == {
        "quote.status_unmapped": 1,
        "quote.expired": 1,
        "quote.product_inactive": 1,
        "quote.negative_line": 1,
        "quote.no_lines": 1,
    }
    assert counts(expected.left_out) == {"status Draft": 1}


def test_drafts_are_foreseen_where_the_mapping_mirrors_them(make_world: Callable[..., World], tmp_path: Path) -> None:
    folder = b.pack_with(
        tmp_path, "quote", ("    Draft: absent", "    Draft: draft"), ("mirror_drafts: false", "mirror_drafts: true")
    )
    world = make_world(pack_folder=folder)
    b.quote(world, status="Draft")
    assert assert_comes_true(world, "quote").mirrored == 1


# -- who else collects ------------------------------------------------------------------------------------------------


def test_auto_pay_of_an_account_the_next_pass_links_is_a_blocker(world: World) -> None:
    """Nothing is linked yet, and the invoice of that Account is about to be payable at Stripe."""
    mirrored, other = b.account(world), b.account(world, "Other Ltd")
    for account in (mirrored, other):
        method = {"blng__Account__c": account, "blng__PaymentType__c": "Credit Card", **b.currency(world, "USD")}
        world.org.create("blng__PaymentMethod__c", {**method, "blng__Active__c": True, "blng__AutoPay__c": True})
    names = ("org_needs", "open_invoices", "collectors")

    def look() -> Result:
        evidence = inspector_of(world, go_live=world.go_live).inspect(names)
        return judged("SF-COL-01", about=situation(pack=world.pack, go_live=world.go_live), **evidence)

    assert look().verdict is Verdict.PASS
    b.invoice(world, account_id=mirrored)
    assert look().verdict is Verdict.FAIL
    assert "Acme GmbH" in shown(look().observed)
    assert "Other Ltd" not in shown(look().observed)
    world.sync()
    assert look().verdict is Verdict.FAIL
