"""Answers that come in pages: read whole, counted, bounded, and never taken for whole when they are not."""

import pytest

from connector.core.verify.evidence import Seen, Unreadable
from tests.support.salesforce import Bench
from tests.support.verify import inspector_of, value_of

#: as the simulated org names it; a hint of fewer is raised to 200 by the real one
PAGE = 200


@pytest.fixture
def bench():
    bench = Bench()
    bench.org.max_page_size = PAGE
    return bench


def give_managers(bench, count):
    """So many users who hold Manage Billing by a set, besides the administrator who has it by profile."""
    platform = bench.org.platform
    permission_set = platform.create(
        "PermissionSet", {"Name": "Payers", "Label": "Payers 🦆", "PermissionsEditBillingInfo": True}
    )
    profile = platform.row("Profile", Name="Standard User")["Id"]
    for number in range(count):
        name = f"payer.{number}@northwind.example"
        user = {"LastName": f"🦆 {number}", "Username": name, "Email": name, "ProfileId": profile, "IsActive": True}
        user |= {"Alias": f"p{number}", "CommunityNickname": f"payer.{number}", "TimeZoneSidKey": "GMT"}
        user |= {"LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US"}
        platform.assign(permission_set, platform.create("User", user))


def test_a_list_of_three_pages_is_read_whole(bench):
    give_managers(bench, 2 * PAGE)
    usernames = [row.username for row in value_of(bench, "billing_managers").rows]
    assert len(usernames) == len(set(usernames)) == 2 * PAGE + 1


def test_further_pages_are_counted_as_calls(bench):
    give_managers(bench, 2 * PAGE)
    inspector = inspector_of(bench)
    inspector.inspect(["billing_managers"])
    assert inspector.calls == 3


def test_an_exactly_full_page_needs_no_second_one(bench):
    give_managers(bench, PAGE - 1)
    inspector = inspector_of(bench)
    found = inspector.inspect(["billing_managers"])["billing_managers"]
    assert (len(found.value.rows), inspector.calls) == (PAGE, 1)


def test_a_list_beyond_the_bound_is_not_taken_for_a_whole_one(bench):
    give_managers(bench, 6 * PAGE)
    inspector = inspector_of(bench)
    found = inspector.inspect(["billing_managers"])["billing_managers"]
    assert isinstance(found, Unreadable)
    assert "1000 rows" in found.reason
    assert inspector.calls == 5


def test_pages_of_the_tooling_api_are_read_whole(bench):
    for number in range(PAGE):
        bench.org.platform.create(
            "RemoteProxy", {"SiteName": f"Site_{number}", "EndpointUrl": f"https://{number}.example", "IsActive": True}
        )
    names = [row.name for row in value_of(bench, "remote_sites").rows]
    assert len(names) == len(set(names)) > PAGE


def test_a_cursor_that_dies_between_two_pages_leaves_no_short_list(bench):
    give_managers(bench, 2 * PAGE)

    def forget(request):
        if "/query/01g" in request.path:
            bench.org.expire_cursors()

    bench.org.faults = forget
    found = inspector_of(bench).inspect(["billing_managers", "organization"])
    assert isinstance(found["billing_managers"], Unreadable)
    assert "INVALID_QUERY_LOCATOR" in found["billing_managers"].reason
    assert isinstance(found["organization"], Seen)
