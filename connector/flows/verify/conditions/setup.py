"""What an administrator set up: trusted sites, the calculation service, order settings, payment gateways."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org_packages import PackageVersions
from connector.core.verify.org_setup import (
    AchValues,
    AppTokens,
    Gateways,
    NamedCredentials,
    OrderHabits,
    TrustedSites,
    place_of,
)

if TYPE_CHECKING:
    from connector.core.verify.evidence import Facts
    from connector.core.verify.org_setup import TrustedSite


def sites_granted(facts: Facts) -> Judgement:
    """Every address the installed packages ask for is active. Options: `also` (addresses wanted besides)."""
    versions = facts.peek("package_versions", PackageVersions)
    wanted_remote = {place_of(url) for row in (versions.rows if versions else ()) for url in row.remote_sites}
    wanted_csp = {place_of(url) for row in (versions.rows if versions else ()) for url in row.csp_sites}
    wanted_remote |= {place_of(url) for url in facts.option("also", ())}
    remote = facts.read("remote_sites", TrustedSites).rows
    csp = facts.read("csp_sites", TrustedSites).rows
    told = [*_not_active("remote site", wanted_remote, remote), *_not_active("trusted URL", wanted_csp, csp)]
    if told:
        return Judgement(verdict=Verdict.FAIL, observed="; ".join(told))
    if versions is None or (versions.unreadable and not versions.rows):
        observed = "which sites the packages ask for cannot be read; every site there is, is active"
        inactive = [site.name for site in (*remote, *csp) if not site.is_active and site.namespace]
        if inactive:
            return Judgement(verdict=Verdict.FAIL, observed=f"not active: {', '.join(inactive)}", degraded=True)
        return Judgement(verdict=Verdict.WARN, observed=observed, degraded=True)
    places = sorted(wanted_remote | wanted_csp)
    if versions.unreadable:
        unseen = ", ".join(versions.unreadable)
        return Judgement(
            verdict=Verdict.WARN,
            observed=f"{len(places)} sites are active; which ones {unseen} asks for besides cannot be read",
            evidence=(*places, *(f"{name}: {why}" for name, why in versions.unreadable.items())),
            degraded=True,
        )
    return Judgement(verdict=Verdict.PASS, observed=f"{len(places)} sites are active", evidence=tuple(places))


def _not_active(sort: str, wanted: set[str], sites: tuple[TrustedSite, ...]) -> list[str]:
    active = {site.place for site in sites if site.is_active}
    known = {site.place: site.name for site in sites}
    return [
        f"{sort} {known[place]} ({place}) is not active" if place in known else f"{sort} {place} is missing"
        for place in sorted(wanted - active)
    ]


def named_credentials(facts: Facts) -> Judgement:
    """Options: `names` (developer names the profile wants)."""
    wanted = facts.option("names", ())
    if not wanted:
        return Judgement(verdict=Verdict.NOT_APPLICABLE, observed="this profile needs no named credential")
    known = dict(facts.read("named_credentials", NamedCredentials).rows)
    missing = [name for name in wanted if name not in known]
    if missing:
        return Judgement(verdict=Verdict.FAIL, observed=f"no named credential {', '.join(missing)}")
    return Judgement(verdict=Verdict.PASS, observed=", ".join(f"{name}: {known[name]}" for name in wanted))


def calculation_service(facts: Facts) -> Judgement:
    """Options: `app` (a pattern for the name of its OAuth app; the true name is not public)."""
    tokens = facts.peek("app_tokens", AppTokens)
    pattern = re.compile(str(facts.option("app")), re.IGNORECASE)
    used = [row for row in tokens.rows if pattern.search(row.app) and row.uses > 0] if tokens else []
    if used:
        newest = max(used, key=lambda row: row.uses)
        last = "" if newest.last_used is None else f", last on {newest.last_used:%Y-%m-%d}"
        observed = f"{newest.app} was used {newest.uses} times{last}"
        return Judgement(verdict=Verdict.PASS, observed=observed, evidence=(f"OAuth token of {newest.username}",))
    why = facts.reason("app_tokens")
    observed = f"no API tells it{f' ({why})' if why else ', and no OAuth token of such an app was used'}"
    return Judgement(verdict=Verdict.MANUAL, observed=observed)


def several_orders(facts: Facts) -> Judgement:
    habits = facts.peek("order_habits", OrderHabits)
    if habits is not None and habits.orders_of_one_quote > 1:
        observed = f"a quote with {habits.orders_of_one_quote} orders exists, so it is on"
        return Judgement(verdict=Verdict.PASS, observed=observed, evidence=("orders per quote",))
    return Judgement(verdict=Verdict.MANUAL, observed="no API tells it, and no quote has more than one order")


def order_start(facts: Facts) -> Judgement:
    """Options: `share_percent` of orders that start with their quote, `at_least` (orders needed to tell)."""
    habits = facts.peek("order_habits", OrderHabits)
    if habits is None or habits.compared < int(facts.option("at_least")):
        return Judgement(verdict=Verdict.MANUAL, observed="no API tells it, and there are too few orders to see it")
    observed = f"{habits.on_quote_start} of the newest {habits.compared} orders start on their quote's start date"
    if habits.on_quote_start * 100 >= int(facts.option("share_percent")) * habits.compared:
        return Judgement(verdict=Verdict.PASS, observed=observed, evidence=("order start dates",))
    return Judgement(verdict=Verdict.MANUAL, observed=f"no API tells it; {observed}")


def gateway(facts: Facts) -> Judgement:
    """One active gateway of the wanted type, served by a class that exists. Options: `types` (a pattern)."""
    found = facts.read("gateways", Gateways)
    pattern = re.compile(str(facts.option("types")), re.IGNORECASE)
    active = [row for row in found.rows if row.is_active and pattern.search(f"{row.type} {row.name}")]
    evidence = tuple(
        f"{row.name}: type {row.type or 'none'}, {'active' if row.is_active else 'not active'}" for row in found.rows
    )
    if not active:
        observed = "no active payment gateway of Stripe's" if found.rows else "no payment gateway is configured"
        return Judgement(verdict=Verdict.FAIL, observed=observed, evidence=evidence)
    if len(active) > 1:
        names = ", ".join(row.name for row in active)
        return Judgement(verdict=Verdict.WARN, observed=f"several active gateways: {names}", evidence=evidence)
    served_by = dict(found.classes).get(active[0].type, "")
    if not served_by:
        observed = f"gateway {active[0].name}: no gateway configuration names a class for type {active[0].type}"
        return Judgement(verdict=Verdict.FAIL, observed=observed, evidence=evidence)
    if served_by.rpartition(".")[2] not in found.existing_classes:
        observed = f"gateway {active[0].name}: its class {served_by} does not exist"
        return Judgement(verdict=Verdict.FAIL, observed=observed, evidence=evidence)
    observed = f"gateway {active[0].name}, type {active[0].type}, served by {served_by}"
    return Judgement(verdict=Verdict.PASS, observed=observed, evidence=evidence)


def ach_values(facts: Facts) -> Judgement:
    """Options: `gateway_type`, `account_types` (picklist values Stripe's guide asks for)."""
    if not facts.situation.ach:
        return Judgement(verdict=Verdict.NOT_APPLICABLE, observed="ACH is off (CONNECTOR_VERIFY__ACH)")
    values = facts.read("ach_values", AchValues)
    wanted = [("gateway type", str(facts.option("gateway_type")), values.gateway_types)]
    wanted += [("bank account type", str(name), values.account_types) for name in facts.option("account_types")]
    missing = [f"{sort} {name!r}" for sort, name, there in wanted if name not in there]
    if missing:
        return Judgement(verdict=Verdict.FAIL, observed=f"not among the active picklist values: {', '.join(missing)}")
    return Judgement(verdict=Verdict.PASS, observed="every picklist value ACH needs is active")


CONDITIONS: Final = {
    "sites_granted": sites_granted,
    "named_credentials": named_credentials,
    "calculation_service": calculation_service,
    "several_orders": several_orders,
    "order_start": order_start,
    "gateway": gateway,
    "ach_values": ach_values,
}
