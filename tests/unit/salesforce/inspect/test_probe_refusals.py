"""What an org refuses to tell: said with the permission that is missing, and only where one is."""

import pytest

from connector.core.verify.evidence import Seen, Unreadable
from connector.sandbox.salesforce.errors import ApiError
from tests.support.salesforce import Bench
from tests.support.verify import evidence_of

PACKAGES = "Download AppExchange Packages (PermissionsInstallPackaging)"
VIEW_SETUP = "View Setup and Configuration (PermissionsViewSetup)"


def test_an_unsupported_type_of_the_package_list_means_a_missing_permission_not_missing_packages():
    found = evidence_of(Bench(scenario="no-permission"), "packages", "install_requests", "package_versions")
    assert {evidence.permission for evidence in found.values()} == {PACKAGES}
    # Salesforce's own words, "sObject type ... is not supported", would send people the wrong way
    assert {evidence.reason for evidence in found.values()} == {"the user may not see installed packages"}
    assert not [name for name, evidence in found.items() if isinstance(evidence, Seen)]


def test_without_that_permission_packages_are_still_seen_in_three_other_ways():
    found = evidence_of(Bench(scenario="no-permission"), "publishers", "package_licences", "global_objects")
    publisher = found["publishers"].value.of("blng")
    assert (publisher.major, publisher.minor) == (262, 0)
    assert found["package_licences"].value.of("blng").status == "Active"
    assert {"SBQQ__Quote__c", "blng__Invoice__c"} <= found["global_objects"].value.names


def test_access_by_profile_needs_view_setup():
    found = evidence_of(Bench(scenario="no-permission"), "profile_readers")["profile_readers"]
    assert isinstance(found, Unreadable)
    assert found.permission == VIEW_SETUP


@pytest.mark.parametrize("name", ["assigned_sets", "billing_managers"])
def test_who_holds_which_permission_set_needs_view_setup_and_it_is_said_in_plain_words(name):
    found = evidence_of(Bench(scenario="no-permission"), name)[name]
    assert isinstance(found, Unreadable)
    assert found.permission == VIEW_SETUP
    assert "__c" not in found.reason
    assert "does not show PermissionSet" in found.reason


def test_a_licence_is_found_by_its_label_where_its_api_name_is_not_shown():
    (row,) = evidence_of(Bench(scenario="no-permission"), "cpq_seats")["cpq_seats"].value.rows
    assert (row.name, row.label, row.total) == ("", "Salesforce CPQ License", 10)


def test_the_quota_comes_from_the_header_where_limits_are_not_shown():
    budget = evidence_of(Bench(scenario="no-permission"), "api_budget")["api_budget"].value
    assert "Sforce-Limit-Info" in budget.source
    assert budget.allowed == 5_000_000


@pytest.mark.parametrize("code", ["UNKNOWN_EXCEPTION", "QUERY_TIMEOUT", "SERVER_UNAVAILABLE"])
def test_a_failure_that_is_no_refusal_names_no_permission(code):
    """Granting View Setup would not mend a server error, so nobody is told to grant it."""
    bench = Bench()
    bench.org.access.refuse("CspTrustedSite", ApiError(500, code, "An unexpected error occurred."))
    found = evidence_of(bench, "csp_sites")["csp_sites"]
    assert isinstance(found, Unreadable)
    assert code in found.reason
    assert found.permission is None


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "INVALID_TYPE"),
        (400, "INVALID_FIELD"),
        (403, "INSUFFICIENT_ACCESS"),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY"),
    ],
)
def test_a_refusal_names_the_permission(status, code):
    bench = Bench()
    bench.org.access.refuse("CspTrustedSite", ApiError(status, code, "no"))
    assert evidence_of(bench, "csp_sites")["csp_sites"].permission == VIEW_SETUP


def test_a_server_that_is_down_for_the_tooling_api_names_no_permission():
    found = evidence_of(Bench(scenario="calls-fail"), "remote_sites")["remote_sites"]
    assert isinstance(found, Unreadable)
    assert found.permission is None


def test_one_refused_question_costs_its_neighbours_nothing():
    """All of them travel in one composite call."""
    bench = Bench(scenario="calls-fail")
    found = evidence_of(bench, "organization", "publishers", "cpq_seats", "app_tokens", "csp_sites")
    unread = {name for name, evidence in found.items() if isinstance(evidence, Unreadable)}
    assert unread == {"cpq_seats", "app_tokens"}


def test_a_retired_api_version_still_tells_which_ones_are_offered():
    found = evidence_of(Bench(scenario="retired-version"), "api_versions", "organization")
    assert found["api_versions"].value.offered == ("68.0", "69.0", "70.0", "71.0", "72.0", "73.0")
    assert "GONE" in found["organization"].reason


def test_each_permission_is_asked_alone_so_an_unknown_one_hides_no_other(monkeypatch):
    monkeypatch.setattr(
        "connector.salesforce.inspect.identity.PERMISSIONS", ("PermissionsApiEnabled", "PermissionsTeleport")
    )
    permissions = evidence_of(Bench(), "user_permissions")["user_permissions"].value
    assert permissions.held == {"PermissionsApiEnabled": True}
    assert "INVALID_FIELD" in permissions.unreadable["PermissionsTeleport"]
