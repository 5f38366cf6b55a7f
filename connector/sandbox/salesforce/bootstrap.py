"""What every org has before anybody works in it: itself, its users, currencies, packages and permission sets."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from connector.sandbox.salesforce.engine import Actor, Engine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.sandbox.salesforce.database import Database

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Founders:
    """Ids of the records the org itself refers to."""

    org_id: str
    #: the person who edits records in the browser
    person_id: str
    #: the user behind API tokens
    integration_id: str


def found(
    engine: Engine,
    database: Database,
    *,
    username: str,
    is_sandbox: bool,
    default_currency: str,
    permission_sets: Iterable[tuple[str, str]],
) -> Founders:
    """Creates the first records as the platform itself would."""
    nobody = Actor(user_id="005000000000000AAA", objects=database.objects, counted=False, platform=True)
    org_id = engine.create(
        "Organization",
        {
            "Name": "Northwind Instruments",
            "IsSandbox": is_sandbox,
            "OrganizationType": "Enterprise Edition",
            "InstanceName": "SBX1",
            "TimeZoneSidKey": "GMT",
            "LanguageLocaleKey": "en_US",
            "DefaultLocaleSidKey": "en_US",
        },
        nobody,
    )
    person_id = engine.create("User", _user("Dana", "Admin", "dana.admin@northwind.example"), nobody)
    integration_id = engine.create("User", _user("Stripe", "Connector", username), nobody)
    if "CurrencyType" in database.objects:
        for code, places, rate in CURRENCIES:
            engine.create(
                "CurrencyType",
                {
                    "IsoCode": code,
                    "DecimalPlaces": places,
                    "ConversionRate": rate,
                    "IsActive": True,
                    "IsCorporate": code == default_currency,
                },
                nobody,
            )
    for namespace in ("SBQQ", "blng"):
        package = {"NamespacePrefix": namespace, "Status": "Active", "AllowedLicenses": -1, "UsedLicenses": 2}
        engine.create("PackageLicense", package, nobody)
    for name, label in permission_sets:
        granted = engine.create("PermissionSet", {"Name": name, "Label": label}, nobody)
        engine.create("PermissionSetAssignment", {"PermissionSetId": granted, "AssigneeId": integration_id}, nobody)
    engine.create("Pricebook2", {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True}, nobody)
    return Founders(org_id=org_id, person_id=person_id, integration_id=integration_id)


def _user(first: str, last: str, username: str) -> dict[str, object]:
    return {
        "FirstName": first,
        "LastName": last,
        "Username": username,
        "Email": username,
        "Alias": (first[:1] + last)[:8].lower(),
        "CommunityNickname": username.split("@", maxsplit=1)[0],
        "TimeZoneSidKey": "GMT",
        "LocaleSidKey": "en_US",
        "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "en_US",
        "IsActive": True,
    }
