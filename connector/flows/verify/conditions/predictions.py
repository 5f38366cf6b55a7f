"""What a first pass would do: which invoices and quotes would not be mirrored, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.lifecycle.invoice_birth import PART_PAID
from connector.core.model import Severity
from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.foresight import forecast
from connector.core.verify.org_counts import OpenRecords
from connector.core.verify.org_needs import OrgNeeds
from connector.core.verify.private import private
from connector.core.view import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.core.verify.evidence import Facts
    from connector.core.verify.foresight import Forecast
    from connector.core.verify.org_counts import Counted

#: left out although the customer still owes money: a person may not expect it
_SURPRISING: Final = (PART_PAID,)
#: how the lifecycles say that a status is not mirrored
_STATUS: Final = "status "
#: what check MC says already
_WITHOUT_CURRENCY: Final = Judgement(
    verdict=Verdict.NOT_APPLICABLE,
    observed="not looked at: no record has a currency before CONNECTOR_SALESFORCE__CURRENCY is set",
)


def invoices(facts: Facts) -> Judgement:
    if not _has_currency(facts):
        return _WITHOUT_CURRENCY
    expected = foreseen(facts, "invoice", "open_invoices")
    told = _told(expected, "posted invoice")
    if facts.situation.go_live is None:
        return Judgement(
            verdict=Verdict.FAIL,
            severity=Severity.BLOCKER,
            observed=f"no go-live date is set, and without it plan and sync refuse to start; {told}",
            why="invoices of before would be billed a second time",
            fix="set CONNECTOR_GO_LIVE to the first invoice date that Stripe shall collect",
            evidence=tuple(_lines(expected)),
        )
    return _judged(expected, told)


def quotes(facts: Facts) -> Judgement:
    if not _has_currency(facts):
        return _WITHOUT_CURRENCY
    expected = foreseen(facts, "quote", "open_quotes")
    return _judged(expected, _told(expected, "presented quote"))


def _has_currency(facts: Facts) -> bool:
    return facts.read("org_needs", OrgNeeds).multi_currency or facts.situation.currency is not None


def foreseen(facts: Facts, kind: str, evidence: str) -> Forecast:
    """The forecast of one kind by the settings of this run."""
    situation, org = facts.situation, facts.read("org_needs", OrgNeeds)
    policy = Policy(
        go_live=situation.go_live,
        time_zone=situation.time_zone,
        currency=None if org.multi_currency else situation.currency,
        org_id=org.org_id,
        currencies=situation.currencies,
    )
    found = facts.read(evidence, OpenRecords)
    return forecast(situation.pack.kinds[kind], found, pack=situation.pack, policy=policy, now=facts.now)


def _judged(expected: Forecast, told: str) -> Judgement:
    surprising = any(reason in expected.left_out for reason in _SURPRISING)
    open_end = bool(_sum(expected.held_up) or expected.unseen or surprising)
    return Judgement(
        verdict=Verdict.WARN if open_end else Verdict.PASS,
        observed=told,
        evidence=tuple(_lines(expected)),
        degraded=bool(expected.unseen),
    )


def _told(expected: Forecast, noun: str) -> str:
    """`14 posted invoices will be mirrored; 7 will not: 2 settled (INV-0019), ...; 1 needs a person first: ...`"""
    by_reason = {reason: counted for reason, counted in expected.left_out.items() if not _is_status(reason)}
    least = "at least " if expected.unseen else ""
    parts = [f"{least}{expected.mirrored} {noun}{'' if expected.mirrored == 1 else 's'} will be mirrored"]
    if by_reason:
        parts.append(f"{_sum(by_reason)} will not: {_reasons(by_reason)}")
    held_up = _sum(expected.held_up)
    if held_up:
        parts.append(
            f"{held_up} {'needs' if held_up == 1 else 'need'} a person first: {_reasons(_in_words(expected.held_up))}"
        )
    if expected.unseen:
        parts.append(f"{expected.unseen} more were not looked at one by one")
    return "; ".join(parts)


def _is_status(reason: str) -> bool:
    """Documents that are not posted or presented: nobody expects those."""
    return reason.startswith(_STATUS)


def _sum(found: Mapping[str, Counted]) -> int:
    return sum(counted.found for counted in found.values())


def _in_words(found: Mapping[str, Counted]) -> dict[str, Counted]:
    """`quote.product_inactive` -> `product inactive`; a customer's trouble keeps its name."""
    return {_words(code): counted for code, counted in found.items()}


def _words(code: str) -> str:
    return code.removeprefix("invoice.").removeprefix("quote.").replace(".", " ").replace("_", " ")


def _reasons(found: Mapping[str, Counted]) -> str:
    return ", ".join(_example(reason, counted) for reason, counted in found.items())


def _example(reason: str, counted: Counted) -> str:
    named = f" ({', '.join(private(name) for name in counted.examples)})" if counted.examples else ""
    return f"{counted.found} {reason}{named}"


def _lines(expected: Forecast) -> Iterator[str]:
    yield f"will be mirrored: {expected.mirrored}"
    for code, counted in expected.held_up.items():
        yield f"needs a person first: {_example(_words(code), counted)}: {expected.reasons[code]}"
    for reason, counted in expected.left_out.items():
        if not _is_status(reason):
            yield f"will not be mirrored: {_example(reason, counted)}"
    if expected.without_email:
        yield f"customers without an e-mail address: {len(expected.without_email)}; Stripe cannot send them anything"
    for reason, counted in expected.left_out.items():
        if _is_status(reason):
            yield f"not mirrored in this status: {counted.found} {reason.removeprefix(_STATUS)}"


CONDITIONS: Final = {"predicted_invoices": invoices, "predicted_quotes": quotes}
