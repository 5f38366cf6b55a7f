"""Accounts and customers: marks that fit nobody, marks twice, and how many customers are to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.machine import KnownCustomers
from connector.core.verify.org_counts import AccountMarks, OpenRecords
from connector.core.verify.org_needs import OrgNeeds
from connector.core.verify.private import private
from connector.flows.verify.conditions.predictions import foreseen

if TYPE_CHECKING:
    from connector.core.verify.evidence import Facts
    from connector.core.verify.org_counts import MarkedAccount

_EXAMPLES_MAX: Final = 3


def accounts(facts: Facts) -> Judgement:
    """Option `prefix`: what the id of a customer at Stripe begins with."""
    marks = facts.read("account_marks", AccountMarks)
    prefix = str(facts.option("prefix", ""))
    foreign = [row for row in marks.rows if not row.mark.startswith(prefix)]
    wrong = [f"{found} Accounts carry {mark}" for mark, found in sorted(marks.repeated.items())]
    if foreign:
        wrong.append(f"no id of a customer: {_some([f'{private(row.name)} ({row.mark})' for row in foreign])}")
    if wrong:
        return Judgement(
            verdict=Verdict.FAIL,
            observed="; ".join(wrong),
            evidence=tuple(_told(row) for row in _concerned(marks, foreign)),
        )
    strangers = _strangers(facts, marks)
    future = _to_be_made(facts)
    if strangers:
        return Judgement(
            verdict=Verdict.WARN,
            observed=f"{len(strangers)} Accounts name a customer this database does not know: "
            f"{_some([private(row.name) for row in strangers])}",
            why="the first pass takes them over; one whose customer is gone at Stripe is parked",
            fix="expected after a database was lost or moved; otherwise empty Stripe_Id__c of these Accounts",
            evidence=tuple(_told(row) for row in strangers),
        )
    uncompared = _uncompared(facts, marks)
    return Judgement(
        verdict=Verdict.PASS,
        observed=f"{_linked(marks)}{future}{uncompared}",
        degraded=bool(uncompared),
    )


def _linked(marks: AccountMarks) -> str:
    if not marks.total:
        return "no Account is linked to a customer yet"
    return f"{marks.total} {'Account is' if marks.total == 1 else 'Accounts are'} linked to a customer"


def _uncompared(facts: Facts, marks: AccountMarks) -> str:
    """What was not compared, which is no reason to worry and has to be said."""
    if not marks.total:
        return ""
    known = facts.peek("own_customers", KnownCustomers)
    if known is None:
        return f"; not compared with our database: {facts.reason('own_customers')}"
    if not known.is_complete or marks.total > len(marks.rows):
        return f"; only {len(marks.rows)} of them were looked at one by one"
    return ""


def _concerned(marks: AccountMarks, foreign: list[MarkedAccount]) -> list[MarkedAccount]:
    return [row for row in marks.rows if row.mark in marks.repeated or row in foreign]


def _strangers(facts: Facts, marks: AccountMarks) -> list[MarkedAccount]:
    known = facts.peek("own_customers", KnownCustomers)
    if known is None or not known.is_complete:
        # said by _uncompared
        return []
    return [row for row in marks.rows if known.mates.get(row.id) != row.mark]


def _to_be_made(facts: Facts) -> str:
    """How many Accounts become customers with the documents of the first pass."""
    if facts.peek("org_needs", OrgNeeds) is None:
        return ""
    future: set[str] = set()
    for kind, evidence in (("invoice", "open_invoices"), ("quote", "open_quotes")):
        if facts.peek(evidence, OpenRecords) is not None:
            future |= foreseen(facts, kind, evidence).new_customers
    return f"; {len(future)} will be, with their invoices and quotes" if future else ""


def _told(row: MarkedAccount) -> str:
    return f"{private(row.name)} ({row.id}): {row.mark}"


def _some(names: list[str]) -> str:
    more = len(names) - _EXAMPLES_MAX
    return ", ".join(names[:_EXAMPLES_MAX]) + (f" and {more} more" if more > 0 else "")


CONDITIONS: Final = {"accounts_linked": accounts}
