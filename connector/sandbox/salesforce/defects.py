"""What the scenarios change in a healthy org, one function each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from connector.sandbox.http import Response
from connector.sandbox.salesforce import packages
from connector.sandbox.salesforce.bootstrap import GATEWAY_TYPE, VERIFIER_SET
from connector.sandbox.salesforce.errors import ApiError
from connector.sandbox.salesforce.packages import Package
from connector.sandbox.salesforce.values import wire_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.sandbox.http import Request
    from connector.sandbox.salesforce.access import Access
    from connector.sandbox.salesforce.platform import Platform

#: value of the gateway's type that Stripe's guide has an administrator add (platform.md A2)
UNIVERSAL_TYPE = "Stripe (Universal Extension)"
_MANY_USERS = 200
_SETS_PER_USER = 10
_LOWER = (258, 0, 0, 1)


class Site(Protocol):
    """What a scenario may touch of an org."""

    platform: Platform
    access: Access
    #: the user behind the API
    user_id: str
    #: the administrator
    person_id: str
    faults: Callable[[Request], Response | None] | None

    def hide_field(self, sobject: str, field_name: str) -> None: ...

    def make_read_only(self, sobject: str, field_name: str) -> None: ...

    def define_picklist(self, sobject: str, field_name: str, values: Sequence[str]) -> None: ...

    def picklist(self, sobject: str, field_name: str) -> tuple[str, ...]: ...

    def create(self, sobject: str, fields: Mapping[str, Any]) -> str: ...


def nothing(_org: Site) -> None:
    """The healthy org needs no change."""


def no_permission(org: Site) -> None:
    _unassign(org, org.platform.row("PermissionSet", Name=VERIFIER_SET)["Id"])


def expired_licence(org: Site) -> None:
    licence = org.platform.row("PackageLicense", NamespacePrefix="blng")
    yesterday = wire_datetime(org.platform.now() - timedelta(days=1))
    org.platform.update("PackageLicense", licence["Id"], {"Status": "Expired", "ExpirationDate": yesterday})


def legacy_gateway(org: Site) -> None:
    _rewire(org, GATEWAY_TYPE, "StripeGateway")
    org.platform.assign(org.platform.row("PermissionSet", Name="StripePaymentGatewayAdmin")["Id"], org.person_id)


def universal_gateway(org: Site) -> None:
    packages.install(org.platform, packages.BILLING_EXTENSION, installer_id=org.person_id)
    for sobject, name, more in (
        ("blng__PaymentGateway__c", "blng__GatewayType__c", (UNIVERSAL_TYPE,)),
        ("blng__PaymentMethod__c", "blng__BankAccountType__c", ("Individual", "Company")),
    ):
        org.define_picklist(sobject, name, (*org.picklist(sobject, name), *more))
    _rewire(org, UNIVERSAL_TYPE, packages.BILLING_EXTENSION.apex_classes[0])
    for name in ("Global_Connector_Admin_User", *(name for name, _ in packages.BILLING_EXTENSION.permission_sets)):
        org.platform.assign(org.platform.row("PermissionSet", Name=name)["Id"], org.person_id)
    org.platform.create("stripeGC__Stripe_Account__c", {"Name": "Northwind Instruments"})


def drifted(org: Site) -> None:
    lower = replace(packages.CPQ, version=_LOWER)
    installed = _installed(org, "SBQQ")
    version = org.platform.create(
        "SubscriberPackageVersion", packages.version_fields(lower, installed["SubscriberPackageId"])
    )
    org.platform.update("InstalledSubscriberPackage", installed["Id"], {"SubscriberPackageVersionId": version})
    publisher = org.platform.row("Publisher", NamespacePrefix="SBQQ")
    org.platform.update("Publisher", publisher["Id"], {"MajorVersion": _LOWER[0], "MinorVersion": _LOWER[1]})
    _unassign(org, org.platform.row("PermissionSet", Name="SalesforceBillingAdmin")["Id"])
    site = org.platform.row("RemoteProxy", NamespacePrefix="blng")
    org.platform.update("RemoteProxy", site["Id"], {"IsActive": False})


def two_collectors(org: Site) -> None:
    today = org.platform.now().date()
    gateway = org.platform.row("blng__PaymentGateway__c", Name=GATEWAY_TYPE)["Id"]
    schedule = {"Name": "Nightly collection", "blng__Type__c": "Daily", "blng__PaymentGateway__c": gateway}
    scheduler = org.create("blng__PaymentScheduler__c", {**schedule, "blng__TargetDate__c": today.isoformat()})
    run = {"Name": "Nightly collection 1", "blng__PaymentScheduler__c": scheduler, "blng__Status__c": "Started"}
    org.create("blng__PaymentRun__c", {**run, "blng__StartTime__c": wire_datetime(org.platform.now())})
    account = org.create("Account", {"Name": "Copperfield Utilities"})
    contact = {"AccountId": account, "LastName": "Field", "Email": "accounts.payable@copperfield.example"}
    org.platform.update("Account", account, {"blng__BillToContact__c": org.create("Contact", contact)})
    method = {"blng__Account__c": account, "blng__PaymentType__c": "Credit Card", "blng__Active__c": True}
    org.create("blng__PaymentMethod__c", {**method, "blng__AutoPay__c": True})
    invoice = org.create(
        "blng__Invoice__c",
        {
            "blng__Account__c": account,
            "blng__InvoiceStatus__c": "Posted",
            "blng__InvoiceDate__c": today.isoformat(),
            "blng__DueDate__c": (today + timedelta(days=30)).isoformat(),
        },
    )
    amounts = {"blng__Subtotal__c": "100.00", "blng__TaxAmount__c": "0.00", "blng__TotalAmount__c": "100.00"}
    line = {"blng__Invoice__c": invoice, "Name": "Water", "blng__Quantity__c": 1, "blng__UnitPrice__c": "100.00"}
    org.create("blng__InvoiceLine__c", {**line, **amounts, "blng__InvoiceLineStatus__c": "Posted"})


def no_fls(org: Site) -> None:
    org.hide_field("Account", "Phone")
    org.make_read_only("blng__Invoice__c", "Stripe_Status__c")


def odd_names(org: Site) -> None:
    for package in (
        Package(name="Acme Core 🚀", namespace="acme", version=(3, 4, 1, 2), installed_days_ago=30),
        Package(name="Acme Add-on", namespace="acme", version=(1, 0, 0, 1), installed_days_ago=29),
        Package(name="Zürich Tools ✨", namespace="zrh", version=(1, 2, 0, 3), installed_days_ago=20, beta=True),
        Package(name="密 Vault", namespace=None, version=(0, 9, 0, 1), installed_days_ago=10, key="sesame"),
    ):
        packages.install(org.platform, package, installer_id=org.person_id)
    lost = packages.install(
        org.platform, Package(name="Lost", namespace="lost", version=(1, 0, 0, 1), installed_days_ago=5),
        installer_id=org.person_id,
    )  # fmt: skip
    org.platform.update("InstalledSubscriberPackage", lost, {"SubscriberPackageVersionId": None})
    org.platform.create("InstalledSubscriberPackage", {})
    profile = org.platform.row("Profile", Name="Standard User")["Id"]
    sets = [
        org.platform.create("PermissionSet", {"Name": f"Odd_{n}", "Label": f"Odd 🦆 {n}"})
        for n in range(_SETS_PER_USER)
    ]
    for number in range(_MANY_USERS):
        name = f"duck.{number}@northwind.example"
        user = {
            "LastName": f"🦆 {number}",
            "Username": name,
            "Email": name,
            "Alias": f"d{number}",
            "ProfileId": profile,
        }
        user |= {"CommunityNickname": f"duck.{number}", "TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US"}
        user |= {"EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US", "IsActive": number % 2 == 0}
        user_id = org.platform.create("User", user)
        for permission_set in sets:
            org.platform.assign(permission_set, user_id)


def calls_fail(org: Site) -> None:
    org.access.refuse(
        "RemoteProxy", ApiError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. ErrorId: 1-2 (-3)")
    )
    org.access.refuse(
        "PermissionSetLicense", ApiError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on this entity")
    )
    org.access.refuse("OauthToken", ApiError(400, "QUERY_TIMEOUT", "Your query request was running for too long."))
    page = Response(
        status=503, headers={"Content-Type": "text/html"}, body=b"<html><body>Down for maintenance</body></html>"
    )
    org.faults = lambda request: page if request.path.rstrip("/").endswith("/limits") else None


def automation(org: Site) -> None:
    durable = org.platform.durable_id("blng__Invoice__c")
    invoice = {"TriggerObjectOrEventId": durable, "TriggerObjectOrEventLabel": "Invoice"}
    flow = {"ApiName": "Stamp_Invoice", "Label": "Stamp invoice", "DurableId": "300000000000001AAA", "IsActive": True}
    flow |= {"ProcessType": "AutoLaunchedFlow", "TriggerType": "RecordBeforeSave", "RecordTriggerType": "Update"}
    org.platform.create("FlowDefinitionView", {**flow, **invoice, "ManageableState": "unmanaged"})
    trigger = {"Name": "InvoiceStamp", "TableEnumOrId": durable, "EntityDefinitionId": durable}
    org.platform.create("ApexTrigger", {**trigger, **packages.CODE, "UsageBeforeUpdate": True})
    rule: dict[str, Any] = {
        "ValidationName": "Phone_needed",
        "FullName": "Account.Phone_needed",
        "EntityDefinitionId": "Account",
    }
    told = {"active": True, "errorConditionFormula": "ISBLANK(Phone)", "errorMessage": "A phone number is needed"}
    rule |= {"Active": True, "ErrorMessage": told["errorMessage"], "Metadata": told}
    org.platform.create("ValidationRule", rule)


def billing_first(org: Site) -> None:
    when = wire_datetime(org.platform.now() - timedelta(days=packages.CPQ.installed_days_ago + 1))
    billing = _installed(org, "blng")
    org.platform.update("InstalledSubscriberPackage", billing["Id"], {"CreatedDate": when})
    request = org.platform.row(
        "PackageInstallRequest", SubscriberPackageVersionKey=billing["SubscriberPackageVersionId"]
    )
    org.platform.update("PackageInstallRequest", request["Id"], {"CreatedDate": when})


def admins_only(org: Site) -> None:
    for request in org.platform.rows("PackageInstallRequest"):
        org.platform.update("PackageInstallRequest", request["Id"], {"SecurityType": "None"})
    for parent in org.platform.profile_sets(but_admin=True):
        for row in org.platform.rows("ObjectPermissions", ParentId=parent):
            org.platform.remove("ObjectPermissions", row["Id"])


def _installed(org: Site, namespace: str) -> Mapping[str, Any]:
    package = org.platform.row("SubscriberPackage", NamespacePrefix=namespace)
    return org.platform.row("InstalledSubscriberPackage", SubscriberPackageId=package["Id"])


def _unassign(org: Site, permission_set: str) -> None:
    for row in org.platform.rows("PermissionSetAssignment", PermissionSetId=permission_set, AssigneeId=org.user_id):
        org.platform.remove("PermissionSetAssignment", row["Id"])


def _rewire(org: Site, gateway_type: str, class_name: str) -> None:
    """The gateway is served by a class of Stripe's instead of the company's own."""
    gateway = org.platform.row("blng__PaymentGateway__c", Name=GATEWAY_TYPE)
    org.platform.update("blng__PaymentGateway__c", gateway["Id"], {"blng__GatewayType__c": gateway_type})
    config = org.platform.row("blng__PaymentGatewayConfig__c", Name=GATEWAY_TYPE)
    fields = {"Name": gateway_type, "blng__ClassName__c": class_name}
    org.platform.update("blng__PaymentGatewayConfig__c", config["Id"], fields)
    own = org.platform.row("ApexClass", Name="NorthwindGateway")
    org.platform.remove("ApexClass", own["Id"])
