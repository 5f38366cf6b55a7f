"""What every org has before anybody works in it: itself, its licences, profiles and users, currencies and packages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce import packages
from connector.sandbox.salesforce.values import wire_datetime

if TYPE_CHECKING:
    from connector.sandbox.salesforce.platform import Platform
    from connector.sandbox.salesforce.settings import OrgSettings

#: ISO code, decimal places at Salesforce, units for one unit of the corporate currency (made up, stable)
CURRENCIES = (
    ("USD", 2, Decimal("1.000000")),
    ("EUR", 2, Decimal("0.920000")),
    ("GBP", 2, Decimal("0.790000")),
    ("CHF", 2, Decimal("0.880000")),
    ("CAD", 2, Decimal("1.360000")),
    ("JPY", 0, Decimal("150.000000")),
    ("KWD", 3, Decimal("0.310000")),
)
USERNAME = "stripe.connector@northwind.example"
GATEWAY_TYPE = "Stripe"
#: what the verifier's user needs beyond the right to call the API
VERIFIER_PERMISSIONS = (
    "PermissionsViewSetup",
    "PermissionsInstallPackaging",
    "PermissionsManageUsers",
    "PermissionsCustomizeApplication",
    "PermissionsModifyMetadata",
    "PermissionsAssignPermissionSets",
)
VERIFIER_SET = "Prerequisite_Verifier"
_ADMIN_LACKS = frozenset({"PermissionsApiUserOnly"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Founders:
    """Ids of the records the org itself refers to."""

    org_id: str
    #: the person who edits records in the browser
    person_id: str
    #: the user behind API tokens
    integration_id: str


def found(platform: Platform, settings: OrgSettings) -> Founders:
    """Creates the first records as the platform, the vendors and the first administrator would."""
    org_id = platform.create("Organization", _organization(settings))
    licences = _licences(platform)
    profiles = _profiles(platform, licences)
    person = _hire(platform, _user("Dana", "Admin", "dana.admin@northwind.example", profiles["admin"]))
    integration = _hire(platform, _user("Stripe", "Connector", USERNAME, profiles["integration"]))
    _hire(platform, _user("Sam", "Seller", "sam.seller@northwind.example", profiles["standard"]))
    if platform.knows("CurrencyType"):
        for code, places, rate in CURRENCIES:
            currency = {"IsoCode": code, "DecimalPlaces": places, "ConversionRate": rate, "IsActive": True}
            platform.create("CurrencyType", {**currency, "IsCorporate": code == settings.default_currency})
    for namespace in settings.packages:
        packages.install(platform, packages.KNOWN[namespace], installer_id=person)
    verifier = {"Name": VERIFIER_SET, "Label": "Prerequisite Verifier", "IsCustom": True}
    permissions = dict.fromkeys(VERIFIER_PERMISSIONS, True)
    platform.assign(platform.create("PermissionSet", {**verifier, **permissions}), integration)
    _personas(platform, person, integration)
    _setup(platform, integration)
    if settings.packages:
        _sites(platform)
    platform.create("Pricebook2", {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True})
    return Founders(org_id=org_id, person_id=person, integration_id=integration)


def _organization(settings: OrgSettings) -> dict[str, Any]:
    return {
        "Name": "Northwind Instruments",
        "IsSandbox": settings.is_sandbox,
        "OrganizationType": "Enterprise Edition",
        "InstanceName": "SBX1" if settings.is_sandbox else "NA1",
        "TimeZoneSidKey": "GMT",
        "LanguageLocaleKey": "en_US",
        "DefaultLocaleSidKey": "en_US",
    }


def _licences(platform: Platform) -> dict[str, str]:
    kinds = {
        "salesforce": ("Salesforce", "SFDC", 25),
        "integration": ("Salesforce Integration", "SFDC_INTEGRATION", 5),
        "identity": ("Identity", "PID_IDENTITY", 100),
    }
    return {
        key: platform.create(
            "UserLicense",
            {
                "Name": name,
                "MasterLabel": name,
                "LicenseDefinitionKey": definition,
                "Status": "Active",
                "TotalLicenses": total,
                "UsedLicenses": {"salesforce": 2, "integration": 1, "identity": 0}[key],
            },
        )
        for key, (name, definition, total) in kinds.items()
    }


def _profiles(platform: Platform, licences: dict[str, str]) -> dict[str, str]:
    kinds = {
        "admin": ("System Administrator", "salesforce", _all_permissions(platform)),
        "standard": ("Standard User", "salesforce", ("PermissionsApiEnabled",)),
        "integration": ("Salesforce API Only System Integrations", "integration", ("PermissionsApiEnabled",)),
    }
    made = {}
    for key, (name, licence, permissions) in kinds.items():
        made[key] = platform.create(
            "Profile", {"Name": name, "UserLicenseId": licences[licence], "UserType": "Standard"}
        )
        owned = {"Name": f"X00e{key}", "Label": name, "IsOwnedByProfile": True, "ProfileId": made[key]}
        owned_id = platform.create("PermissionSet", {**owned, **dict.fromkeys(permissions, True)})
        if "PermissionsModifyAllData" in permissions:
            platform.allow_everything(owned_id)
    return made


def _all_permissions(platform: Platform) -> tuple[str, ...]:
    names = (name for name in platform.field_names("PermissionSet") if name.startswith("Permissions"))
    return tuple(name for name in names if name not in _ADMIN_LACKS)


def _personas(platform: Platform, person: str, integration: str) -> None:
    """Who holds the licences and permission sets of the installed packages."""
    if platform.rows("PackageLicense", NamespacePrefix="SBQQ"):
        licence = platform.create(
            "PermissionSetLicense",
            {
                "DeveloperName": "SalesforceCPQ_CPQStandardPerm",
                "MasterLabel": "Salesforce CPQ License",
                "PermissionSetLicenseKey": "SalesforceCPQ_CPQStandardPerm",
                "Status": "Active",
                "TotalLicenses": 10,
                "UsedLicenses": 2,
                "Language": "en_US",
            },
        )
        for user in (person, integration):
            platform.create("PermissionSetLicenseAssign", {"AssigneeId": user, "PermissionSetLicenseId": licence})
    for package in platform.rows("PermissionSet"):
        if package.get("NamespacePrefix") in {"SBQQ", "blng"} and package["Name"] != "SteelBrickCPQAdmin":
            platform.assign(package["Id"], integration)
    for package in platform.rows("PermissionSet", Name="SteelBrickCPQAdmin"):
        platform.assign(package["Id"], person)


def open_your_account(platform: Platform) -> None:
    """The Your Account app and a buyer who uses it; sandboxes do not have it (platform.md A2). API names assumed."""
    licence = platform.row("UserLicense", Name="Identity")["Id"]
    profile = platform.create("Profile", {"Name": "Identity User", "UserLicenseId": licence, "UserType": "Standard"})
    owned = {"Name": "X00eidentity", "Label": "Identity User", "IsOwnedByProfile": True, "ProfileId": profile}
    platform.create("PermissionSet", owned)
    buyer = _hire(platform, _user("Ida", "Buyer", "ida.buyer@northwind.example", profile))
    platform.update("UserLicense", licence, {"UsedLicenses": 1})
    named = {"Name": "YourAccountIdentityUser", "Label": "Manage Subscriptions in Your Account: Identity User"}
    platform.assign(platform.create("PermissionSet", named), buyer)
    seats = {"MasterLabel": "Your Account App: Identity User", "DeveloperName": "YourAccountIdentityUserPsl"}
    seats |= {"PermissionSetLicenseKey": "YourAccountIdentityUserPsl", "Status": "Active", "Language": "en_US"}
    made = platform.create("PermissionSetLicense", {**seats, "TotalLicenses": 100, "UsedLicenses": 1})
    platform.create("PermissionSetLicenseAssign", {"AssigneeId": buyer, "PermissionSetLicenseId": made})


def _setup(platform: Platform, integration: str) -> None:
    now = platform.now()
    if platform.rows("PackageLicense", NamespacePrefix="SBQQ"):
        # The real name of the calculation service's app is not public.
        used = {"UseCount": 37, "LastUsedDate": wire_datetime(now - timedelta(days=1))}
        admin = platform.row("User", Username="dana.admin@northwind.example")["Id"]
        platform.create("OauthToken", {"AppName": "Salesforce CPQ Calculation Service", "UserId": admin, **used})
    platform.create(
        "LoginHistory",
        {
            "UserId": integration,
            "LoginTime": wire_datetime(now - timedelta(hours=2)),
            "ApiType": "REST API",
            "ApiVersion": "67.0",
            "Application": "Stripe Connector",
            "LoginType": "Remote Access 2.0",
            "LoginSubType": "OauthClientCredentials",
            "Status": "Success",
        },
    )
    if platform.knows("blng__PaymentGateway__c"):
        platform.create("ApexClass", {"Name": "NorthwindGateway", **packages.CODE})
        gateway = {
            "Name": "Stripe",
            "blng__Active__c": True,
            "blng__Default__c": True,
            "blng__GatewayType__c": GATEWAY_TYPE,
        }
        platform.create("blng__PaymentGateway__c", gateway)
        platform.create(
            "blng__PaymentGatewayConfig__c", {"Name": GATEWAY_TYPE, "blng__ClassName__c": "NorthwindGateway"}
        )


def _sites(platform: Platform) -> None:
    """What the administrator who followed the guide trusts."""
    stripe_api = {"SiteName": "Stripe_API", "EndpointUrl": "https://api.stripe.com", "IsActive": True}
    platform.create("RemoteProxy", stripe_api)
    stripe_js = {"DeveloperName": "Stripe_JS", "MasterLabel": "Stripe JS", "EndpointUrl": "https://js.stripe.com"}
    platform.create("CspTrustedSite", {**stripe_js, "IsActive": True, "Context": "All"})


def _hire(platform: Platform, user: dict[str, object]) -> str:
    """A new user is assigned the permission set that their profile owns."""
    user_id = platform.create("User", user)
    platform.assign(platform.row("PermissionSet", ProfileId=user["ProfileId"])["Id"], user_id)
    return user_id


def _user(first: str, last: str, username: str, profile: str) -> dict[str, object]:
    return {
        "FirstName": first,
        "LastName": last,
        "Username": username,
        "Email": username,
        "ProfileId": profile,
        "UserType": "Standard",
        "Alias": (first[:1] + last)[:8].lower(),
        "CommunityNickname": username.split("@", maxsplit=1)[0],
        "TimeZoneSidKey": "GMT",
        "LocaleSidKey": "en_US",
        "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "en_US",
        "IsActive": True,
    }
