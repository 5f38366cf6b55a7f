"""Setup objects of the data API: licences, permissions, users, and who may see what of them."""

from __future__ import annotations

import pytest

from tests.unit.sandbox.salesforce.test_org_tooling import lose


def test_the_org_says_what_kind_it_is(api):
    (row,) = api.rows(
        "SELECT Id, Name, IsSandbox, OrganizationType, InstanceName, TrialExpirationDate FROM Organization"
    )
    assert (row["IsSandbox"], row["OrganizationType"], row["TrialExpirationDate"]) == (True, "Enterprise Edition", None)


def test_the_callers_permissions_are_one_row_of_what_is_in_effect(api, org):
    soql = (
        "SELECT PermissionsApiEnabled, PermissionsViewSetup, PermissionsInstallPackaging, PermissionsEditBillingInfo "
        "FROM UserPermissionAccess LIMIT 1"
    )
    (row,) = api.rows(soql)
    del row["attributes"]
    assert row == {
        "PermissionsApiEnabled": True,
        "PermissionsViewSetup": True,
        "PermissionsInstallPackaging": True,
        "PermissionsEditBillingInfo": False,
    }
    lose(org, "PermissionsViewSetup")
    assert api.rows(soql)[0]["PermissionsViewSetup"] is False
    assert api.query("SELECT PermissionsManageBilling FROM UserPermissionAccess").code == "INVALID_FIELD"


def test_permissions_come_through_groups_of_permission_sets(api, org):
    soql = "SELECT PermissionsEditBillingInfo FROM UserPermissionAccess"
    billing = org.platform.create("PermissionSet", {"Name": "B", "Label": "B", "PermissionsEditBillingInfo": True})
    group = org.platform.create(
        "PermissionSetGroup", {"DeveloperName": "G", "MasterLabel": "G", "Status": "Updated", "Language": "en_US"}
    )
    org.platform.create("PermissionSetGroupComponent", {"PermissionSetGroupId": group, "PermissionSetId": billing})
    assert api.rows(soql)[0]["PermissionsEditBillingInfo"] is False
    org.platform.create("PermissionSetAssignment", {"AssigneeId": org.user_id, "PermissionSetGroupId": group})
    assert api.rows(soql)[0]["PermissionsEditBillingInfo"] is True
    (component,) = api.rows(
        "SELECT PermissionSet.Name, PermissionSetGroup.DeveloperName FROM PermissionSetGroupComponent"
    )
    assert (component["PermissionSet"]["Name"], component["PermissionSetGroup"]["DeveloperName"]) == ("B", "G")


def test_holders_of_manage_billing_are_found_by_profile_and_permission_set(api):
    rows = api.rows(
        "SELECT Assignee.Username FROM PermissionSetAssignment "
        "WHERE PermissionSet.PermissionsEditBillingInfo = true AND Assignee.IsActive = true"
    )
    assert [row["Assignee"]["Username"] for row in rows] == ["dana.admin@northwind.example"]


def test_licences_of_packages_permission_sets_and_users(api, org):
    assert api.rows(
        "SELECT NamespacePrefix, Status, AllowedLicenses, UsedLicenses, ExpirationDate FROM PackageLicense "
        "WHERE NamespacePrefix = 'SBQQ' AND Status IN ('Active', 'Free', 'Trial')"
    )
    (licence,) = api.rows(
        "SELECT Id, DeveloperName, MasterLabel, Status, TotalLicenses, UsedLicenses, ExpirationDate "
        "FROM PermissionSetLicense WHERE DeveloperName = 'SalesforceCPQ_CPQStandardPerm' "
        "OR MasterLabel = 'Salesforce CPQ License'"
    )
    assert (licence["Status"], licence["TotalLicenses"], licence["ExpirationDate"]) == ("Active", 10, None)
    assigned = api.rows(
        "SELECT Assignee.Username, PermissionSetLicense.DeveloperName FROM PermissionSetLicenseAssign "
        f"WHERE AssigneeId IN ('{org.user_id}') AND PermissionSetLicense.MasterLabel = 'Salesforce CPQ License'"
    )
    assert [row["Assignee"]["Username"] for row in assigned] == [org.username]
    (identity,) = api.rows("SELECT Name, TotalLicenses, UsedLicenses FROM UserLicense WHERE Name LIKE 'Identity%'")
    assert (identity["TotalLicenses"], identity["UsedLicenses"]) == (100, 0)
    assert api.rows("SELECT Id FROM UserPackageLicense") == []


def test_without_view_setup_less_is_there(api, org):
    soql = "SELECT Parent.Profile.Name, SobjectType, PermissionsRead FROM ObjectPermissions WHERE Parent.IsOwnedByProfile = true"
    assert api.query(soql).status == 200
    assigned = "SELECT Id FROM PermissionSetAssignment"
    lose(org, "PermissionsViewSetup")
    assert api.query(soql).code == "INVALID_TYPE"
    assert api.query(assigned).status == 200
    lose(org, "PermissionsAssignPermissionSets", "PermissionsManageUsers")
    assert api.query(assigned).code == "INVALID_TYPE"
    assert api.query("SELECT Id FROM PermissionSetLicenseAssign").code == "INVALID_TYPE"
    assert api.query("SELECT DeveloperName FROM PermissionSetLicense").code == "INVALID_FIELD"
    assert api.query("SELECT MasterLabel FROM PermissionSetLicense").status == 200
    assert (api.get("/limits").status, api.get("/limits").code) == (403, "INSUFFICIENT_ACCESS")


def test_seeing_assignments_is_not_handing_them_out(api, org):
    lose(org, "PermissionsAssignPermissionSets")
    permission_set = org.platform.row("PermissionSet", Name="SteelBrickCPQAdmin")["Id"]
    assignment = {"AssigneeId": org.user_id, "PermissionSetId": permission_set}
    refused = api.call("POST", "/sobjects/PermissionSetAssignment", assignment)
    assert (refused.status, refused.code) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    made = api.call("POST", "/sobjects/PermissionSet", {"Name": "Mine", "Label": "Mine"})
    assert (made.status, made.code) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")


def test_modify_all_data_shows_as_rows_that_are_none(api):
    rows = api.rows(
        "SELECT Id, SobjectType, Parent.Profile.Name FROM ObjectPermissions "
        "WHERE Parent.PermissionsModifyAllData = true AND SobjectType IN ('Account', 'blng__Payment__c')"
    )
    assert {row["SobjectType"] for row in rows} == {"Account", "blng__Payment__c"}
    assert {(row["Id"][:3], row["Parent"]["Profile"]["Name"]) for row in rows} == {("000", "System Administrator")}


def test_used_seats_are_shown_and_cannot_be_filtered(api):
    assert api.query("SELECT Id FROM UserLicense WHERE UsedLicenses > 0").code == "INVALID_FIELD"


def test_a_custom_setting_says_so(api):
    assert api.get("/sobjects/blng__PaymentGatewayConfig__c/describe").body["customSetting"] is True
    assert api.get("/sobjects/blng__PaymentGateway__c/describe").body["customSetting"] is False


def test_a_package_for_all_users_can_be_read_by_every_profile(api):
    rows = api.rows(
        "SELECT Parent.Profile.Name, SobjectType, PermissionsRead FROM ObjectPermissions "
        "WHERE Parent.IsOwnedByProfile = true AND SobjectType IN ('SBQQ__DiscountSchedule__c')"
    )
    assert {row["Parent"]["Profile"]["Name"] for row in rows} == {
        "System Administrator",
        "Standard User",
        "Salesforce API Only System Integrations",
    }


def test_tokens_and_logins_of_others_need_a_permission(api, org):
    tokens = "SELECT Id, AppName, User.Username, UseCount, LastUsedDate FROM OauthToken"
    logins = "SELECT UserId, ApiType, LoginType, Application FROM LoginHistory WHERE LoginTime = LAST_N_DAYS:30"
    (token,) = api.rows(tokens)
    assert (token["Id"], token["UseCount"], token["User"]["Username"]) == (None, 37, "dana.admin@northwind.example")
    org.platform.create(
        "LoginHistory",
        {"UserId": org.person_id, "LoginTime": "2026-11-20T10:00:00Z", "LoginType": "Application", "ApiType": "N/A"},
    )
    assert len(api.rows(logins)) == 2
    lose(org, "PermissionsCustomizeApplication", "PermissionsManageUsers")
    assert api.rows(tokens) == []
    assert api.query("SELECT COUNT() FROM OauthToken").body["totalSize"] == 0
    assert {row["UserId"] for row in api.rows(logins)} == {org.user_id}
    assert api.query("SELECT Id FROM LoginHistory WHERE ApiType = 'x'").code == "INVALID_FIELD"


def test_permission_sets_of_a_user(api, org):
    rows = api.rows(
        "SELECT PermissionSet.Name, PermissionSet.NamespacePrefix, PermissionSetGroupId FROM PermissionSetAssignment "
        f"WHERE AssigneeId = '{org.user_id}'"
    )
    assert {(row["PermissionSet"]["NamespacePrefix"], row["PermissionSet"]["Name"]) for row in rows} >= {
        ("SBQQ", "SteelBrickCPQUser"),
        ("blng", "SalesforceBillingAdmin"),
        (None, "Stripe_Connector"),
    }


def test_the_gateway_its_class_and_sites_to_trust(api):
    (gateway,) = api.rows(
        "SELECT Name, blng__Active__c, blng__Default__c, blng__GatewayType__c FROM blng__PaymentGateway__c"
    )
    (config,) = api.rows("SELECT Name, blng__ClassName__c FROM blng__PaymentGatewayConfig__c")
    assert gateway["blng__GatewayType__c"] == config["Name"]
    assert api.rows(f"SELECT Id, Name FROM ApexClass WHERE Name IN ('{config['blng__ClassName__c']}')")
    sites = api.rows("SELECT DeveloperName, EndpointUrl, IsActive, Context, NamespacePrefix FROM CspTrustedSite")
    assert {site["EndpointUrl"] for site in sites} == {"https://js.stripe.com", "https://editor.cpq.example"}
    assert api.rows("SELECT DeveloperName, Endpoint, NamespacePrefix, PrincipalType FROM NamedCredential") == []
    assert api.rows("SELECT Name, OptionsAllowAdminApprovedUsersOnly FROM ConnectedApplication") == []


@pytest.mark.parametrize("sobject", ["blng__PaymentScheduler__c", "blng__PaymentRun__c"])
def test_nobody_else_collects_in_a_healthy_org(api, sobject):
    assert api.rows(f"SELECT Id FROM {sobject}") == []
