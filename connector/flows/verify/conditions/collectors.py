"""Whether only one system collects: two of them charge the customer twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org_automation import Collectors
from connector.core.verify.org_counts import OpenRecords
from connector.core.verify.org_needs import OrgNeeds
from connector.core.verify.private import private
from connector.flows.verify.conditions.predictions import foreseen

if TYPE_CHECKING:
    from connector.core.verify.evidence import Facts
    from connector.core.verify.org_automation import AutoPayMethod, PaymentScheduler

_EXAMPLES_MAX: Final = 3


def one_collector(facts: Facts) -> Judgement:
    """Option `recurring`: types of a payment scheduler that run again and again."""
    if not facts.situation.stripe_collects:
        return Judgement(verdict=Verdict.NOT_APPLICABLE, observed="customers do not pay mirrored invoices at Stripe")
    found = facts.read("collectors", Collectors)
    active = [each for each in found.schedulers if _will_run(facts, each)]
    mirrored, unseen = _mirrored_accounts(facts) if found.auto_pay else (frozenset[str](), "")
    charged = [each for each in found.auto_pay if each.is_linked or each.account_id in mirrored]
    told = []
    if active:
        told.append(f"payment schedulers: {_some([f'{each.name} ({each.type})' for each in active])}")
    if found.runs:
        told.append(f"payment runs under way: {_some([f'{name} ({status})' for name, status in found.runs])}")
    if charged:
        told.append(f"AutoPay payment methods of mirrored Accounts: {_some([_method(each) for each in charged])}")
    if told:
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"Salesforce Billing collects as well: {'; '.join(told)}",
            evidence=_evidence(active, found, charged),
        )
    return _auto_pay_of_others(found, unseen)


def _auto_pay_of_others(found: Collectors, unseen: str) -> Judgement:
    """No method is known to belong to a mirrored Account; whether none does depends on what was read."""
    unread = found.auto_pay_total - len(found.auto_pay)
    if unread:
        unseen = f"{unread} of them were not looked at"
    if found.auto_pay and unseen:
        return Judgement(
            verdict=Verdict.WARN,
            observed=f"{found.auto_pay_total} payment methods are on AutoPay, and whether one belongs to an Account that "
            f"will be mirrored is not certain: {unseen}",
            degraded=True,
        )
    others = (
        f"; {found.auto_pay_total} AutoPay methods belong to Accounts that are not mirrored" if found.auto_pay else ""
    )
    return Judgement(
        verdict=Verdict.PASS, observed=f"no payment scheduler, payment run or AutoPay method collects{others}"
    )


def _will_run(facts: Facts, scheduler: PaymentScheduler) -> bool:
    """A recurring scheduler, or one whose only run is still to come."""
    if scheduler.type in facts.option("recurring", ()):
        return True
    return scheduler.starts_at is not None and scheduler.starts_at >= facts.now


def _mirrored_accounts(facts: Facts) -> tuple[frozenset[str], str]:
    """Accounts that the next pass will link, beside those that carry a mark; and why some may be missing."""
    for name, kind in (("org_needs", OrgNeeds), ("open_invoices", OpenRecords)):
        if facts.peek(name, kind) is None:
            return frozenset(), f"open invoices cannot be read: {facts.reason(name)}"
    expected = foreseen(facts, "invoice", "open_invoices")
    return expected.new_customers, f"{expected.unseen} open invoices were not looked at" if expected.unseen else ""


def _method(method: AutoPayMethod) -> str:
    return f"{method.name} of {private(method.account_name)}"


def _some(names: list[str]) -> str:
    more = len(names) - _EXAMPLES_MAX
    return ", ".join(names[:_EXAMPLES_MAX]) + (f" and {more} more" if more > 0 else "")


def _evidence(active: list[PaymentScheduler], found: Collectors, charged: list[AutoPayMethod]) -> tuple[str, ...]:
    return (
        *(f"payment scheduler {each.name}: {each.type}" for each in active),
        *(f"payment run {name}: {status}" for name, status in found.runs),
        *(f"AutoPay {_method(each)}" for each in charged),
    )


CONDITIONS: Final = {"one_collector": one_collector}
