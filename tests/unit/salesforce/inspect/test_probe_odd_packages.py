"""Packages as customers' orgs have them: without a namespace, without a version, twice, protected, beta."""

import pytest

from connector.sandbox.salesforce.errors import ApiError
from tests.support.salesforce import Bench
from tests.support.verify import value_of


@pytest.fixture
def rows():
    return value_of(Bench(scenario="odd-names"), "packages").rows


def test_packages_that_share_a_namespace_are_all_kept(rows):
    assert [row.name for row in rows if row.namespace == "acme"] == ["Acme Core 🚀", "Acme Add-on"]


def test_a_package_whose_version_is_not_shown_is_installed_all_the_same(rows):
    (lost,) = [row for row in rows if row.namespace == "lost"]
    assert (lost.version_id, lost.version, lost.version_text) == (None, None, "version unknown")


def test_a_row_without_any_relationship_is_a_package_without_a_name(rows):
    nameless = [row for row in rows if row.package_id is None]
    assert [(row.namespace, row.name) for row in nameless] == [(None, "a package without a name")]


def test_a_package_without_a_namespace_keeps_its_name(rows):
    assert "密 Vault" in [row.name for row in rows if row.namespace is None]


def version_row(bench, namespace):
    (package,) = value_of(bench, "packages").of(namespace)
    return bench.org.platform.row("SubscriberPackageVersion", Id=package.version_id)


def test_a_beta_and_a_deprecated_version_say_so():
    bench = Bench()
    bench.org.platform.update("SubscriberPackageVersion", version_row(bench, "SBQQ")["Id"], {"IsBeta": True})
    bench.org.platform.update("SubscriberPackageVersion", version_row(bench, "blng")["Id"], {"IsDeprecated": True})
    versions = {row.namespace: row for row in value_of(bench, "package_versions").rows}
    assert (versions["SBQQ"].is_beta, versions["SBQQ"].is_deprecated) == (True, False)
    assert (versions["blng"].is_beta, versions["blng"].is_deprecated) == (False, True)


def test_a_version_protected_by_a_key_hides_itself_and_no_other():
    bench = Bench()
    version = version_row(bench, "blng")
    bench.org.platform.update("SubscriberPackageVersion", version["Id"], {"InstallationKey": "sesame"})
    versions = value_of(bench, "package_versions")
    assert [row.namespace for row in versions.rows] == ["SBQQ"]
    assert "installationkey" in versions.unreadable["blng"]


def test_no_version_is_looked_at_where_nothing_is_installed():
    bench = Bench(scenario="fresh")
    assert value_of(bench, "package_versions").rows == ()
    assert bench.org.counters["by_resource"]["tooling"] == 1


def test_sites_a_version_asks_for_are_its_expected_ones():
    versions = {row.namespace: row for row in value_of(Bench(), "package_versions").rows}
    assert versions["SBQQ"].remote_sites == ("https://calculation.cpq.example",)
    assert versions["SBQQ"].csp_sites == ("https://editor.cpq.example",)


def test_a_failing_look_at_one_version_is_no_failure_of_the_list():
    bench = Bench()
    bench.org.access.refuse("SubscriberPackageVersion", ApiError(400, "UNKNOWN_EXCEPTION", "ErrorId: 7"))
    assert {row.namespace for row in value_of(bench, "packages").rows} >= {"SBQQ", "blng"}
    assert set(value_of(bench, "package_versions").unreadable) == {"SBQQ", "blng"}
