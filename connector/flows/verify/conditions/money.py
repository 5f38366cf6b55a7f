"""Whether every amount has a currency that both sides count the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.model import Severity
from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org_counts import Currencies

if TYPE_CHECKING:
    from connector.core.verify.evidence import Facts

_SETTING: Final = "CONNECTOR_SALESFORCE__CURRENCY"


def currencies(facts: Facts) -> Judgement:
    found = facts.read("currencies", Currencies)
    setting = facts.situation.currency.upper() if facts.situation.currency else None
    return _several(facts, found, setting) if found.multi_currency else _single(found, setting)


def _single(found: Currencies, setting: str | None) -> Judgement:
    if setting is None:
        remedy = f"set {_SETTING} to the org's currency"
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"the org has a single currency, its records do not name it, and {_SETTING} is not set",
            fix=f"{remedy}: {found.single}" if found.single else f"{remedy}, e.g. USD",
        )
    if found.single is None:
        observed = f"the org has a single currency, which cannot be read; {_SETTING} says {setting}"
        return Judgement(verdict=Verdict.PASS, observed=observed, degraded=True)
    if found.single.upper() != setting:
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"the org's currency is {found.single}, {_SETTING} says {setting}",
            why="every amount would be billed in the wrong currency",
            fix=f"set {_SETTING} to {found.single}",
        )
    return Judgement(verdict=Verdict.PASS, observed=f"the org's single currency is {setting}, as {_SETTING} says")


def _several(facts: Facts, found: Currencies, setting: str | None) -> Judgement:
    unknown = {
        code: count for code, count in sorted(found.used.items()) if code.lower() not in facts.situation.currencies
    }
    if unknown:
        told = ", ".join(f"{count} in {code}" for code, count in unknown.items())
        return Judgement(
            verdict=Verdict.FAIL,
            severity=Severity.ERROR,
            observed=f"posted invoices are in a currency that cannot be billed: {told}",
            why="how many decimals Stripe counts for it is not known, and a guess would be wrong money: they are parked",
            fix="bill these customers in another currency, or outside this connector",
            evidence=tuple(f"{code}: {count} invoices" for code, count in found.used.items()),
        )
    if setting is not None:
        return Judgement(
            verdict=Verdict.WARN,
            observed=f"{_SETTING} says {setting}, but every record of this org names its own currency",
            why="the setting is for orgs with a single currency; here it is ignored",
            fix=f"remove {_SETTING}",
        )
    used = ", ".join(sorted(found.used)) or "none yet"
    return Judgement(verdict=Verdict.PASS, observed=f"multi-currency org; posted invoices to mirror are in: {used}")


CONDITIONS: Final = {"currencies": currencies}
