"""Probes of packages, people and set-up, against orgs in process; pages, budget, odd orgs."""

import pytest

from connector.core.verify.evidence import Seen, Unreadable
from connector.salesforce.inspect.identity import PROBES as IDENTITY
from connector.salesforce.inspect.packages import PROBES as PACKAGES
from connector.salesforce.inspect.people import PROBES as PEOPLE
from connector.salesforce.inspect.setup import PROBES as SETUP
from tests.support.salesforce import Bench
from tests.support.verify import evidence_of, inspector_of, value_of

NAMES = [probe.name for probe in (*IDENTITY, *PACKAGES, *PEOPLE, *SETUP)]


def test_a_healthy_org_answers_everything_but_what_it_does_not_have():
    evidence = evidence_of(Bench(), *NAMES)
    assert {name for name, found in evidence.items() if not isinstance(found, Seen)} == {"linked_accounts"}


def test_all_of_it_costs_few_calls():
    """With what the connector itself needs, a whole verification stays below 30 calls (see the flow's test)."""
    bench = Bench()
    inspector = inspector_of(bench)
    inspector.inspect(NAMES)
    assert inspector.calls <= 18
    assert bench.org.counters["writes"] == 0


def test_who_answers_is_told():
    bench = Bench()
    organization, me = value_of(bench, "organization"), value_of(bench, "signed_in")
    assert (organization.id, me.org_id, me.user_id) == (bench.org.org_id, bench.org.org_id, bench.org.user_id)
    assert organization.kind == "sandbox"
    assert value_of(Bench(is_sandbox=False), "organization").kind == "production org"


def test_permissions_are_asked_one_by_one_so_that_an_unknown_one_costs_no_other(monkeypatch):
    monkeypatch.setattr(
        "connector.salesforce.inspect.identity.PERMISSIONS", ("PermissionsApiEnabled", "PermissionsNoSuchThing")
    )
    permissions = value_of(Bench(), "user_permissions")
    assert permissions.held == {"PermissionsApiEnabled": True}
    assert "PermissionsNoSuchThing" in permissions.unreadable


def test_packages_come_with_version_and_first_version():
    packages = value_of(Bench(), "packages")
    (cpq,) = packages.of("SBQQ")
    assert (cpq.name, cpq.version_text, cpq.first_version_id) == ("Salesforce CPQ", "262.1.0", cpq.version_id)


def test_without_the_permission_packages_are_unreadable_and_not_missing():
    evidence = evidence_of(Bench(scenario="no-permission"), "packages", "publishers", "install_requests")
    assert isinstance(evidence["packages"], Unreadable)
    assert "PermissionsInstallPackaging" in evidence["packages"].permission
    assert isinstance(evidence["install_requests"], Unreadable)
    assert [row.namespace for row in evidence["publishers"].value.rows] == ["SBQQ", "blng"]


def test_null_relations_shared_namespaces_and_emoji_are_read():
    rows = value_of(Bench(scenario="odd-names"), "packages").rows
    assert [row.version_text for row in rows if row.namespace == "acme"] == ["3.4.1", "1.0.0"]
    assert any("🚀" in row.name for row in rows)
    assert any(row.version is None and row.namespace == "lost" for row in rows)
    assert any(row.package_id is None and row.name == "a package without a name" for row in rows)


def test_a_version_behind_a_key_is_unreadable_and_costs_the_others_nothing():
    bench = Bench()
    version = bench.org.platform.row("SubscriberPackageVersion", Name="Salesforce CPQ")["Id"]
    protected = {"InstallationKey": "sesame", "IsPasswordProtected": True}
    bench.org.platform.update("SubscriberPackageVersion", version, protected)
    versions = value_of(bench, "package_versions")
    assert "installationkey" in versions.unreadable["SBQQ"].lower()
    assert [row.namespace for row in versions.rows] == ["blng"]


def test_sites_a_version_asks_for_are_read():
    versions = value_of(Bench(), "package_versions")
    cpq = next(row for row in versions.rows if row.namespace == "SBQQ")
    assert (cpq.remote_sites, cpq.csp_sites) == (("https://calculation.cpq.example",), ("https://editor.cpq.example",))


def test_the_installer_is_who_asked_for_the_installation_unless_the_settings_name_another():
    bench = Bench()
    found = value_of(bench, "cpq_holders")
    assert (found.installer, found.installer_known_by) == ("dana.admin@northwind.example", "its PackageInstallRequest")
    assert found.usernames == {"dana.admin@northwind.example", "stripe.connector@northwind.example"}
    named = value_of(bench, "cpq_holders", installer="sam.seller@northwind.example")
    assert (named.installer, named.installer_known_by) == (
        "sam.seller@northwind.example",
        "CONNECTOR_VERIFY__INSTALLER",
    )
    assert "sam.seller@northwind.example" not in named.usernames


def test_a_permission_set_that_comes_by_a_group_is_held():
    bench = Bench()
    platform = bench.org.platform
    group = platform.create("PermissionSetGroup", {"DeveloperName": "Team", "MasterLabel": "Team"})
    member = platform.create("PermissionSet", {"Name": "By_group", "Label": "By group"})
    platform.create("PermissionSetGroupComponent", {"PermissionSetGroupId": group, "PermissionSetId": member})
    platform.create("PermissionSetAssignment", {"AssigneeId": bench.org.user_id, "PermissionSetGroupId": group})
    assert "By_group" in {each.name for each in value_of(bench, "held_sets").mine}


def test_sets_a_profile_names_are_looked_for_among_all_users():
    held = value_of(Bench(), "held_sets", profile={"persona_labels": ["Salesforce CPQ Admin", "Nobody's"]})
    assert held.held_by_anybody == {"Salesforce CPQ Admin"}


def test_lists_longer_than_a_page_are_read_whole():
    bench = Bench()
    bench.org.max_page_size = 1
    rows = value_of(bench, "packages").rows
    assert [row.namespace for row in rows] == ["SBQQ", "blng"]
    assert len(value_of(bench, "publishers").rows) == 2


def test_a_list_without_end_is_unreadable_and_says_so():
    bench = Bench()
    bench.org.max_page_size = 1
    platform = bench.org.platform
    for number in range(6):
        platform.create("Publisher", {"Name": f"P{number}", "NamespacePrefix": f"p{number}", "MajorVersion": 1})
    found = evidence_of(bench, "publishers")["publishers"]
    assert isinstance(found, Unreadable)
    assert "more than 5 rows" in found.reason


def test_two_thousand_assignments_of_other_users_do_not_matter():
    bench = Bench(scenario="odd-names")
    assert {each.full_name for each in value_of(bench, "held_sets").mine} >= {"blng__SalesforceBillingAdmin"}
    assert len(value_of(bench, "billing_managers").rows) == 1


def test_calls_that_fail_in_the_middle_cost_only_their_own_evidence():
    evidence = evidence_of(Bench(scenario="calls-fail"), *NAMES)
    unreadable = {name for name, found in evidence.items() if isinstance(found, Unreadable)}
    assert unreadable == {"remote_sites", "cpq_seats", "app_tokens", "linked_accounts", "your_account"}
    # the quota stands in the header of every answer as well
    assert "header" in evidence["api_budget"].value.source


def test_signs_of_an_unmanaged_package_are_found_by_name():
    profile = {
        "apex_classes": ["StripeBillingExtensionGateway", "NoSuchClass"],
        "permission_set_labels": ["Stripe Billing Extension User"],
    }
    parts = value_of(Bench(scenario="universal"), "parts_by_name", profile=profile)
    assert parts.classes == ((None, "StripeBillingExtensionGateway"),)
    assert parts.permission_sets == ("Stripe Billing Extension User",)
    assert value_of(Bench(), "parts_by_name", profile=profile).classes == ()


def test_a_gateways_class_is_looked_for():
    gateways = value_of(Bench(), "gateways")
    assert gateways.existing_classes == {"NorthwindGateway"}
    assert [row.name for row in gateways.rows] == ["Stripe"]


@pytest.mark.parametrize("name", ["cpq_holders", "held_sets", "logins"])
def test_what_depends_on_an_earlier_answer_is_unreadable_with_its_reason(name):
    """The session's user is asked first; without that answer the questions cannot be made."""
    bench = Bench()
    bench.org.faults = lambda request: _down() if request.path.endswith("/userinfo") else None
    found = evidence_of(bench, name)[name]
    assert isinstance(found, Unreadable)
    assert "userinfo" in found.source


def _down():
    from connector.sandbox.http import Response

    return Response(status=503, headers={"Content-Type": "text/html"}, body=b"<html>down</html>")
