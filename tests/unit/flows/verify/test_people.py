"""Licences, permission sets, and who looks after the bill."""

from datetime import timedelta

import pytest

from connector.core.model import Severity
from connector.core.verify.checks import Verdict
from connector.core.verify.org import InstalledPackage, Packages
from connector.core.verify.org_identity import Organization
from connector.core.verify.org_packages import InstallRequest, InstallRequests
from connector.core.verify.org_people import (
    HeldSet,
    HeldSets,
    LicenceHolders,
    Manager,
    Managers,
    ProfileReaders,
    SeatLicence,
    SeatLicences,
    YourAccount,
)
from tests.support.verify import NOT_READABLE, NOW, judged, shipped_rules, situation


def seats(status="Active", *, total=10, used=2, days=None, label="Salesforce CPQ License"):
    expires = None if days is None else NOW + timedelta(days=days)
    return SeatLicence(name="X", label=label, status=status, total=total, used=used, expires=expires)


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ((seats(),), Verdict.PASS),
        ((seats(days=29),), Verdict.WARN),
        ((seats(days=-1),), Verdict.FAIL),
        ((seats("Disabled"),), Verdict.FAIL),
        ((seats(total=0, used=0),), Verdict.FAIL),
        ((), Verdict.FAIL),
    ],
)
def test_the_cpq_licence_is_there_alive_and_has_seats(rows, verdict):
    assert judged("SF-LIC-01", cpq_seats=SeatLicences(rows=rows)).verdict is verdict


def held_by(*names, sync="sync@x", installer="dana@x"):
    return LicenceHolders(
        usernames=frozenset(names), sync_user=sync, installer=installer, installer_known_by="its PackageInstallRequest"
    )


def test_the_connectors_user_must_hold_it_and_the_installer_should():
    assert judged("SF-LIC-02", cpq_holders=held_by("sync@x", "dana@x")).verdict is Verdict.PASS
    without_sync = judged("SF-LIC-02", cpq_holders=held_by("dana@x"))
    assert (without_sync.verdict, without_sync.severity) == (Verdict.FAIL, Severity.BLOCKER)
    without_installer = judged("SF-LIC-02", cpq_holders=held_by("sync@x"))
    assert (without_installer.verdict, without_installer.severity) == (Verdict.FAIL, Severity.WARNING)
    nobody_knows = judged("SF-LIC-02", cpq_holders=held_by("sync@x", installer=None))
    assert nobody_knows.verdict is Verdict.WARN
    assert "CONNECTOR_VERIFY__INSTALLER" in nobody_knows.fix


@pytest.mark.parametrize(
    ("check", "name"), [("SF-LIC-01", "cpq_seats"), ("SF-LIC-02", "cpq_holders"), ("SF-ACC-03", "held_sets")]
)
def test_what_cannot_be_read_is_unknown(check, name):
    assert judged(check, **{name: NOT_READABLE}).verdict is Verdict.UNKNOWN


# -- installed for whom ------------------------------------------------------------------------------------------------


def packages(*namespaces):
    rows = [
        InstalledPackage(namespace=name, name=name, package_id="033", version_id=f"04t{name}", version=(262, 0, 0, 1))
        for name in namespaces
    ]
    return Packages(rows=tuple(rows))


def requests(**security):
    rows = [
        InstallRequest(version_id=f"04t{name}", security=each, sites_granted=True, status="SUCCESS", by="005", at=NOW)
        for name, each in security.items()
    ]
    return InstallRequests(rows=tuple(rows))


def readers(*pairs):
    return ProfileReaders(profiles=pairs)


ADMIN = "System Administrator"
SBQQ, BLNG = "SBQQ__DiscountSchedule__c", "blng__Invoice__c"
EVERYDAY = readers(*((sobject, profile) for sobject in (SBQQ, BLNG) for profile in ("Sales", "Finance", ADMIN)))


@pytest.mark.parametrize(
    ("install_requests", "profile_readers", "verdict"),
    [
        (requests(SBQQ="Full", blng="Full"), NOT_READABLE, Verdict.PASS),
        (requests(SBQQ="None", blng="Full"), readers(), Verdict.FAIL),
        (requests(), EVERYDAY, Verdict.PASS),
        (requests(SBQQ="None", blng="None"), EVERYDAY, Verdict.PASS),
        # one profile alone may be the connector's own
        (requests(), readers((SBQQ, "Sales"), (BLNG, "Sales"), (BLNG, ADMIN)), Verdict.MANUAL),
        (requests(), readers((SBQQ, ADMIN), (BLNG, ADMIN)), Verdict.MANUAL),
        (NOT_READABLE, NOT_READABLE, Verdict.MANUAL),
    ],
)
def test_installed_for_all_users_is_told_by_the_request_or_by_who_reads(install_requests, profile_readers, verdict):
    given = {"install_requests": install_requests, "profile_readers": profile_readers}
    assert judged("SF-ACC-01", packages=packages("SBQQ", "blng"), **given).verdict is verdict


def universal():
    return next(each for each in shipped_rules().profiles if each.id == "universal-plus-billing-extension")


@pytest.mark.parametrize(
    ("install_requests", "profile_readers", "verdict"),
    [
        (requests(stripeGC="None"), readers(("stripeGC__Stripe_Account__c", ADMIN)), Verdict.PASS),
        (requests(stripeGC="Full"), readers(), Verdict.WARN),
        (requests(), readers(("stripeGC__Stripe_Account__c", "Sales")), Verdict.WARN),
        (NOT_READABLE, NOT_READABLE, Verdict.MANUAL),
    ],
)
def test_stripes_package_is_for_administrators(install_requests, profile_readers, verdict):
    given = {"install_requests": install_requests, "profile_readers": profile_readers}
    result = judged("SF-ACC-02", packages=packages("stripeGC"), profile=universal(), **given)
    assert result.verdict is verdict


def sets(*names, anybody=()):
    mine = []
    for name in names:
        namespace, _, rest = name.rpartition("__")
        mine.append(HeldSet(name=rest, label=rest, namespace=namespace or None))
    return HeldSets(mine=tuple(mine), held_by_anybody=frozenset(anybody))


def test_one_cpq_set_and_the_billing_set_are_enough():
    assert judged("SF-ACC-03", held_sets=sets("SBQQ__SteelBrickCPQUser", "blng__SalesforceBillingAdmin")).verdict is (
        Verdict.PASS
    )
    result = judged("SF-ACC-03", held_sets=sets("SBQQ__SteelBrickCPQAdmin", "SalesforceBillingAdmin"))
    assert result.verdict is Verdict.FAIL
    assert result.observed == "the connector's user lacks blng__SalesforceBillingAdmin"


def test_a_set_the_profile_names_must_be_held_by_somebody():
    mine = ("SBQQ__SteelBrickCPQUser", "blng__SalesforceBillingAdmin")
    result = judged("SF-ACC-03", held_sets=sets(*mine), profile=universal())
    assert result.observed == "nobody holds Stripe app Admin User"
    held = sets(*mine, anybody=["Stripe app Admin User"])
    assert judged("SF-ACC-03", held_sets=held, profile=universal()).verdict is Verdict.PASS


# -- Your Account ------------------------------------------------------------------------------------------------------


def org(**changes):
    given = {"id": "00D", "name": "Acme", "is_sandbox": False, "edition": "Enterprise Edition", "instance": "NA1"}
    return Organization(**(given | changes))


OF_YOUR_ACCOUNT = {
    "SF-YA-01": ("billing_managers", Managers(rows=(Manager(username="dana@x", through="profile Admin"),))),
    "SF-YA-02": ("identity_seats", SeatLicences(rows=(seats(total=100, used=3, label="Identity"),))),
    "SF-YA-03": ("your_account", YourAccount(permission_sets=("Your Account App",), licences=(seats(label="Your"),))),
}
WANTING = {
    "SF-YA-01": (Managers(rows=()), Verdict.FAIL),
    "SF-YA-02": (SeatLicences(rows=(seats(total=100, used=100),)), Verdict.WARN),
    "SF-YA-03": (YourAccount(permission_sets=(), licences=()), Verdict.WARN),
}


@pytest.mark.parametrize("check", OF_YOUR_ACCOUNT)
@pytest.mark.parametrize(
    "where", [{"is_sandbox": True}, {"edition": "Developer Edition"}, {"instance": "USA9S"}], ids=str
)
def test_your_account_is_not_applicable_where_salesforce_does_not_offer_it(check, where):
    name, value = OF_YOUR_ACCOUNT[check]
    assert judged(check, organization=org(**where), **{name: value}).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("check", OF_YOUR_ACCOUNT)
def test_in_production_it_passes_is_wanting_or_unknown(check):
    name, value = OF_YOUR_ACCOUNT[check]
    wanting, verdict = WANTING[check]
    assert judged(check, organization=org(), **{name: value}).verdict is Verdict.PASS
    assert judged(check, organization=org(), **{name: wanting}).verdict is verdict
    assert judged(check, organization=org(), **{name: NOT_READABLE}).verdict is Verdict.UNKNOWN


def test_everybody_named_in_the_settings_must_manage_the_bill():
    name, value = OF_YOUR_ACCOUNT["SF-YA-01"]
    about = situation(billing_contacts=("Dana@x", "lee@x"))
    result = judged("SF-YA-01", organization=org(), **{name: value}, about=about)
    assert (result.verdict, result.observed) == (Verdict.FAIL, "Manage Billing is missing for lee@x")
