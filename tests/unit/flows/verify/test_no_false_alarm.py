"""Orgs that are right but look wrong at first sight: nobody is stopped for nothing, and a real finding stands."""

import pytest

from connector.core.model import Severity
from connector.core.verify.checks import Profile, Verdict
from connector.core.verify.evidence import Unreadable
from connector.core.verify.org import InstalledPackage, Packages
from connector.core.verify.org_packages import Publisher, Publishers, StripeParts
from connector.core.verify.org_people import HeldSets, LicenceHolders, SeatLicence, SeatLicences
from connector.core.verify.org_setup import AchValues
from tests.support.verify import NOT_READABLE, judged, shipped_rules

CLOSED = Unreadable(source="Tooling query", reason="the user may not see installed packages", permission="Download")
NAMELESS = InstalledPackage(namespace=None, name="a package without a name", package_id=None, version_id=None)
LEGACY = InstalledPackage(
    namespace="oldstripe", name="Stripe Connector for Billing", package_id=None, version_id=None, version=(3, 2, 0, 1)
)
APP = InstalledPackage(namespace="stripeGC", name="Stripe app", package_id=None, version_id=None, version=(2, 7, 0, 1))


def profile(name) -> Profile:
    return next(each for each in shipped_rules().profiles if each.id == name)


def publishers(*namespaces):
    return Publishers(rows=tuple(Publisher(namespace=name, name=name, major=262, minor=1) for name in namespaces))


def of(check, packages, **others):
    given = dict.fromkeys(
        ["publishers", "package_licences", "global_objects", "parts_by_name", "ach_values"], NOT_READABLE
    )
    return judged(check, packages=packages, **(given | others))


# -- a damaged list of packages


@pytest.mark.parametrize(("check", "namespace"), [("SF-PKG-01", "SBQQ"), ("SF-PKG-02", "blng")])
def test_a_package_whose_row_shows_nothing_is_found_by_its_publisher(check, namespace):
    result = of(check, Packages(rows=(NAMELESS,)), publishers=publishers(namespace))
    assert (result.verdict, result.degraded) == (Verdict.PASS, True)


def test_a_row_that_shows_nothing_proves_no_package():
    result = of("SF-PKG-01", Packages(rows=(NAMELESS,)), publishers=publishers("acme"))
    assert (result.verdict, result.severity) == (Verdict.FAIL, Severity.BLOCKER)


def test_a_complete_list_without_the_package_is_believed():
    result = of("SF-PKG-01", Packages(rows=(APP,)), publishers=publishers("SBQQ"))
    assert result.verdict is Verdict.FAIL


# -- writers


def test_a_second_writer_is_found_by_its_publisher_where_the_list_is_closed():
    result = of("SF-PKG-07", CLOSED, publishers=publishers("SBQQ", "stripeGC"), profile=profile("connector-only"))
    assert (result.verdict, result.degraded) == (Verdict.FAIL, True)
    assert "stripeGC" in result.observed


def test_publishers_alone_do_not_prove_a_single_writer():
    """An unmanaged package has no publisher."""
    result = of("SF-PKG-07", CLOSED, publishers=publishers("SBQQ"), profile=profile("connector-only"))
    assert result.verdict is Verdict.UNKNOWN
    assert "Download" in result.fix


@pytest.mark.parametrize("name", ["legacy-billing-connector", "cpq-connector"])
def test_the_one_package_nobody_named_yet_is_no_second_writer(name):
    result = of("SF-PKG-07", Packages(rows=(LEGACY,)), profile=profile(name))
    assert result.verdict is Verdict.UNKNOWN
    assert "oldstripe" in result.fix


def test_stripes_app_is_a_second_writer_before_anybody_named_the_first():
    result = of("SF-PKG-07", Packages(rows=(LEGACY, APP)), profile=profile("legacy-billing-connector"))
    assert result.verdict is Verdict.FAIL
    alone = of("SF-PKG-07", Packages(rows=(APP,)), profile=profile("legacy-billing-connector"))
    assert alone.verdict is Verdict.FAIL


# -- the unmanaged extension

UNIVERSAL = "universal-plus-billing-extension"
NO_PARTS = StripeParts(classes=(), permission_sets=())


def gateway_types(*names):
    return AchValues(gateway_types=frozenset(names), account_types=frozenset())


def test_a_gateway_type_alone_points_to_the_extension_and_proves_nothing():
    values = gateway_types("Stripe (Universal Extension)")
    result = of(
        "SF-PKG-03", Packages(rows=(APP,)), parts_by_name=NO_PARTS, ach_values=values, profile=profile(UNIVERSAL)
    )
    assert (result.verdict, result.degraded) == (Verdict.WARN, True)
    assert "Stripe (Universal Extension)" in result.observed


def test_without_any_sign_the_extension_is_missing():
    values = gateway_types("Stripe")
    result = of(
        "SF-PKG-03", Packages(rows=(APP,)), parts_by_name=NO_PARTS, ach_values=values, profile=profile(UNIVERSAL)
    )
    assert result.verdict is Verdict.FAIL


def test_a_gateway_type_does_not_stand_for_the_managed_app():
    values = gateway_types("Stripe (Universal Extension)")
    result = of("SF-PKG-03", Packages(rows=()), parts_by_name=NO_PARTS, ach_values=values, profile=profile(UNIVERSAL))
    assert result.verdict is Verdict.FAIL
    assert "stripeGC" in result.observed


# -- licences and permission sets


def test_a_username_is_the_same_in_any_case_of_letters():
    held = LicenceHolders(
        usernames=frozenset({"sync@x.example", "dana@x.example"}),
        sync_user="Sync@X.example",
        installer="DANA@x.example",
        installer_known_by="CONNECTOR_VERIFY__INSTALLER",
    )
    assert judged("SF-LIC-02", cpq_holders=held).verdict is Verdict.PASS


def licence(status):
    return SeatLicence(name="X", label="Salesforce CPQ License", status=status, total=10, used=2)


@pytest.mark.parametrize("statuses", [("Disabled", "Active"), ("Active", "Disabled")])
def test_one_of_several_licences_that_lives_is_enough(statuses):
    rows = tuple(licence(status) for status in statuses)
    result = judged("SF-LIC-01", cpq_seats=SeatLicences(rows=rows))
    assert result.verdict is Verdict.PASS
    assert "Active" in result.observed


def test_several_licences_of_which_none_lives_block():
    rows = (licence("Disabled"), licence("Disabled"))
    assert judged("SF-LIC-01", cpq_seats=SeatLicences(rows=rows)).verdict is Verdict.FAIL


def test_revenue_cloud_wants_no_permission_sets_of_packages_it_does_not_have():
    result = judged("SF-ACC-03", held_sets=HeldSets(mine=()), profile=profile("revenue-cloud"))
    assert result.verdict is Verdict.NOT_APPLICABLE
