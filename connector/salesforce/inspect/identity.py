"""Who answers: API versions, the session's user, the organisation, the user's permissions, the quota."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.evidence import NotReadable, Unreadable
from connector.core.verify.org_identity import ApiBudget, ApiVersions, Organization, SignedIn, UserPermissions
from connector.salesforce import soql as text
from connector.salesforce.inspect.probe import Probe, host, rest, soql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.salesforce.inspect.probe import Answer, Ask, Known

VIEW_SETUP: Final = "View Setup and Configuration (PermissionsViewSetup)"
ORGANIZATION: Final = soql(
    "SELECT Id, Name, IsSandbox, OrganizationType, InstanceName, TrialExpirationDate FROM Organization LIMIT 1"
)
#: asked one by one: a permission this API version does not know would make all of one query unreadable
PERMISSIONS: Final = (
    "PermissionsApiEnabled",
    "PermissionsViewSetup",
    "PermissionsInstallPackaging",
    "PermissionsEditBillingInfo",
)
LIMITS: Final = rest("limits", permission=VIEW_SETUP)


def read_versions(_: Known, answers: Sequence[Answer]) -> ApiVersions:
    return ApiVersions(offered=tuple(str(entry["version"]) for entry in answers[0].content()))


def read_signed_in(_: Known, answers: Sequence[Answer]) -> SignedIn:
    body = answers[0].content()
    return SignedIn(
        user_id=text.record_id(body["user_id"]),
        username=str(body["preferred_username"]),
        org_id=text.record_id(body["organization_id"]),
    )


def read_organization(_: Known, answers: Sequence[Answer]) -> Organization:
    rows = answers[0].rows()
    if not rows:
        raise NotReadable(Unreadable(source=answers[0].ask.source, reason="the user cannot see the organisation"))
    row = rows[0]
    return Organization(
        id=text.record_id(row["Id"]),
        name=str(row["Name"]),
        is_sandbox=bool(row["IsSandbox"]),
        edition=str(row.get("OrganizationType") or ""),
        instance=str(row.get("InstanceName") or ""),
        trial_expires=row.get("TrialExpirationDate"),
    )


def _ask_permissions(_: Known) -> list[Ask]:
    return [soql(text.select([name], "UserPermissionAccess", limit=1)) for name in PERMISSIONS]


def read_permissions(_: Known, answers: Sequence[Answer]) -> UserPermissions:
    held: dict[str, bool] = {}
    unreadable: dict[str, str] = {}
    for name, answer in zip(PERMISSIONS, answers, strict=True):
        if answer.failure is not None:
            unreadable[name] = answer.failure
        else:
            rows = answer.rows()
            held[name] = bool(rows and rows[0].get(name))
    if not held:
        answers[0].content()  # says why nothing could be read
    return UserPermissions(held=held, unreadable=unreadable)


def read_budget(known: Known, answers: Sequence[Answer]) -> ApiBudget:
    """By /limits, or by the header every answer carries (platform.md A3, SF-CONN-05)."""
    answer = answers[0]
    if answer.ok:
        daily = answer.content()["DailyApiRequests"]
        allowed = int(daily["Max"])
        return ApiBudget(used=allowed - int(daily["Remaining"]), allowed=allowed, source="GET limits")
    quota = known.quota()
    if quota is None:
        answer.content()
    assert quota is not None
    return ApiBudget(used=quota.used, allowed=quota.total, source="the answers' Sforce-Limit-Info header")


PROBES: Final = (
    Probe(name="api_versions", asks=lambda _: (host("/services/data"),), read=read_versions),
    Probe(name="signed_in", asks=lambda _: (host("/services/oauth2/userinfo"),), read=read_signed_in),
    Probe(name="organization", asks=lambda _: (ORGANIZATION,), read=read_organization),
    Probe(name="user_permissions", asks=_ask_permissions, read=read_permissions),
    Probe(name="api_budget", asks=lambda _: (LIMITS,), read=read_budget),
)
