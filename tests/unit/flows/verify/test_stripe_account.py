"""What the account may do, when it pays out, and what is switched on in it."""

from datetime import timedelta

import pytest

from connector.core.verify.account import (
    OpenInvoice,
    OpenInvoices,
    Portal,
    PortalConfiguration,
    ReportType,
    ReportTypes,
    StripeAccount,
)
from connector.core.verify.checks import Profile, Verdict
from tests.support.verify import NOT_READABLE, NOW, judged, plain, situation

LIMITED = Profile(id="p", title="t", when="w", options={"card_limits": {"usd": "5000.00", "JPY": "700000"}})


def account(**changes) -> StripeAccount:
    given = {
        "id": "acct_1",
        "name": "Acme",
        "country": "US",
        "charges_enabled": True,
        "payouts_enabled": True,
        "capabilities": {"card_payments": "active", "us_bank_account_ach_payments": "active"},
        "payout_interval": "daily",
    }
    return StripeAccount(**{**given, **changes})


@pytest.mark.parametrize(
    ("check", "evidence"),
    [
        ("STR-ACCT", "stripe_account"),
        ("STR-PAYOUT", "stripe_account"),
        ("STR-RPT", "stripe_report_types"),
        ("STR-PORTAL", "stripe_portal"),
    ],
)
def test_what_cannot_be_read_is_unknown_and_names_the_permission(check, evidence):
    result = judged(check, **{evidence: NOT_READABLE})
    assert result.verdict is Verdict.UNKNOWN
    assert "View Setup" in result.fix


# -- what it may do --------------------------------------------------------------------


def test_an_account_that_takes_cards_passes_and_says_where_it_is():
    result = judged("STR-ACCT", stripe_account=account())
    assert (result.verdict, result.observed) == (Verdict.PASS, '"Acme" (US) takes payments: card payments')


def test_an_account_whose_charges_are_off_fails_with_stripes_reason_and_what_is_asked_for():
    stopped = account(
        charges_enabled=False, disabled_reason="requirements.past_due", currently_due=("external_account",)
    )
    result = judged("STR-ACCT", stripe_account=stopped)
    assert result.verdict is Verdict.FAIL
    assert "requirements.past_due; it asks for external_account" in result.observed


@pytest.mark.parametrize("state", ["inactive", "pending", None])
def test_cards_that_are_not_active_fail(state):
    states = {} if state is None else {"card_payments": state}
    result = judged("STR-ACCT", stripe_account=account(capabilities=states))
    assert result.verdict is Verdict.FAIL
    assert f"card payments ({state or 'never asked for'})" in result.observed


def test_bank_debits_matter_only_where_customers_pay_by_them():
    cards_only = account(capabilities={"card_payments": "active"})
    assert judged("STR-ACCT", stripe_account=cards_only).verdict is Verdict.PASS
    result = judged("STR-ACCT", stripe_account=cards_only, about=situation(ach=True))
    assert result.verdict is Verdict.FAIL
    assert "ACH direct debit (never asked for)" in result.observed
    assert judged("STR-ACCT", stripe_account=account(), about=situation(ach=True)).verdict is Verdict.PASS


def test_an_account_where_bank_debits_are_not_offered_is_told_so():
    german = account(country="DE", capabilities={"card_payments": "active"})
    result = judged("STR-ACCT", stripe_account=german, about=situation(ach=True))
    assert result.observed.endswith("ACH is offered to accounts in US")


def test_what_stripe_still_asks_for_is_a_warning_while_payments_work():
    result = judged("STR-ACCT", stripe_account=account(currently_due=("company.tax_id",)))
    assert result.verdict is Verdict.WARN
    assert "company.tax_id" in result.observed


@pytest.mark.parametrize("hidden", [{"charges_enabled": None}, {"capabilities": None}])
def test_what_stripe_does_not_show_is_unknown(hidden):
    assert judged("STR-ACCT", stripe_account=account(**hidden)).verdict is Verdict.UNKNOWN


# -- payouts ---------------------------------------------------------------------------


@pytest.mark.parametrize("interval", ["daily", "weekly", "monthly"])
def test_automatic_payouts_pass(interval):
    assert judged("STR-PAYOUT", stripe_account=account(payout_interval=interval)).verdict is Verdict.PASS


def test_payouts_by_hand_and_payouts_that_are_off_fail():
    assert judged("STR-PAYOUT", stripe_account=account(payout_interval="manual")).verdict is Verdict.FAIL
    off = judged("STR-PAYOUT", stripe_account=account(payouts_enabled=False, disabled_reason="listed"))
    assert (off.verdict, off.observed) == (Verdict.FAIL, "payouts are switched off by Stripe: listed")


@pytest.mark.parametrize("hidden", [{"payout_interval": None}, {"payouts_enabled": None}])
def test_a_schedule_stripe_does_not_show_is_unknown(hidden):
    assert judged("STR-PAYOUT", stripe_account=account(**hidden)).verdict is Verdict.UNKNOWN


# -- reports ---------------------------------------------------------------------------


def reports(*ids: str, behind: timedelta = timedelta(0)) -> ReportTypes:
    return ReportTypes(rows=tuple(ReportType(id=each, name=each, data_available_end=NOW - behind) for each in ids))


NEEDED = ("balance_change_from_activity.itemized.3", "payout_reconciliation.itemized.5")


def test_reports_that_are_offered_and_up_to_date_pass():
    result = judged("STR-RPT", stripe_report_types=reports(*NEEDED, "balance.summary.1"))
    assert result.verdict is Verdict.PASS
    assert "data until 2026-11-21" in result.evidence[0]


def test_a_report_type_that_is_not_offered_fails_by_name():
    result = judged("STR-RPT", stripe_report_types=reports(NEEDED[0]))
    assert result.verdict is Verdict.FAIL
    assert result.observed == "1 of 2 report types are not offered: payout_reconciliation.itemized.5"


def test_late_data_is_a_warning():
    assert judged("STR-RPT", stripe_report_types=reports(*NEEDED, behind=timedelta(days=3))).verdict is Verdict.PASS
    late = judged("STR-RPT", stripe_report_types=reports(*NEEDED, behind=timedelta(days=3, seconds=1)))
    assert late.verdict is Verdict.WARN


# -- portal ----------------------------------------------------------------------------


def portal(*features: str, **changes) -> Portal:
    one = PortalConfiguration(**{"id": "bpc_1", "name": "", "is_default": True, "features": features, **changes})
    return Portal(configurations=(one,))


def test_a_portal_where_customers_change_no_subscription_passes():
    assert judged("STR-PORTAL", stripe_portal=Portal(configurations=())).verdict is Verdict.PASS
    harmless = portal("invoice_history", "payment_method_update")
    assert judged("STR-PORTAL", stripe_portal=harmless).verdict is Verdict.PASS


@pytest.mark.parametrize("feature", ["subscription_cancel", "subscription_pause", "subscription_update"])
def test_a_portal_where_customers_change_subscriptions_fails_by_name(feature):
    result = judged("STR-PORTAL", stripe_portal=portal("invoice_history", feature))
    assert result.verdict is Verdict.FAIL
    assert result.observed == f"the default configuration allows {feature}"
    named = judged("STR-PORTAL", stripe_portal=portal(feature, name="Shop"))
    assert named.observed == f"Shop allows {feature}"


# -- card limit ------------------------------------------------------------------------


def invoice(remaining_minor: int, currency: str = "usd", methods: tuple[str, ...] | None = ("card",)) -> OpenInvoice:
    return OpenInvoice(
        id="in_1", number="INV-1", currency=currency, remaining_minor=remaining_minor, payment_methods=methods
    )


def limited(*rows: OpenInvoice, more: bool = False):
    found = judged("STR-CARDLIMIT", profile=LIMITED, stripe_open_invoices=OpenInvoices(rows=rows, more=more))
    return plain(found)


def test_without_a_limit_there_is_nothing_to_check():
    assert judged("STR-CARDLIMIT", stripe_open_invoices=NOT_READABLE).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (invoice(499_999), Verdict.PASS),
        (invoice(500_000), Verdict.FAIL),
        (invoice(500_000, methods=("us_bank_account",)), Verdict.PASS),
        (invoice(500_000, methods=None), Verdict.FAIL),
        (invoice(699_999, "jpy"), Verdict.PASS),
        (invoice(700_000, "jpy"), Verdict.FAIL),
        (invoice(9_999_999, "eur"), Verdict.PASS),
    ],
    ids=["below", "at", "no card", "not restricted", "yen below", "yen at", "currency without limit"],
)
def test_an_open_invoice_at_or_above_the_limit_must_not_allow_cards(row, verdict):
    assert limited(row).verdict is verdict


def test_the_invoices_are_named_with_their_amounts():
    assert "INV-1 (12,400.00 USD)" in limited(invoice(1_240_000)).observed


def test_a_limit_is_kept_only_as_far_as_was_looked():
    assert limited(invoice(1), more=True).verdict is Verdict.WARN


def test_a_limit_that_cannot_be_counted_is_said():
    wrong = Profile(id="p", title="t", when="w", options={"card_limits": {"usd": "much"}})
    result = judged("STR-CARDLIMIT", profile=wrong, stripe_open_invoices=OpenInvoices(rows=()))
    assert result.verdict is Verdict.FAIL
    assert "card_limits" in result.observed


def test_open_invoices_that_cannot_be_read_are_unknown():
    assert judged("STR-CARDLIMIT", profile=LIMITED, stripe_open_invoices=NOT_READABLE).verdict is Verdict.UNKNOWN
