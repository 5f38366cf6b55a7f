"""Trusted sites, calculation service, orders, gateways, ACH."""

from dataclasses import replace

import pytest

from connector.core.verify.checks import Profile, Verdict
from connector.core.verify.org_packages import PackageVersion, PackageVersions
from connector.core.verify.org_setup import (
    AchValues,
    AppToken,
    AppTokens,
    Gateway,
    Gateways,
    NamedCredentials,
    OrderHabits,
    TrustedSite,
    TrustedSites,
)
from tests.support.verify import NOT_READABLE, NOW, judged, situation


def wanted(*remote, csp=()):
    row = PackageVersion(namespace="SBQQ", is_beta=False, is_deprecated=False, remote_sites=remote, csp_sites=csp)
    return PackageVersions(rows=(row,), unreadable={})


def sites(**active):
    rows = [
        TrustedSite(name=name, url=f"https://{name}.example", is_active=is_active, namespace="SBQQ")
        for name, is_active in active.items()
    ]
    return TrustedSites(rows=tuple(rows))


def net(versions, remote):
    return judged("SF-NET-01", package_versions=versions, remote_sites=remote, csp_sites=TrustedSites(rows=()))


def test_every_site_the_packages_ask_for_must_be_active():
    assert net(wanted("https://calc.example"), sites(calc=True)).verdict is Verdict.PASS
    inactive = net(wanted("https://calc.example"), sites(calc=False))
    assert (inactive.verdict, inactive.observed) == (
        Verdict.FAIL,
        "remote site calc (https://calc.example) is not active",
    )
    missing = net(wanted("https://calc.example"), sites())
    assert missing.observed == "remote site https://calc.example is missing"
    assert net(wanted(csp=("https://editor.example",)), sites()).verdict is Verdict.FAIL


@pytest.mark.parametrize("spelling", ["https://CALC.example/", "HTTPS://calc.example/path", "calc.example"])
def test_two_spellings_of_an_address_are_one(spelling):
    assert net(wanted(spelling), sites(calc=True)).verdict is Verdict.PASS


def test_where_the_wanted_sites_cannot_be_read_it_is_degraded_and_no_full_pass():
    result = net(NOT_READABLE, sites(calc=True))
    assert (result.verdict, result.degraded) == (Verdict.WARN, True)
    assert net(NOT_READABLE, sites(calc=False)).verdict is Verdict.FAIL
    assert net(wanted("https://calc.example"), NOT_READABLE).verdict is Verdict.UNKNOWN


def test_one_package_whose_wanted_sites_are_hidden_is_no_full_pass_and_is_named():
    half = replace(wanted("https://calc.example"), unreadable={"blng": "protected by installationkey"})
    result = net(half, sites(calc=True))
    assert (result.verdict, result.degraded) == (Verdict.WARN, True)
    assert "blng" in result.observed


def test_named_credentials_are_the_profiles_matter():
    profile = Profile(id="p", title="p", when="p", options={"names": ["StripeAPI"]})

    def verdict(*rows):
        return judged("SF-NET-02", named_credentials=NamedCredentials(rows=rows), profile=profile).verdict

    assert verdict(("StripeAPI", "https://api.stripe.com")) is Verdict.PASS
    assert verdict() is Verdict.FAIL
    assert judged("SF-NET-02", named_credentials=NOT_READABLE, profile=profile).verdict is Verdict.UNKNOWN
    assert judged("SF-NET-02", named_credentials=NOT_READABLE).verdict is Verdict.NOT_APPLICABLE


def tokens(app="Salesforce CPQ Calculation Service", uses=3):
    return AppTokens(rows=(AppToken(app=app, username="dana@x", uses=uses, last_used=NOW),))


def test_a_used_token_is_evidence_that_the_calculation_service_is_authorised():
    result = judged("SF-CALC-01", app_tokens=tokens())
    assert result.verdict is Verdict.PASS
    assert "used 3 times" in result.observed


@pytest.mark.parametrize("evidence", [tokens(uses=0), tokens(app="Data Loader"), AppTokens(rows=()), NOT_READABLE])
def test_without_evidence_a_person_has_to_look(evidence):
    result = judged("SF-CALC-01", app_tokens=evidence)
    assert result.verdict is Verdict.MANUAL
    assert result.check.attest


def habits(orders=0, compared=0, same=0):
    return OrderHabits(orders_of_one_quote=orders, compared=compared, on_quote_start=same)


def test_a_quote_with_two_orders_shows_that_the_setting_is_on():
    assert judged("SF-ORD-01", order_habits=habits(orders=2)).verdict is Verdict.PASS
    assert judged("SF-ORD-01", order_habits=habits()).verdict is Verdict.MANUAL
    assert judged("SF-ORD-01", order_habits=NOT_READABLE).verdict is Verdict.MANUAL


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        (habits(compared=100, same=95), Verdict.PASS),
        (habits(compared=100, same=94), Verdict.MANUAL),
        (habits(compared=4, same=4), Verdict.MANUAL),
        (NOT_READABLE, Verdict.MANUAL),
    ],
)
def test_orders_that_start_with_their_quote_show_the_other_setting(evidence, verdict):
    assert judged("SF-ORD-02", order_habits=evidence).verdict is verdict


def gateways(*rows, classes=(("Stripe", "StripeGateway"),), existing=("StripeGateway",)):
    made = [Gateway(name=name, type=sort, is_active=active, is_default=True) for name, sort, active in rows]
    return Gateways(rows=tuple(made), classes=classes, existing_classes=frozenset(existing))


STRIPE = ("Stripe", "Stripe", True)


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        (gateways(STRIPE), Verdict.PASS),
        (gateways(STRIPE, classes=(("Stripe", "ns.StripeGateway"),)), Verdict.PASS),
        (gateways(), Verdict.FAIL),
        (gateways(("Stripe", "Stripe", False)), Verdict.FAIL),
        (gateways(("Bank", "Payeezy", True)), Verdict.FAIL),
        (gateways(STRIPE, ("Stripe 2", "Stripe", True)), Verdict.WARN),
        (gateways(STRIPE, classes=()), Verdict.FAIL),
        (gateways(STRIPE, existing=()), Verdict.FAIL),
        (NOT_READABLE, Verdict.UNKNOWN),
    ],
)
def test_one_active_stripe_gateway_is_served_by_a_class_that_exists(evidence, verdict):
    assert judged("SF-BILL-01", gateways=evidence).verdict is verdict


def test_picklists_for_ach_matter_only_when_ach_is_on():
    full = AchValues(
        gateway_types=frozenset({"Stripe (Universal Extension)"}), account_types=frozenset({"Individual", "Company"})
    )
    short = AchValues(gateway_types=full.gateway_types, account_types=frozenset({"Individual"}))
    on = situation(ach=True)
    assert judged("SF-BILL-02", ach_values=full, about=on).verdict is Verdict.PASS
    result = judged("SF-BILL-02", ach_values=short, about=on)
    assert result.verdict is Verdict.FAIL
    assert "'Company'" in result.observed
    assert judged("SF-BILL-02", ach_values=NOT_READABLE, about=on).verdict is Verdict.UNKNOWN
    assert judged("SF-BILL-02", ach_values=short).verdict is Verdict.NOT_APPLICABLE
