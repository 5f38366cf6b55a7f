"""Installed packages and what each leaves in Setup: versions, licences, sites, classes and permission sets.

Names and licence keys are those of platform.md A2; version numbers follow the release trains (228 was Winter '21, two per
release); addresses and package ids are invented, because the real ones are not public.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.values import wire_datetime

if TYPE_CHECKING:
    from connector.sandbox.salesforce.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    name: str
    #: None: unmanaged or unlocked
    namespace: str | None
    #: major, minor, patch, build
    version: tuple[int, int, int, int]
    #: days before today; the order of installation
    installed_days_ago: int
    #: PackageInstallRequest.SecurityType: Full is all users, None is admins only
    security: str = "Full"
    beta: bool = False
    key: str | None = None
    remote_sites: tuple[tuple[str, str], ...] = ()
    csp_sites: tuple[tuple[str, str], ...] = ()
    #: (API name, label)
    permission_sets: tuple[tuple[str, str], ...] = ()
    apex_classes: tuple[str, ...] = ()
    #: (trigger, object)
    apex_triggers: tuple[tuple[str, str], ...] = ()
    #: objects whose rights a profile can grant
    profile_objects: tuple[str, ...] = ()
    #: a known id of the version; None: one of this org
    version_id: str | None = None


CPQ = Package(
    name="Salesforce CPQ",
    namespace="SBQQ",
    version=(262, 1, 0, 4),
    installed_days_ago=420,
    remote_sites=(("SteelBrickCalculation", "https://calculation.cpq.example"),),
    csp_sites=(("SteelBrickEditor", "https://editor.cpq.example"),),
    permission_sets=(("SteelBrickCPQAdmin", "Salesforce CPQ Admin"), ("SteelBrickCPQUser", "Salesforce CPQ User")),
    apex_classes=("QuoteService", "OrderGenerator"),
    apex_triggers=(("QuoteBefore", "SBQQ__Quote__c"),),
    profile_objects=("SBQQ__DiscountSchedule__c",),
)
BILLING = Package(
    name="Salesforce Billing",
    namespace="blng",
    version=(262, 0, 0, 7),
    installed_days_ago=419,
    remote_sites=(("BillingTax", "https://tax.billing.example"),),
    permission_sets=(("SalesforceBillingAdmin", "Salesforce Billing Admin"),),
    apex_classes=("InvoiceRunBatch", "PaymentGatewayManager"),
    apex_triggers=(("InvoiceBefore", "blng__Invoice__c"),),
    profile_objects=("blng__Invoice__c", "blng__Payment__c"),
)
UNIVERSAL = Package(
    name="Stripe app for Salesforce Platform",
    namespace="stripeGC",
    version=(2, 7, 0, 1),
    installed_days_ago=90,
    security="None",
    remote_sites=(("Stripe_API", "https://api.stripe.com"),),
    permission_sets=(
        ("Global_Connector_Integration_User", "Stripe app Integration User"),
        ("Global_Connector_Data_User", "Stripe app Data User"),
        ("Global_Connector_Admin_User", "Stripe app Admin User"),
        ("Global_Connector_Billing_User", "Stripe app Billing User"),
    ),
    apex_classes=("GlobalConnector",),
)
# Unmanaged: no namespace; found by its classes and permission set. The version id is public, the class names are not.
BILLING_EXTENSION = Package(
    name="Salesforce Billing Extension",
    namespace=None,
    version=(1, 4, 0, 1),
    installed_days_ago=60,
    security="None",
    version_id="04tRN000007JYzdYAG",
    permission_sets=(("Stripe_Billing_Extension_User", "Stripe Billing Extension User"),),
    apex_classes=("StripeBillingExtensionGateway", "StripeBillingExtensionAchAdapter"),
)
# The real namespace of the superseded connector is not public: an operator names it, this is an example.
LEGACY = Package(
    name="Stripe Connector for Salesforce Billing",
    namespace="stripebilling",
    version=(3, 2, 0, 2),
    installed_days_ago=380,
    security="None",
    remote_sites=(("StripeApi", "https://api.stripe.com"),),
    permission_sets=(
        ("StripePaymentGatewayAdmin", "Stripe Payment Gateway Admin"),
        ("StripePaymentGatewayUser", "Stripe Payment Gateway User"),
    ),
    apex_classes=("StripeGateway",),
)
KNOWN = {"SBQQ": CPQ, "blng": BILLING, "stripeGC": UNIVERSAL, "stripebilling": LEGACY}

#: what every class and trigger says of itself
CODE = {"ApiVersion": 66, "Status": "Active", "IsValid": True, "LengthWithoutComments": 1200}


def install(platform: Platform, package: Package, *, installer_id: str) -> str:
    """Leaves everything an installation leaves; returns the id of the InstalledSubscriberPackage."""
    when = wire_datetime(platform.now() - timedelta(days=package.installed_days_ago))
    dated = {"CreatedDate": when, "CreatedById": installer_id}
    subscriber = platform.create(
        "SubscriberPackage",
        {"Name": package.name, "NamespacePrefix": package.namespace, "IsPackageValid": True, **dated},
    )
    version = platform.create("SubscriberPackageVersion", {**version_fields(package, subscriber), **dated})
    installed = platform.create(
        "InstalledSubscriberPackage",
        {
            "SubscriberPackageId": subscriber,
            "SubscriberPackageVersionId": version,
            "MinPackageVersionId": version,
            **dated,
        },
    )
    request = {"SubscriberPackageVersionKey": version, "SecurityType": package.security, "EnableRss": True}
    request |= {"NameConflictResolution": "Block", "Status": "SUCCESS", **dated}
    platform.create("PackageInstallRequest", request)
    if package.namespace is not None:
        _managed_footprint(platform, package)
    _components(platform, package)
    return installed


def version_fields(package: Package, subscriber: str) -> dict[str, Any]:
    major, minor, patch, build = package.version
    fields: dict[str, Any] = {
        "SubscriberPackageId": subscriber,
        "Name": package.name,
        "MajorVersion": major,
        "MinorVersion": minor,
        "PatchVersion": patch,
        "BuildNumber": build,
        "IsBeta": package.beta,
        "IsDeprecated": False,
        "IsManaged": package.namespace is not None,
        "IsPasswordProtected": package.key is not None,
        "IsSecurityReviewed": package.namespace is not None,
        "InstallationKey": package.key,
        "ReleaseState": "Beta" if package.beta else "Released",
        "RemoteSiteSettings": {"settings": [{"secure": True, "url": url} for _, url in package.remote_sites]},
        "CspTrustedSites": {"settings": [{"endpointUrl": url} for _, url in package.csp_sites]},
    }
    return fields if package.version_id is None else {**fields, "Id": package.version_id}


def _managed_footprint(platform: Platform, package: Package) -> None:
    major, minor, *_ = package.version
    publisher = {
        "Name": package.name,
        "NamespacePrefix": package.namespace,
        "DurableId": f"Publisher-{package.namespace}",
    }
    platform.create("Publisher", {**publisher, "MajorVersion": major, "MinorVersion": minor})
    # -1: a site licence, which CPQ has had since its release 228.
    licence = {"NamespacePrefix": package.namespace, "Status": "Active", "AllowedLicenses": -1, "UsedLicenses": 2}
    platform.create("PackageLicense", {**licence, "IsProvisioned": True})


def _components(platform: Platform, package: Package) -> None:
    named = {"NamespacePrefix": package.namespace}
    for site, url in package.remote_sites:
        platform.create("RemoteProxy", {"SiteName": site, "EndpointUrl": url, "IsActive": True, **named})
    for site, url in package.csp_sites:
        fields = {"DeveloperName": site, "MasterLabel": site, "EndpointUrl": url, "IsActive": True, "Context": "All"}
        platform.create("CspTrustedSite", {**fields, **named})
    for name in package.apex_classes:
        platform.create("ApexClass", {"Name": name, **CODE, **named})
    for name, sobject in package.apex_triggers:
        durable = platform.durable_id(sobject)
        trigger = {"Name": name, "TableEnumOrId": durable, "EntityDefinitionId": durable}
        platform.create("ApexTrigger", {**trigger, **CODE, "UsageBeforeUpdate": True, **named})
    for name, label in package.permission_sets:
        made = platform.create("PermissionSet", {"Name": name, "Label": label, **named})
        for sobject in package.profile_objects:
            platform.allow(made, sobject)
    if package.security == "Full":
        for profile_set in platform.profile_sets(but_admin=True):
            for sobject in package.profile_objects:
                platform.allow(profile_set, sobject)
