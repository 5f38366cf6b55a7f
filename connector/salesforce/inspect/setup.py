"""Set-up of the org: trusted sites, tokens, orders, gateways, and Stripe's own app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.verify.org_packages import StripeParts
from connector.core.verify.org_setup import (
    AchValues,
    AppToken,
    AppTokens,
    Gateway,
    Gateways,
    LinkedAccounts,
    NamedCredentials,
    OrderHabits,
    TrustedSite,
    TrustedSites,
)
from connector.salesforce import soql as text
from connector.salesforce.inspect.identity import VIEW_SETUP
from connector.salesforce.inspect.probe import Probe, describe, soql, tooling
from connector.salesforce.inspect.values import day, moment, related

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.salesforce.inspect.probe import Answer, Ask, Known

REMOTE_SITES: Final = tooling(
    "SELECT SiteName, EndpointUrl, IsActive, NamespacePrefix FROM RemoteProxy", permission=VIEW_SETUP
)
CSP_SITES: Final = soql(
    "SELECT DeveloperName, EndpointUrl, IsActive, NamespacePrefix FROM CspTrustedSite", permission=VIEW_SETUP
)
CREDENTIALS: Final = soql("SELECT DeveloperName, Endpoint, NamespacePrefix FROM NamedCredential", permission=VIEW_SETUP)
TOKENS: Final = soql("SELECT AppName, User.Username, UseCount, LastUsedDate FROM OauthToken")
SEVERAL_ORDERS: Final = soql(
    "SELECT SBQQ__Quote__c, COUNT(Id) found FROM Order WHERE SBQQ__Quote__c != null "
    "GROUP BY SBQQ__Quote__c HAVING COUNT(Id) > 1 LIMIT 1"
)
NEWEST_ORDERS: Final = soql(
    "SELECT EffectiveDate, SBQQ__Quote__r.SBQQ__StartDate__c FROM Order WHERE SBQQ__Quote__c != null "
    "ORDER BY CreatedDate DESC LIMIT 200"
)
GATEWAYS: Final = soql(
    "SELECT Id, Name, blng__Active__c, blng__Default__c, blng__GatewayType__c FROM blng__PaymentGateway__c"
)
GATEWAY_CLASSES: Final = soql("SELECT Name, blng__ClassName__c FROM blng__PaymentGatewayConfig__c")


def read_remote_sites(_: Known, answers: Sequence[Answer]) -> TrustedSites:
    return TrustedSites(rows=tuple(_site(row, "SiteName") for row in answers[0].rows()))


def read_csp_sites(_: Known, answers: Sequence[Answer]) -> TrustedSites:
    return TrustedSites(rows=tuple(_site(row, "DeveloperName") for row in answers[0].rows()))


def _site(row: Mapping[str, Any], name: str) -> TrustedSite:
    return TrustedSite(
        name=str(row[name]),
        url=str(row["EndpointUrl"]),
        is_active=bool(row["IsActive"]),
        namespace=row.get("NamespacePrefix"),
    )


def read_credentials(_: Known, answers: Sequence[Answer]) -> NamedCredentials:
    return NamedCredentials(
        rows=tuple((str(row["DeveloperName"]), str(row.get("Endpoint") or "")) for row in answers[0].rows())
    )


def read_tokens(_: Known, answers: Sequence[Answer]) -> AppTokens:
    return AppTokens(
        rows=tuple(
            AppToken(
                app=str(row["AppName"]),
                username=str(related(row, "User", "Username") or ""),
                uses=int(row.get("UseCount") or 0),
                last_used=moment(row.get("LastUsedDate")),
            )
            for row in answers[0].rows()
            if row.get("AppName")
        )
    )


def read_orders(_: Known, answers: Sequence[Answer]) -> OrderHabits:
    several, newest = answers
    dates = [
        (day(row["EffectiveDate"]), day(start))
        for row in newest.rows()
        if (start := related(row, "SBQQ__Quote__r", "SBQQ__StartDate__c")) is not None
    ]
    rows = several.rows()
    return OrderHabits(
        orders_of_one_quote=int(rows[0]["found"]) if rows else 0,
        compared=len(dates),
        on_quote_start=sum(effective == start for effective, start in dates),
    )


def read_gateway_rows(_: Known, answers: Sequence[Answer]) -> Gateways:
    gateways, configs = answers
    return Gateways(
        rows=tuple(
            Gateway(
                name=str(row["Name"]),
                type=str(row.get("blng__GatewayType__c") or ""),
                is_active=bool(row["blng__Active__c"]),
                is_default=bool(row["blng__Default__c"]),
            )
            for row in gateways.rows()
        ),
        classes=tuple((str(row["Name"]), str(row.get("blng__ClassName__c") or "")) for row in configs.rows()),
        existing_classes=frozenset(),
    )


def _ask_classes(known: Known) -> list[Ask]:
    found: Gateways = known.value("gateway_rows")
    names = sorted({name.rpartition(".")[2] for _, name in found.classes if name})
    return [soql(text.select(["Name"], "ApexClass", where=[text.is_in("Name", names)]))] if names else []


def read_gateways(known: Known, answers: Sequence[Answer]) -> Gateways:
    found: Gateways = known.value("gateway_rows")
    existing = frozenset(str(row["Name"]) for answer in answers for row in answer.rows())
    return Gateways(rows=found.rows, classes=found.classes, existing_classes=existing)


def read_ach(_: Known, answers: Sequence[Answer]) -> AchValues:
    gateway, method = answers
    return AchValues(
        gateway_types=_picklist(gateway.content(), "blng__GatewayType__c"),
        account_types=_picklist(method.content(), "blng__BankAccountType__c"),
    )


def _picklist(described: Mapping[str, Any], name: str) -> frozenset[str]:
    for field in described["fields"]:
        if field["name"] == name:
            return frozenset(str(entry["value"]) for entry in field["picklistValues"] if entry.get("active", True))
    return frozenset()


def read_linked(_: Known, answers: Sequence[Answer]) -> LinkedAccounts:
    return LinkedAccounts(names=tuple(str(row["Name"]) for row in answers[0].rows()))


def _ask_parts(known: Known) -> list[Ask]:
    profile = known.options.get("profile", {})
    asks = []
    if profile.get("apex_classes"):
        where = [text.is_in("Name", profile["apex_classes"])]
        asks.append(soql(text.select(["Id", "Name", "NamespacePrefix"], "ApexClass", where=where)))
    if profile.get("permission_set_labels"):
        where = [text.is_in("Label", profile["permission_set_labels"])]
        asks.append(soql(text.select(["Name", "Label"], "PermissionSet", where=where)))
    return asks


def read_parts(known: Known, answers: Sequence[Answer]) -> StripeParts:
    profile = known.options.get("profile", {})
    left = list(answers)
    classes = left.pop(0).rows() if profile.get("apex_classes") else []
    sets = left.pop(0).rows() if profile.get("permission_set_labels") else []
    return StripeParts(
        classes=tuple((row.get("NamespacePrefix"), str(row["Name"])) for row in classes),
        permission_sets=tuple(str(row["Label"]) for row in sets),
    )


PROBES: Final = (
    Probe(name="remote_sites", asks=lambda _: (REMOTE_SITES,), read=read_remote_sites),
    Probe(name="csp_sites", asks=lambda _: (CSP_SITES,), read=read_csp_sites),
    Probe(name="named_credentials", asks=lambda _: (CREDENTIALS,), read=read_credentials),
    Probe(name="app_tokens", asks=lambda _: (TOKENS,), read=read_tokens),
    Probe(name="order_habits", asks=lambda _: (SEVERAL_ORDERS, NEWEST_ORDERS), read=read_orders),
    Probe(name="gateway_rows", asks=lambda _: (GATEWAYS, GATEWAY_CLASSES), read=read_gateway_rows),
    Probe(name="gateways", asks=_ask_classes, read=read_gateways, after=("gateway_rows",)),
    Probe(
        name="ach_values",
        asks=lambda _: (describe("blng__PaymentGateway__c"), describe("blng__PaymentMethod__c")),
        read=read_ach,
    ),
    Probe(
        name="linked_accounts",
        asks=lambda _: (soql("SELECT Id, Name FROM stripeGC__Stripe_Account__c"),),
        read=read_linked,
    ),
    Probe(name="parts_by_name", asks=_ask_parts, read=read_parts),
)
