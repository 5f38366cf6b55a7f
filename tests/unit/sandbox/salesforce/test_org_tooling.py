"""The Tooling API: its envelope, the package list every tool asks for, and what it refuses."""

from __future__ import annotations

import pytest
import requests
from simple_salesforce import Salesforce

from connector.sandbox.transport import InProcessAdapter

# What `sf package installed list` sends (platform.md A1).
CLI_LIST = (
    "SELECT Id, SubscriberPackageId, SubscriberPackage.NamespacePrefix, SubscriberPackage.Name, "
    "SubscriberPackageVersion.Id, SubscriberPackageVersion.Name, SubscriberPackageVersion.MajorVersion, "
    "SubscriberPackageVersion.MinorVersion, SubscriberPackageVersion.PatchVersion, "
    "SubscriberPackageVersion.BuildNumber FROM InstalledSubscriberPackage ORDER BY SubscriberPackageId"
)


def tooling(api, soql):
    return api.query(soql, resource="tooling/query")


def test_the_cli_reads_its_package_list_through_a_strangers_client(org):
    session = requests.Session()
    session.mount("https://", InProcessAdapter(org))
    client = Salesforce(instance="org.my.salesforce.com", session_id=org.access_token, session=session, version="67.0")
    answer = client.restful("tooling/query/", params={"q": CLI_LIST})
    session.close()
    assert {key: value for key, value in answer.items() if key != "records"} == {
        "size": 2,
        "totalSize": 2,
        "done": True,
        "queryLocator": None,
        "entityTypeName": "InstalledSubscriberPackage",
    }
    cpq, billing = answer["records"]
    assert cpq["attributes"]["type"] == "InstalledSubscriberPackage"
    assert cpq["attributes"]["url"] == f"/services/data/v67.0/tooling/sobjects/InstalledSubscriberPackage/{cpq['Id']}"
    assert cpq["SubscriberPackage"]["attributes"]["type"] == "SubscriberPackage"
    assert (cpq["SubscriberPackage"]["NamespacePrefix"], cpq["SubscriberPackageVersion"]["MajorVersion"]) == (
        "SBQQ",
        262,
    )
    assert (billing["SubscriberPackage"]["Name"], billing["Id"][:3]) == ("Salesforce Billing", "0A3")
    assert (cpq["SubscriberPackageId"][:3], cpq["SubscriberPackageVersion"]["Id"][:3]) == ("033", "04t")


def test_cpq_was_installed_before_billing(api):
    rows = tooling(
        api, "SELECT SubscriberPackage.NamespacePrefix FROM InstalledSubscriberPackage ORDER BY CreatedDate"
    ).body["records"]
    assert [row["SubscriberPackage"]["NamespacePrefix"] for row in rows] == ["SBQQ", "blng"]


def test_without_the_right_to_install_packages_the_list_is_no_object(api, org):
    lose(org, "PermissionsInstallPackaging")
    answer = tooling(api, CLI_LIST)
    assert (answer.status, answer.code) == (400, "INVALID_TYPE")
    assert "sObject type 'InstalledSubscriberPackage' is not supported." in answer.message
    assert api.rows("SELECT NamespacePrefix, MajorVersion FROM Publisher WHERE NamespacePrefix = 'blng'")
    assert api.rows("SELECT NamespacePrefix, Status FROM PackageLicense WHERE NamespacePrefix = 'blng'")


def lose(org, *permissions):
    verifier = org.platform.row("PermissionSet", Name="Prerequisite_Verifier")
    org.platform.update("PermissionSet", verifier["Id"], dict.fromkeys(permissions, False))


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        (
            "SELECT Id FROM InstalledSubscriberPackage WHERE SubscriberPackage.NamespacePrefix = 'SBQQ'",
            "INVALID_FIELD",
            "field 'NamespacePrefix' can not be filtered in a query call",
        ),
        ("SELECT Id FROM SubscriberPackageVersion", "MALFORMED_QUERY", "needs an Id"),
        ("SELECT Id FROM SubscriberPackageVersion WHERE IsBeta = true", "MALFORMED_QUERY", "needs an Id"),
        ("SELECT Id FROM SubscriberPackage", "MALFORMED_QUERY", "needs an Id"),
        ("SELECT Id FROM blng__Invoice__c", "INVALID_TYPE", "not supported"),
        ("SELECT Id, FullName FROM RemoteProxy", "MALFORMED_QUERY", "Result size: "),
        ("SELECT Nope FROM RemoteProxy", "INVALID_FIELD", "No such column 'Nope'"),
        ("SELECT Id FROM RemoteProxy USING SCOPE mine", "MALFORMED_QUERY", "unexpected token"),
    ],
)
def test_what_the_tooling_api_refuses(api, soql, code, words):
    answer = tooling(api, soql)
    assert (answer.status, answer.code) == (400, code)
    assert words in answer.message


def test_tooling_objects_are_unknown_to_the_data_api(api):
    assert api.query(CLI_LIST).code == "INVALID_TYPE"
    assert api.get("/sobjects/RemoteProxy/describe").status == 404
    assert "RemoteProxy" not in {entry["name"] for entry in api.get("/sobjects").body["sobjects"]}


def version(api, version_id, more=""):
    return tooling(
        api,
        "SELECT Id, IsBeta, IsDeprecated, IsManaged, ReleaseState, RemoteSiteSettings, CspTrustedSites "
        f"FROM SubscriberPackageVersion WHERE Id = '{version_id}'{more}",
    )


def test_a_version_tells_the_sites_it_asks_for(api, org):
    installed = org.platform.rows("InstalledSubscriberPackage")[0]
    (row,) = version(api, installed["SubscriberPackageVersionId"]).body["records"]
    assert (row["IsBeta"], row["IsDeprecated"], row["IsManaged"], row["ReleaseState"]) == (
        False,
        False,
        True,
        "Released",
    )
    assert row["RemoteSiteSettings"] == {"settings": [{"secure": True, "url": "https://calculation.cpq.example"}]}
    assert row["CspTrustedSites"] == {"settings": [{"endpointUrl": "https://editor.cpq.example"}]}
    assert version(api, installed["SubscriberPackageVersionId"], " AND InstallationKey = 'x'").body["size"] == 1


def test_a_protected_version_wants_its_key(api, org):
    installed = org.platform.rows("InstalledSubscriberPackage")[0]
    locked = installed["SubscriberPackageVersionId"]
    org.platform.update("SubscriberPackageVersion", locked, {"InstallationKey": "open", "IsPasswordProtected": True})
    for more in ("", " AND InstallationKey = 'shut'"):
        answer = version(api, locked, more)
        assert answer.status == 400
        assert answer.message.startswith("Please provide installationkey when querying against")
    assert version(api, locked, " AND InstallationKey = 'open'").body["records"][0]["Id"] == locked


def test_a_package_may_be_gone_from_the_list_it_is_in(api, org):
    installed = org.platform.rows("InstalledSubscriberPackage")[0]
    org.platform.update("InstalledSubscriberPackage", installed["Id"], {"SubscriberPackageVersionId": None})
    first = tooling(api, CLI_LIST).body["records"][0]
    assert first["SubscriberPackageVersion"] is None


def test_pages_name_the_next_by_locator_and_by_address(api, org):
    for number in range(250):
        org.platform.create("RemoteProxy", {"SiteName": f"S{number}", "EndpointUrl": "https://x.example"})
    org.max_page_size = 200
    first = tooling(api, "SELECT SiteName FROM RemoteProxy").body
    assert (first["size"], first["done"]) == (200, False)
    assert first["nextRecordsUrl"] == f"/services/data/v67.0/tooling/query/{first['queryLocator']}"
    last = api.get(first["nextRecordsUrl"], root="").body
    assert (last["done"], last["queryLocator"], last["size"]) == (True, None, first["totalSize"] - 200)


def test_remote_sites_install_requests_and_selected_events(api):
    sites = tooling(
        api, "SELECT SiteName, EndpointUrl, IsActive, NamespacePrefix FROM RemoteProxy WHERE IsActive = true"
    ).body["records"]
    assert {site["EndpointUrl"] for site in sites} >= {"https://api.stripe.com", "https://tax.billing.example"}
    requests_ = tooling(
        api,
        "SELECT SubscriberPackageVersionKey, SecurityType, EnableRss, Status, CreatedBy.Username FROM PackageInstallRequest",
    ).body["records"]
    assert {(one["SecurityType"], one["CreatedBy"]["Username"]) for one in requests_} == {
        ("Full", "dana.admin@northwind.example")
    }
    assert tooling(api, "SELECT SelectedEntity FROM PlatformEventChannelMember").body["records"] == []


def test_automation_is_found_by_the_object_it_is_on(api, org):
    rule = {
        "ValidationName": "Locked",
        "Active": True,
        "EntityDefinitionId": "Account",
        "ErrorMessage": "No",
        "FullName": "Account.Locked",
    }
    org.platform.create("ValidationRule", rule)
    found = tooling(
        api,
        "SELECT ValidationName, EntityDefinition.QualifiedApiName FROM ValidationRule "
        "WHERE Active = true AND EntityDefinition.QualifiedApiName IN ('Account', 'blng__Invoice__c')",
    ).body["records"]
    assert [row["EntityDefinition"]["QualifiedApiName"] for row in found] == ["Account"]
    triggers = tooling(
        api, "SELECT Name, TableEnumOrId, NamespacePrefix, UsageBeforeUpdate FROM ApexTrigger WHERE Status = 'Active'"
    ).body["records"]
    # Setup knows custom objects by id: only the relationship says their names.
    assert [row["TableEnumOrId"][:3] for row in triggers] == ["01I", "01I"]
    named = tooling(api, "SELECT EntityDefinition.QualifiedApiName, NamespacePrefix FROM ApexTrigger").body["records"]
    assert {(row["EntityDefinition"]["QualifiedApiName"], row["NamespacePrefix"]) for row in named} == {
        ("SBQQ__Quote__c", "SBQQ"),
        ("blng__Invoice__c", "blng"),
    }
    flow = {"ApiName": "Stamp", "IsActive": True, "ProcessType": "AutoLaunchedFlow", "TriggerType": "RecordBeforeSave"}
    org.platform.create("FlowDefinitionView", {**flow, "TriggerObjectOrEventId": "Account"})
    (row,) = api.rows(
        "SELECT ApiName, TriggerObjectOrEvent.QualifiedApiName FROM FlowDefinitionView WHERE IsActive = true"
    )
    assert row["TriggerObjectOrEvent"]["QualifiedApiName"] == "Account"


def test_tooling_objects_describe_themselves(api):
    listed = api.get("/tooling/sobjects").body["sobjects"]
    assert {"InstalledSubscriberPackage", "RemoteProxy", "ApexClass"} <= {entry["name"] for entry in listed}
    described = api.get("/tooling/sobjects/InstalledSubscriberPackage/describe").body
    assert described["urls"]["sobject"] == "/services/data/v67.0/tooling/sobjects/InstalledSubscriberPackage"
    names = {field["name"] for field in described["fields"]}
    assert {"MinPackageVersionId", "SubscriberPackageId", "SubscriberPackageVersionId"} <= names
    assert api.get("/tooling/composite").status == 404
    assert api.get("/tooling/tooling/query?q=x").status == 404
    assert set(api.get("/tooling").body) == {"query", "queryAll", "sobjects"}


def test_children_come_in_the_envelope_of_the_whole_answer(api, org):
    soql = "SELECT Name, (SELECT AssigneeId FROM Assignments) FROM PermissionSet WHERE Name = 'Prerequisite_Verifier'"
    (row,) = tooling(api, soql).body["records"]
    assert {key: value for key, value in row["Assignments"].items() if key != "records"} == {
        "size": 1,
        "totalSize": 1,
        "done": True,
        "queryLocator": None,
        "entityTypeName": "PermissionSetAssignment",
    }
    assert list(api.rows(soql)[0]["Assignments"]) == ["totalSize", "done", "records"]


def test_a_composite_of_the_data_api_takes_no_tooling_requests(api):
    url = "/services/data/v67.0/tooling/query?q=SELECT+Id+FROM+RemoteProxy"
    request = {"method": "GET", "url": url, "referenceId": "a"}
    (part,) = api.call("POST", "/composite", {"compositeRequest": [request]}).body["compositeResponse"]
    assert (part["httpStatusCode"], part["body"][0]["errorCode"]) == (400, "INVALID_URI")


def test_setup_is_not_changed_through_the_tooling_api(api, org):
    request = {"SubscriberPackageVersionKey": "04t000000000001AAA", "SecurityType": "Full"}
    assert api.call("POST", "/tooling/sobjects/PackageInstallRequest", request).status == 405
    site = org.platform.rows("RemoteProxy")[0]["Id"]
    changed = api.call("PATCH", f"/tooling/sobjects/RemoteProxy/{site}", {"Metadata": {"isActive": False}})
    assert changed.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert api.call("DELETE", f"/tooling/sobjects/RemoteProxy/{site}").status == 405
