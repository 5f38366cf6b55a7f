"""Orgs by name: each differs from the healthy one by exactly what its description says."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from connector.sandbox.http import Request
from connector.sandbox.salesforce import packages
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.scenarios import SCENARIOS, find
from connector.sandbox.salesforce.seed import seed
from tests.unit.sandbox.salesforce.conftest import Api
from tests.unit.sandbox.salesforce.test_org_tooling import CLI_LIST, tooling

NAMES = [scenario.name for scenario in SCENARIOS]
STAMPS = {"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
MANY = 2000


@pytest.fixture
def make(clock):
    return lambda name: Api(Org(clock=clock, seed=7, scenario=name))


def rows_of(api):
    return {
        (table, row["Id"]): {name: value for name, value in row.items() if name not in STAMPS - {"CreatedDate"}}
        for table, content in api.org.dump()["tables"].items()
        for row in content["rows"]
    }


def difference(healthy, other):
    """Records added, gone and changed per object, and per changed field."""
    before, after = rows_of(healthy), rows_of(other)
    found = Counter(f"+{table}" for table, _ in after.keys() - before.keys())
    found += Counter(f"-{table}" for table, _ in before.keys() - after.keys())
    for key in before.keys() & after.keys():
        for name in before[key].keys() | after[key].keys():
            found[f"{key[0]}.{name}"] += before[key].get(name) != after[key].get(name)
    return dict(+found)


PLANTED = {
    "no-permission": {"-PermissionSetAssignment": 1},
    "expired-licence": {"PackageLicense.Status": 1, "PackageLicense.ExpirationDate": 1},
    "drifted": {
        "+SubscriberPackageVersion": 1,
        "InstalledSubscriberPackage.SubscriberPackageVersionId": 1,
        "Publisher.MajorVersion": 1,
        "Publisher.MinorVersion": 1,
        "RemoteProxy.IsActive": 1,
        "-PermissionSetAssignment": 1,
    },
    "sandbox-with-live-key": {},
    # A production org has the Your Account app, and so a buyer who uses it.
    "production-with-test-key": {
        "Organization.IsSandbox": 1,
        "Organization.InstanceName": 1,
        "+Profile": 1,
        "+PermissionSet": 2,
        "+User": 1,
        "+PermissionSetAssignment": 2,
        "UserLicense.UsedLicenses": 1,
        "+PermissionSetLicense": 1,
        "+PermissionSetLicenseAssign": 1,
    },
    "two-collectors": {
        "+Account": 1,
        "+Contact": 1,
        "+blng__PaymentScheduler__c": 1,
        "+blng__PaymentRun__c": 1,
        "+blng__PaymentMethod__c": 1,
        "+blng__Invoice__c": 1,
        "+blng__InvoiceLine__c": 1,
    },
    "no-fls": {},
    "retired-version": {},
    "calls-fail": {},
    "automation": {"+FlowDefinitionView": 1, "+ApexTrigger": 1, "+ValidationRule": 1},
    "billing-first": {"InstalledSubscriberPackage.CreatedDate": 1, "PackageInstallRequest.CreatedDate": 1},
    "admins-only": {"PackageInstallRequest.SecurityType": 2, "-ObjectPermissions": 6},
    "odd-names": {
        "+InstalledSubscriberPackage": 6,
        "+SubscriberPackage": 5,
        "+SubscriberPackageVersion": 5,
        "+PackageInstallRequest": 5,
        "+Publisher": 4,
        "+PackageLicense": 4,
        "+PermissionSet": 10,
        "+User": 200,
        "+PermissionSetAssignment": MANY,
    },
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_scenario_plants_exactly_its_records(make, name):
    assert difference(make("demo"), make(name)) == PLANTED[name]


def test_every_scenario_is_tried_here_or_by_its_objects():
    by_objects = {
        "demo",
        "fresh",
        "cpq-only",
        "legacy",
        "universal",
        "two-writers",
        "no-fields",
        "single-currency",
    }
    assert set(NAMES) == set(PLANTED) | by_objects


@pytest.mark.parametrize("name", NAMES)
def test_every_org_can_be_seeded_saved_and_read_as_a_whole(make, clock, name):
    api = make(name)
    seed(api.org)
    assert len(api.org.ids("Account")) >= 12
    if name != "retired-version":
        assert api.query("SELECT COUNT() FROM Account").body["totalSize"] >= 12
    saved = json.loads(json.dumps(api.org.dump()))
    again = Org(clock=clock, seed=7, scenario=name)
    again.load(saved)
    assert again.dump() == api.org.dump()


def test_a_saved_state_is_not_read_as_that_of_another_org(make):
    with pytest.raises(ValueError, match="'fresh'"):
        make("demo").org.load(make("fresh").org.dump())


def test_an_unknown_name_names_the_known_ones(clock):
    with pytest.raises(ValueError, match="demo, fresh, cpq-only"):
        Org(clock=clock, seed=1, scenario="nope")


def namespaces(api):
    records = tooling(api, CLI_LIST).body["records"]
    return [row["SubscriberPackage"]["NamespacePrefix"] for row in records]


def test_the_healthy_org_has_both_packages_and_nothing_of_stripes(make):
    api = make("demo")
    assert namespaces(api) == ["SBQQ", "blng"]
    assert api.rows("SELECT Id FROM ApexClass WHERE Name LIKE '%Stripe%'") == []
    assert "Stripe_Id__c" in api.org.access.actor(api.org.user_id).objects["blng__Invoice__c"].fields


def test_the_healthy_org_shows_how_orders_are_set_up(make):
    api = make("demo")
    seed(api.org)
    several = api.rows(
        "SELECT SBQQ__Quote__c, COUNT(Id) FROM Order WHERE SBQQ__Quote__c != null "
        "GROUP BY SBQQ__Quote__c HAVING COUNT(Id) > 1 LIMIT 1"
    )
    assert several[0]["expr0"] == 3
    orders = api.rows("SELECT EffectiveDate, SBQQ__Quote__r.SBQQ__StartDate__c FROM Order ORDER BY CreatedDate DESC")
    assert len(orders) == 6
    assert all(row["EffectiveDate"] == row["SBQQ__Quote__r"]["SBQQ__StartDate__c"] for row in orders)


def test_fresh_has_no_package_and_no_trace_of_one(make):
    api = make("fresh")
    assert namespaces(api) == []
    listed = {entry["name"] for entry in api.get("/sobjects").body["sobjects"]}
    assert not [name for name in listed if name.startswith(("SBQQ__", "blng__", "stripe"))]
    fields = {field["name"] for field in api.get("/sobjects/Account/describe").body["fields"]}
    assert not [name for name in fields if name.endswith("__c")]
    for sobject in ("PackageLicense", "Publisher", "PermissionSetLicense", "CspTrustedSite", "OauthToken"):
        assert api.rows(f"SELECT Id FROM {sobject}") == [], sobject
    assert api.query("SELECT Id FROM SBQQ__Quote__c").code == "INVALID_TYPE"
    assert tooling(api, "SELECT Id FROM RemoteProxy").body["size"] == 0


def test_cpq_only_lacks_billing_and_what_builds_on_it(make):
    api = make("cpq-only")
    assert namespaces(api) == ["SBQQ"]
    assert api.query("SELECT Id FROM blng__Invoice__c").code == "INVALID_TYPE"
    assert api.query("SELECT Stripe_Id__c FROM SBQQ__Quote__c").status == 200
    assert api.query("SELECT blng__BillToContact__c FROM Account").code == "INVALID_FIELD"


def test_without_permission_only_the_fall_backs_answer(make):
    api = make("no-permission")
    assert tooling(api, CLI_LIST).code == "INVALID_TYPE"
    assert api.get("/limits").status == 403
    rows = api.rows("SELECT NamespacePrefix, MajorVersion, MinorVersion FROM Publisher")
    assert {row["NamespacePrefix"] for row in rows} == {"SBQQ", "blng"}
    assert api.rows("SELECT PermissionsApiEnabled FROM UserPermissionAccess")[0]["PermissionsApiEnabled"] is True


@pytest.mark.parametrize(
    ("name", "installed"),
    [
        ("legacy", ["SBQQ", "blng", "stripebilling"]),
        ("universal", ["SBQQ", "blng", "stripeGC", None]),
        ("two-writers", ["SBQQ", "blng", "stripebilling", "stripeGC", None]),
    ],
)
def test_stripes_packages_for_admins_only_after_both(make, name, installed):
    api = make(name)
    assert namespaces(api) == installed
    by_date = tooling(
        api, "SELECT SubscriberPackage.NamespacePrefix FROM InstalledSubscriberPackage ORDER BY CreatedDate"
    ).body["records"]
    assert [row["SubscriberPackage"]["NamespacePrefix"] for row in by_date] == installed
    kinds = tooling(api, "SELECT SecurityType FROM PackageInstallRequest ORDER BY CreatedDate").body["records"]
    assert [row["SecurityType"] for row in kinds] == ["Full", "Full", *["None"] * (len(installed) - 2)]
    (config,) = api.rows("SELECT Name, blng__ClassName__c FROM blng__PaymentGatewayConfig__c")
    (gateway,) = api.rows("SELECT blng__GatewayType__c FROM blng__PaymentGateway__c WHERE blng__Active__c = true")
    assert gateway["blng__GatewayType__c"] == config["Name"]
    assert len(api.rows(f"SELECT Id FROM ApexClass WHERE Name = '{config['blng__ClassName__c']}'")) == 1


def test_the_unmanaged_extension_is_found_by_class_permission_set_and_describe(make):
    api = make("universal")
    (row,) = [row for row in tooling(api, CLI_LIST).body["records"] if not row["SubscriberPackage"]["NamespacePrefix"]]
    assert row["SubscriberPackageVersion"]["Id"] == "04tRN000007JYzdYAG"
    names = packages.BILLING_EXTENSION.apex_classes
    classes = api.rows(f"SELECT Name, NamespacePrefix FROM ApexClass WHERE Name IN {names}")
    assert [row["NamespacePrefix"] for row in classes] == [None, None]
    fields = {f["name"]: f for f in api.get("/sobjects/blng__PaymentGateway__c/describe").body["fields"]}
    values = [entry["value"] for entry in fields["blng__GatewayType__c"]["picklistValues"]]
    assert "Stripe (Universal Extension)" in values
    assert len(api.rows("SELECT Id, Name FROM stripeGC__Stripe_Account__c")) == 1


def test_a_mapped_field_is_hidden_and_another_cannot_be_written(make):
    api = make("no-fls")
    assert api.query("SELECT Phone FROM Account").code == "INVALID_FIELD"
    (status,) = [
        f for f in api.get("/sobjects/blng__Invoice__c/describe").body["fields"] if f["name"] == "Stripe_Status__c"
    ]
    assert (status["updateable"], status["createable"]) == (False, False)


def test_our_fields_were_never_deployed(make):
    api = make("no-fields")
    assert api.query("SELECT Stripe_Id__c FROM Account").code == "INVALID_FIELD"
    assert api.rows("SELECT Id FROM PermissionSet WHERE Name = 'Stripe_Connector'") == []
    assert namespaces(api) == ["SBQQ", "blng"]


def test_odd_names_are_answered_as_they_are(make):
    api = make("odd-names")
    rows = tooling(api, CLI_LIST).body["records"]
    seen = [(row["SubscriberPackage"] or {}).get("NamespacePrefix") for row in rows]
    assert (seen.count("acme"), seen.count(None)) == (2, 2)
    assert len([row for row in rows if row["SubscriberPackageVersion"] is None]) == 2
    assert len([row for row in rows if row["SubscriberPackage"] is None]) == 1
    (beta,) = [row for row in rows if (row["SubscriberPackage"] or {}).get("NamespacePrefix") == "zrh"]
    version = beta["SubscriberPackageVersion"]
    assert (version["MajorVersion"], version["MinorVersion"], version["BuildNumber"]) == (1, 2, 3)
    assert beta["SubscriberPackage"]["Name"] == "Zürich Tools ✨"
    (vault,) = [row for row in rows if (row["SubscriberPackage"] or {}).get("Name") == "密 Vault"]
    locked = tooling(
        api, f"SELECT Id FROM SubscriberPackageVersion WHERE Id = '{vault['SubscriberPackageVersion']['Id']}'"
    )
    assert (locked.status, "installationkey" in locked.message) == (400, True)
    odd = "SELECT Id, Assignee.Name FROM PermissionSetAssignment WHERE PermissionSet.Label LIKE 'Odd%'"
    first = api.query(odd).body
    assert (first["totalSize"], len(first["records"])) == (MANY, MANY)


def test_one_currency_has_no_currency_field(make):
    api = make("single-currency")
    assert api.query("SELECT CurrencyIsoCode FROM blng__Invoice__c").code == "INVALID_FIELD"
    assert api.query("SELECT Id FROM CurrencyType").code == "INVALID_TYPE"


def test_the_configured_version_is_retired(make):
    api = make("retired-version")
    assert api.org.api_version == "67.0"
    assert api.get("/limits").status == 410
    assert api.get("/services/data", root="").body[0]["version"] == "68.0"
    assert api.get("/services/data/v68.0/limits", root="").status == 200


def test_some_calls_fail_alone_and_inside_a_composite(make):
    api = make("calls-fail")
    failed = tooling(api, "SELECT SiteName FROM RemoteProxy")
    assert (failed.status, failed.code) == (500, "UNKNOWN_EXCEPTION")
    assert tooling(api, CLI_LIST).status == 200
    soql = "/services/data/v67.0/query?q=SELECT+Id+FROM+"
    subrequests = [
        {"method": "GET", "url": soql + sobject, "referenceId": sobject}
        for sobject in ("PermissionSetLicense", "OauthToken", "Account")
    ]
    parts = api.call("POST", "/composite", {"compositeRequest": subrequests}).body["compositeResponse"]
    assert [part["httpStatusCode"] for part in parts] == [403, 400, 200]
    headers = {"authorization": f"Bearer {api.org.access_token}"}
    page = api.org.handle(Request(method="GET", path="/services/data/v67.0/limits", headers=headers))
    assert (page.status, page.body[:6]) == (503, b"<html>")


def test_a_plant_may_happen_to_an_org_that_is_running(make):
    """How drift is tried: the healthy org is looked at, then changes under the looker."""
    api = make("demo")
    before = tooling(api, CLI_LIST).body["records"][0]["SubscriberPackageVersion"]
    find("drifted").plant(api.org)
    after = tooling(api, CLI_LIST).body["records"][0]["SubscriberPackageVersion"]
    assert (before["MajorVersion"], after["MajorVersion"]) == (262, 258)
    assert before["Id"] != after["Id"]
