"""What the Stripe account may do, when it pays out, and what is switched on in it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from connector.core.currencies import CURRENCIES
from connector.core.money import from_minor, to_minor
from connector.core.verify.account import (
    OpenInvoice,
    OpenInvoices,
    Portal,
    ReportTypes,
    StripeAccount,
)
from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.private import private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.verify.evidence import Facts

_CARD: Final = "card_payments"
_ACH: Final = "us_bank_account_ach_payments"
#: what the account's country offers is not known here; where ACH is offered is the check's option
_SPOKEN: Final = {_CARD: "card payments", _ACH: "ACH direct debit"}
_NAMED_AT_MOST: Final = 3


def stripe_account(facts: Facts) -> Judgement:
    """Option `ach_countries`: where an account can take ACH direct debit."""
    account = facts.read("stripe_account", StripeAccount)
    evidence = _account_evidence(account)
    if account.charges_enabled is None or account.capabilities is None:
        observed = "Stripe does not show this key whether the account may take payments"
        return Judgement(verdict=Verdict.UNKNOWN, observed=observed, evidence=evidence)
    if not account.charges_enabled:
        reason = f": {account.disabled_reason}" if account.disabled_reason else ""
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"the account may not take payments{reason}{_due(account)}",
            evidence=evidence,
        )
    wanted = (_CARD, _ACH) if facts.situation.ach else (_CARD,)
    lacking = [name for name in wanted if account.capabilities.get(name) != "active"]
    if lacking:
        return _lacking(facts, account, lacking, evidence)
    if account.currently_due:
        return Judgement(
            verdict=Verdict.WARN,
            observed=f"payments work, but Stripe still asks for something{_due(account)}",
            fix="answer it in the Stripe dashboard before Stripe limits the account",
            evidence=evidence,
        )
    can = " and ".join(_SPOKEN[name] for name in wanted)
    return Judgement(verdict=Verdict.PASS, observed=f"{_spoken(account)} takes payments: {can}", evidence=evidence)


def _lacking(facts: Facts, account: StripeAccount, lacking: list[str], evidence: tuple[str, ...]) -> Judgement:
    states = account.capabilities or {}
    parts = [f"{_SPOKEN[name]} ({states.get(name, 'never asked for')})" for name in lacking]
    countries = tuple(facts.option("ach_countries", ()))
    elsewhere = _ACH in lacking and countries and account.country not in countries
    note = f"; ACH is offered to accounts in {', '.join(countries)}" if elsewhere else ""
    return Judgement(
        verdict=Verdict.FAIL, observed=f"{_spoken(account)} may not take {' and '.join(parts)}{note}", evidence=evidence
    )


def stripe_payouts(facts: Facts) -> Judgement:
    """Only automatic payouts know which payments they hold (platform.md C7)."""
    account = facts.read("stripe_account", StripeAccount)
    if account.payout_interval is None or account.payouts_enabled is None:
        return Judgement(verdict=Verdict.UNKNOWN, observed="Stripe does not show this key the schedule of payouts")
    if not account.payouts_enabled:
        return Judgement(
            verdict=Verdict.FAIL,
            observed="payouts are switched off by Stripe"
            + (f": {account.disabled_reason}" if account.disabled_reason else ""),
            fix="answer what Stripe asks for in the dashboard; payouts then start again",
        )
    if account.payout_interval == "manual":
        return Judgement(verdict=Verdict.FAIL, observed="payouts are made by hand")
    return Judgement(verdict=Verdict.PASS, observed=f"payouts are automatic, {account.payout_interval}")


def stripe_reports(facts: Facts) -> Judgement:
    """Options `types`, and `late_days`: data older than that is late."""
    found = {row.id: row for row in facts.read("stripe_report_types", ReportTypes).rows}
    needed = [str(each) for each in facts.option("types", ())]
    missing = [each for each in needed if each not in found]
    if missing:
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"{len(missing)} of {len(needed)} report types are not offered: {', '.join(missing)}",
            evidence=tuple(found),
        )
    rows = [found[each] for each in needed]
    evidence = tuple(f"{row.name} ({row.id}): data until {row.data_available_end:%Y-%m-%d %H:%M} UTC" for row in rows)
    late_days = int(facts.option("late_days", 2))
    late = [row for row in rows if facts.now - row.data_available_end > timedelta(days=late_days)]
    if late:
        oldest = min(late, key=lambda row: row.data_available_end)
        return Judgement(
            verdict=Verdict.WARN,
            observed=f"the data of {oldest.name} ends on {oldest.data_available_end:%Y-%m-%d},"
            f" more than {late_days} days ago",
            fix="wait, or ask Stripe support when it stays so; what is reconciled meanwhile ends on that day",
            evidence=evidence,
        )
    return Judgement(verdict=Verdict.PASS, observed=f"{len(rows)} report types can be run", evidence=evidence)


def stripe_portal(facts: Facts) -> Judgement:
    """Option `features`: what customers must not change by themselves."""
    forbidden = [str(each) for each in facts.option("features", ())]
    configurations = facts.read("stripe_portal", Portal).configurations
    wrong = [
        (each, [name for name in forbidden if name in each.features])
        for each in configurations
        if any(name in each.features for name in forbidden)
    ]
    if wrong:
        parts = [
            f"{each.name or ('the default configuration' if each.is_default else each.id)} allows {', '.join(names)}"
            for each, names in wrong
        ]
        evidence = tuple(f"{each.id}: {', '.join(names)}" for each, names in wrong)
        return Judgement(verdict=Verdict.FAIL, observed="; ".join(parts), evidence=evidence)
    if not configurations:
        return Judgement(verdict=Verdict.PASS, observed="the hosted portal is not configured")
    return Judgement(
        verdict=Verdict.PASS, observed=f"{len(configurations)} active portal configurations, none lets customers do it"
    )


def stripe_card_limit(facts: Facts) -> Judgement:
    """Option `card_limits` (the profile's): currency -> the amount from which no card may be used, `{usd: "5000.00"}`."""
    limits: Mapping[str, str] = facts.option("card_limits", None) or {}
    if not limits:
        return Judgement(verdict=Verdict.NOT_APPLICABLE, observed="no limit for cards is set")
    try:
        minor = {code.lower(): to_minor(Decimal(str(text)), code.lower(), CURRENCIES) for code, text in limits.items()}
    except (ValueError, InvalidOperation) as error:
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"card_limits of the profile cannot be used: {error}",
            fix='write it as {usd: "5000.00"} in config/prerequisites.yaml',
        )
    found = facts.read("stripe_open_invoices", OpenInvoices)
    over = [row for row in found.rows if row.remaining_minor >= minor.get(row.currency, row.remaining_minor + 1)]
    allowed = [row for row in over if row.payment_methods is None or "card" in row.payment_methods]
    part = " among the newest 100" if found.more else ""
    if allowed:
        examples = ", ".join(_invoice(row) for row in allowed[:_NAMED_AT_MOST])
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"{len(allowed)} open invoices{part} at or above the limit can be paid by card: {examples}",
            evidence=tuple(_invoice(row) for row in allowed),
        )
    return Judgement(
        verdict=Verdict.WARN if found.more else Verdict.PASS,
        observed=f"no open invoice{part} at or above the limit can be paid by card",
        evidence=tuple(f"{code.upper()} {text}" for code, text in limits.items()),
    )


def _invoice(row: OpenInvoice) -> str:
    amount = from_minor(row.remaining_minor, row.currency, CURRENCIES)
    return f"{private(row.number or row.id)} ({amount:,} {row.currency.upper()})"


def _spoken(account: StripeAccount) -> str:
    name = f'"{account.name}"' if account.name else account.id
    return f"{name} ({account.country})" if account.country else name


def _due(account: StripeAccount) -> str:
    return f"; it asks for {', '.join(account.currently_due)}" if account.currently_due else ""


def _account_evidence(account: StripeAccount) -> tuple[str, ...]:
    states = account.capabilities or {}
    return (
        f"{account.id}, country {account.country or 'not shown'}",
        *(f"{name}: {states.get(name, 'never asked for')}" for name in (_CARD, _ACH)),
    )


CONDITIONS: Final = {
    "stripe_account": stripe_account,
    "stripe_payouts": stripe_payouts,
    "stripe_reports": stripe_reports,
    "stripe_portal": stripe_portal,
    "stripe_card_limit": stripe_card_limit,
}
