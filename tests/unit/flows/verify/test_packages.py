"""Packages: installed, fitting, licensed, released, in order, and by weaker evidence where the list is closed."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.core.model import Severity
from connector.core.verify.checks import Profile, Verdict
from connector.core.verify.evidence import Unreadable
from connector.core.verify.org import InstalledPackage, Packages
from connector.core.verify.org_packages import (
    GlobalObjects,
    InstallRequest,
    InstallRequests,
    PackageLicence,
    PackageLicences,
    PackageVersion,
    PackageVersions,
    Publisher,
    Publishers,
    StripeParts,
)
from connector.core.verify.org_setup import LinkedAccounts
from tests.support.verify import NOT_READABLE, NOW, judged, shipped_rules, situation

CLOSED = Unreadable(source="Tooling query", reason="the user may not see installed packages", permission="Download")


def package(namespace, major=262, *, name=None, first=None, **more):
    numbers = more.pop("version", (major, 0, 0, 1))
    return InstalledPackage(
        namespace=namespace,
        name=name or f"Package {namespace}",
        package_id="033000000000001AAA",
        version_id=f"04t{namespace}",
        first_version_id=first,
        version=numbers,
        **more,
    )


def installed(*rows):
    return Packages(rows=rows)


def of(check, packages, **others):
    given = dict.fromkeys(
        ["publishers", "package_licences", "global_objects", "parts_by_name", "ach_values"], NOT_READABLE
    )
    return judged(check, packages=packages, **(given | others))


def profile(name):
    return next(each for each in shipped_rules().profiles if each.id == name)


BOTH = installed(package("SBQQ"), package("blng"))


@pytest.mark.parametrize("check", ["SF-PKG-01", "SF-PKG-02"])
def test_an_installed_package_passes_and_a_missing_one_blocks(check):
    assert of(check, BOTH).verdict is Verdict.PASS
    result = of(check, installed())
    assert (result.verdict, result.severity) == (Verdict.FAIL, Severity.BLOCKER)


@pytest.mark.parametrize("check", ["SF-PKG-01", "SF-PKG-02", "SF-PKG-04"])
def test_nothing_readable_is_unknown_with_the_permission_and_never_missing(check):
    result = of(check, CLOSED)
    assert result.verdict is Verdict.UNKNOWN
    assert "Download" in result.fix


def test_publishers_tell_when_the_list_is_closed_and_that_is_degraded():
    publishers = Publishers(rows=(Publisher(namespace="SBQQ", name="Salesforce CPQ", major=262, minor=1),))
    result = of("SF-PKG-01", CLOSED, publishers=publishers)
    assert (result.verdict, result.degraded, result.observed) == (Verdict.PASS, True, "Salesforce CPQ 262.1")
    assert of("SF-PKG-02", CLOSED, publishers=publishers).verdict is Verdict.FAIL


def test_a_licence_or_an_object_tells_that_it_is_there_but_not_how_old():
    licences = PackageLicences(rows=(licence("SBQQ"),))
    objects = GlobalObjects(names=frozenset({"blng__Invoice__c"}))
    for check, more in (("SF-PKG-01", {"package_licences": licences}), ("SF-PKG-02", {"global_objects": objects})):
        result = of(check, CLOSED, **more)
        assert (result.verdict, result.degraded) == (Verdict.WARN, True)
        assert "version cannot be read" in result.observed
    assert of("SF-PKG-01", CLOSED, global_objects=objects).verdict is Verdict.FAIL


def test_an_old_version_fails_and_an_unreadable_one_warns():
    assert of("SF-PKG-01", installed(package("SBQQ", 199))).verdict is Verdict.FAIL
    assert of("SF-PKG-01", installed(package("SBQQ", version=None))).verdict is Verdict.WARN


def test_of_several_packages_with_one_namespace_the_newest_counts():
    assert of("SF-PKG-01", installed(package("SBQQ", 150), package("SBQQ", 262))).verdict is Verdict.PASS


def test_another_release_than_cpqs_warns():
    result = of("SF-PKG-02", installed(package("SBQQ", 262), package("blng", 258)))
    assert result.verdict is Verdict.WARN
    assert "release 258" in result.observed


def test_being_able_to_list_passes_and_guessing_warns():
    assert of("SF-PKG-04", BOTH).verdict is Verdict.PASS
    result = of("SF-PKG-04", CLOSED, publishers=Publishers(rows=()))
    assert (result.verdict, result.degraded) == (Verdict.WARN, True)
    assert "degraded" in result.observed


def licence(namespace, status="Active", *, days=None, allowed=-1, used=2, created=NOW):
    expires = None if days is None else NOW + timedelta(days=days)
    return PackageLicence(
        namespace=namespace, status=status, allowed=allowed, used=used, expires=expires, created=created
    )


def licensed(licences, **given):
    """With packages and publishers closed, unless given."""
    closed = {"packages": CLOSED, "publishers": NOT_READABLE}
    return judged("SF-PKG-05", package_licences=licences, **(closed | given))


@pytest.mark.parametrize(
    ("row", "verdict", "severity"),
    [
        (licence("blng"), Verdict.PASS, Severity.BLOCKER),
        (licence("blng", "Trial", days=31), Verdict.PASS, Severity.BLOCKER),
        (licence("blng", days=29), Verdict.WARN, Severity.WARNING),
        (licence("blng", "Expired", days=-1), Verdict.FAIL, Severity.BLOCKER),
        (licence("blng", days=-1), Verdict.FAIL, Severity.BLOCKER),
        (licence("blng", allowed=2, used=3), Verdict.FAIL, Severity.BLOCKER),
        (licence("blng", allowed=3, used=3), Verdict.PASS, Severity.BLOCKER),
    ],
)
def test_a_package_licence_lives_or_not(row, verdict, severity):
    result = licensed(PackageLicences(rows=(row,)))
    assert (result.verdict, result.severity) == (verdict, severity)


@pytest.mark.parametrize("name", ["connector-only", "universal-plus-billing-extension", "legacy-billing-connector"])
def test_cpq_and_billing_are_looked_at_in_every_profile_and_stripes_package_where_it_is_named(name):
    dead = PackageLicences(rows=(licence("blng", "Expired", days=-1), licence("stripeGC", "Expired", days=-1)))
    about = situation(stripe_namespaces=("stripeGC",) if name == "legacy-billing-connector" else ())
    result = licensed(dead, profile=profile(name), about=about)
    assert "blng is Expired" in result.observed
    assert ("stripeGC is Expired" in result.observed) is (name != "connector-only")


def test_an_installed_package_whose_licence_is_not_shown_is_unknown():
    result = licensed(PackageLicences(rows=(licence("SBQQ"),)), packages=BOTH)
    assert result.verdict is Verdict.UNKNOWN
    assert "blng" in result.observed
    assert "SBQQ" not in result.observed
    by_publisher = Publishers(rows=(Publisher(namespace="blng", name="Salesforce Billing", major=262, minor=0),))
    assert licensed(PackageLicences(rows=()), publishers=by_publisher).verdict is Verdict.UNKNOWN
    assert licensed(PackageLicences(rows=()), packages=installed()).verdict is Verdict.NOT_APPLICABLE


def test_licences_that_cannot_be_read_are_unknown():
    assert licensed(NOT_READABLE).verdict is Verdict.UNKNOWN


def version(*, beta=False, deprecated=False):
    return PackageVersion(namespace="SBQQ", is_beta=beta, is_deprecated=deprecated, remote_sites=(), csp_sites=())


def test_beta_and_deprecated_versions_warn_and_a_protected_one_is_unknown():
    def verdict(*rows, **unreadable):
        return judged("SF-PKG-06", package_versions=PackageVersions(rows=rows, unreadable=unreadable)).verdict

    assert verdict(version()) is Verdict.PASS
    assert verdict(version(beta=True)) is Verdict.WARN
    assert verdict(version(deprecated=True)) is Verdict.WARN
    assert verdict(version(), blng="needs its installation key") is Verdict.UNKNOWN
    assert judged("SF-PKG-06", package_versions=NOT_READABLE).verdict is Verdict.UNKNOWN


def test_a_beta_is_written_as_salesforce_does():
    assert package("x", version=(1, 2, 0, 3), is_beta=True).version_text == "1.2b3"


# -- Stripe's packages -------------------------------------------------------------------------------------------------

UNIVERSAL = "universal-plus-billing-extension"
EXTENSION = package(None, name="Salesforce Billing Extension", version=(1, 4, 0, 1))


def test_a_profile_without_a_package_expects_none():
    assert of("SF-PKG-03", BOTH, profile=profile("connector-only")).verdict is Verdict.NOT_APPLICABLE


def test_the_universal_app_alone_is_not_enough_because_the_extension_has_no_namespace():
    given = {"profile": profile(UNIVERSAL), "parts_by_name": StripeParts(classes=(), permission_sets=())}
    result = of("SF-PKG-03", installed(package("stripeGC")), **given)
    assert result.verdict is Verdict.FAIL
    assert "no sign of Salesforce Billing Extension" in result.observed
    assert of("SF-PKG-03", installed(package("stripeGC"), EXTENSION), **given).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "parts",
    [
        StripeParts(classes=((None, "StripeBillingExtensionGateway"),), permission_sets=()),
        StripeParts(classes=(), permission_sets=("Stripe Billing Extension User",)),
    ],
)
def test_the_extension_is_known_by_its_code_or_its_permission_set(parts):
    result = of("SF-PKG-03", installed(package("stripeGC")), profile=profile(UNIVERSAL), parts_by_name=parts)
    assert result.verdict is Verdict.PASS


def test_a_class_of_that_name_inside_a_namespace_is_no_sign_of_the_unmanaged_package():
    parts = StripeParts(classes=(("acme", "StripeBillingExtensionGateway"),), permission_sets=())
    result = of("SF-PKG-03", installed(package("stripeGC")), profile=profile(UNIVERSAL), parts_by_name=parts)
    assert result.verdict is Verdict.FAIL


def test_a_namespace_nobody_named_is_unknown_and_says_where_to_name_it():
    legacy = profile("legacy-billing-connector")
    result = of("SF-PKG-03", BOTH, profile=legacy)
    assert result.verdict is Verdict.UNKNOWN
    assert "CONNECTOR_VERIFY__STRIPE_NAMESPACES" in result.fix
    named = situation(stripe_namespaces=("oldstripe",))
    assert of("SF-PKG-03", BOTH, profile=legacy, about=named).verdict is Verdict.FAIL
    assert of("SF-PKG-03", installed(package("oldstripe")), profile=legacy, about=named).verdict is Verdict.PASS


def test_a_stripe_package_beside_this_connector_is_another_writer():
    found = installed(package("stripeGC", name="Stripe app"))
    assert of("SF-PKG-07", found, profile=profile("connector-only")).verdict is Verdict.FAIL
    assert of("SF-PKG-07", found, profile=profile(UNIVERSAL)).verdict is Verdict.PASS
    assert of("SF-PKG-07", BOTH, profile=profile("connector-only")).verdict is Verdict.PASS
    assert of("SF-PKG-07", CLOSED, profile=profile("connector-only")).verdict is Verdict.UNKNOWN


def test_a_name_that_only_contains_the_word_is_no_writer():
    found = installed(package("pin", name="Pinstripe Layouts"))
    assert of("SF-PKG-07", found, profile=profile("connector-only")).verdict is Verdict.PASS


def test_two_generations_of_stripes_packages_are_two_writers_in_either_profile():
    found = installed(package("stripeGC"), EXTENSION, package("oldstripe", name="Stripe Connector for Billing"))
    legacy = situation(stripe_namespaces=("oldstripe",))
    assert of("SF-PKG-07", found, profile=profile(UNIVERSAL)).verdict is Verdict.FAIL
    assert of("SF-PKG-07", found, profile=profile("legacy-billing-connector"), about=legacy).verdict is Verdict.FAIL


def test_the_app_must_be_linked_to_an_account():
    assert judged("SF-STR-01", linked_accounts=LinkedAccounts(names=("Acme",))).verdict is Verdict.PASS
    assert judged("SF-STR-01", linked_accounts=LinkedAccounts(names=())).verdict is Verdict.FAIL
    assert judged("SF-STR-01", linked_accounts=NOT_READABLE).verdict is Verdict.UNKNOWN


def test_what_means_nothing_in_revenue_cloud_is_not_looked_at():
    result = of("SF-PKG-01", installed(), profile=profile("revenue-cloud"))
    assert (result.verdict, result.observed) == (Verdict.NOT_APPLICABLE, "Revenue Cloud needs no CPQ package")
    assert isinstance(profile("revenue-cloud"), Profile)


# -- order of installation ---------------------------------------------------------------------------------------------


def request(version_id, day):
    at = datetime(2025, 9, day, tzinfo=UTC)
    return InstallRequest(version_id=version_id, security="Full", sites_granted=True, status="SUCCESS", by="005", at=at)


def order(cpq_day, billing_day):
    packages = installed(package("SBQQ", first="04tA"), package("blng", first="04tB"))
    requests = InstallRequests(rows=(request("04tA", cpq_day), request("04tB", billing_day)))
    return judged("SF-PKG-08", packages=packages, install_requests=requests, package_licences=NOT_READABLE)


def test_billing_after_cpq_passes_and_before_warns():
    assert order(1, 2).verdict is Verdict.PASS
    result = order(2, 1)
    assert result.verdict is Verdict.WARN
    assert "blng was installed" in result.observed


def test_without_installation_records_the_licences_dates_tell_and_else_a_person():
    dates = [licence("SBQQ", created=NOW - timedelta(days=2)), licence("blng", created=NOW)]
    none = {"packages": BOTH, "install_requests": NOT_READABLE}
    assert judged("SF-PKG-08", **none, package_licences=PackageLicences(rows=tuple(dates))).verdict is Verdict.PASS
    same = PackageLicences(rows=(licence("SBQQ"), licence("blng")))
    assert judged("SF-PKG-08", **none, package_licences=same).verdict is Verdict.MANUAL
    assert judged("SF-PKG-08", **none, package_licences=NOT_READABLE).verdict is Verdict.MANUAL
    unread = {"packages": CLOSED, "install_requests": NOT_READABLE, "package_licences": same}
    assert judged("SF-PKG-08", **unread).verdict is Verdict.UNKNOWN
