"""Licences, permission sets and who holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.verify.evidence import NotReadable
from connector.core.verify.org_people import (
    AssignedSets,
    HeldSet,
    HeldSets,
    LicenceHolders,
    Logins,
    Manager,
    Managers,
    ProfileReaders,
    SeatLicence,
    SeatLicences,
    YourAccount,
)
from connector.salesforce import soql as text
from connector.salesforce.inspect.identity import VIEW_SETUP
from connector.salesforce.inspect.probe import Probe, soql
from connector.salesforce.inspect.values import moment, related

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.verify.org import Packages
    from connector.core.verify.org_identity import SignedIn
    from connector.core.verify.org_packages import InstallRequests
    from connector.salesforce.inspect.probe import Answer, Ask, Known

#: API name and label of the CPQ permission set licence; either may be what an org shows (platform.md A2)
_CPQ_NAME: Final = "SalesforceCPQ_CPQStandardPerm"
_CPQ_LABEL: Final = "Salesforce CPQ License"
#: objects whose access a profile can still grant (the licensed ones cannot, platform.md A2), and Stripe's
PROFILE_OBJECTS: Final = ("SBQQ__DiscountSchedule__c", "blng__Invoice__c", "stripeGC__Stripe_Account__c")
_SET: Final = ("PermissionSet.Name", "PermissionSet.Label", "PermissionSet.NamespacePrefix")
_SEATS: Final = ("MasterLabel", "Status", "TotalLicenses", "UsedLicenses", "ExpirationDate")
_BY_LABEL: Final = f"MasterLabel = {text.literal(_CPQ_LABEL)}"

CPQ_SEATS: Final = soql(
    text.select(
        ["Id", "DeveloperName", *_SEATS],
        "PermissionSetLicense",
        where=[f"(DeveloperName = {text.literal(_CPQ_NAME)} OR {_BY_LABEL})"],
    ),
    permission=VIEW_SETUP,
)
#: the same without the field that only some users may see
CPQ_SEATS_BY_LABEL: Final = soql(text.select(["Id", *_SEATS], "PermissionSetLicense", where=[_BY_LABEL]))
IDENTITY_SEATS: Final = soql(
    "SELECT Name, LicenseDefinitionKey, Status, TotalLicenses, UsedLicenses FROM UserLicense WHERE Name LIKE 'Identity%'"
)
READERS: Final = soql(
    text.select(
        ["Parent.Profile.Name", "SobjectType", "PermissionsRead"],
        "ObjectPermissions",
        where=["Parent.IsOwnedByProfile = true", text.is_in("SobjectType", PROFILE_OBJECTS)],
    ),
    permission=VIEW_SETUP,
)
MANAGERS: Final = soql(
    "SELECT Assignee.Username, PermissionSet.Label, PermissionSet.IsOwnedByProfile, PermissionSet.Profile.Name "
    "FROM PermissionSetAssignment "
    "WHERE PermissionSet.PermissionsEditBillingInfo = true AND Assignee.IsActive = true",
    permission=VIEW_SETUP,
)
YOUR_ACCOUNT: Final = (
    soql("SELECT Id, Name, Label FROM PermissionSet WHERE Label LIKE '%Your Account%'"),
    soql(text.select(_SEATS, "PermissionSetLicense", where=["MasterLabel LIKE 'Your Account%'"])),
)


def read_cpq_seats(_: Known, answers: Sequence[Answer]) -> SeatLicences:
    best = next((answer for answer in answers if answer.ok), answers[0])
    return SeatLicences(rows=tuple(_seats(row) for row in best.rows()))


def _seats(row: dict[str, Any]) -> SeatLicence:
    return SeatLicence(
        name=str(row.get("DeveloperName") or row.get("LicenseDefinitionKey") or ""),
        label=str(row.get("MasterLabel") or row.get("Name")),
        status=str(row["Status"]),
        total=int(row["TotalLicenses"]),
        used=int(row["UsedLicenses"]),
        expires=moment(row.get("ExpirationDate")),
    )


def _installers(known: Known) -> tuple[str | None, str]:
    """Id of who installed CPQ, by the installation that left a trace; and how that is known."""
    try:
        requests: InstallRequests = known.value("install_requests")
        packages: Packages = known.value("packages")
    except NotReadable:
        return None, ""
    rows = packages.of("SBQQ")
    found = [each for row in rows if (each := requests.of(row.first_version_id, row.version_id)) is not None]
    return (found[-1].by, "its PackageInstallRequest") if found else (None, "")


def _ask_holders(known: Known) -> list[Ask]:
    me: SignedIn = known.value("signed_in")
    named = [name for name in (known.options.get("username"), known.options.get("installer")) if name]
    ids = [user_id for user_id in (me.user_id, _installers(known)[0]) if user_id]
    who = text.is_in("AssigneeId", ids)
    if named:
        who = f"({who} OR {text.is_in('Assignee.Username', named)})"
    label = f"PermissionSetLicense.MasterLabel = {text.literal(_CPQ_LABEL)}"
    holders = text.select(["AssigneeId", "Assignee.Username"], "PermissionSetLicenseAssign", where=[label, who])
    users = text.select(["Id", "Username"], "User", where=[text.is_in("Id", ids)])
    return [soql(holders, permission=VIEW_SETUP), soql(users)]


def read_holders(known: Known, answers: Sequence[Answer]) -> LicenceHolders:
    holders, users = answers
    me: SignedIn = known.value("signed_in")
    names = {text.record_id(row["Id"]): str(row["Username"]) for row in users.rows()} if users.ok else {}
    names[me.user_id] = me.username
    installer_id, known_by = _installers(known)
    installer = known.options.get("installer") or names.get(installer_id or "")
    return LicenceHolders(
        usernames=frozenset(str(related(row, "Assignee", "Username")) for row in holders.rows()),
        sync_user=known.options.get("username") or me.username,
        installer=installer,
        installer_known_by="CONNECTOR_VERIFY__INSTALLER" if known.options.get("installer") else known_by,
    )


def read_readers(_: Known, answers: Sequence[Answer]) -> ProfileReaders:
    return ProfileReaders(
        profiles=tuple(
            (str(row["SobjectType"]), str(related(row, "Parent", "Profile", "Name")))
            for row in answers[0].rows()
            if row.get("PermissionsRead") and related(row, "Parent", "Profile", "Name")
        )
    )


def _labels(known: Known) -> tuple[str, ...]:
    """Permission sets a profile names: somebody has to hold them."""
    return tuple(known.options.get("profile", {}).get("persona_labels", ()))


def _ask_assigned(known: Known) -> list[Ask]:
    me: SignedIn = known.value("signed_in")
    paths = [*_SET, "PermissionSet.IsOwnedByProfile", "PermissionSetGroupId"]
    where = [f"AssigneeId = {text.literal(me.user_id)}"]
    return [soql(text.select(paths, "PermissionSetAssignment", where=where), permission=VIEW_SETUP)]


def read_assigned(_: Known, answers: Sequence[Answer]) -> AssignedSets:
    rows = answers[0].rows()
    return AssignedSets(
        sets=tuple(
            _held(row["PermissionSet"])
            for row in rows
            if row.get("PermissionSet") and not row["PermissionSet"].get("IsOwnedByProfile")
        ),
        group_ids=tuple(str(row["PermissionSetGroupId"]) for row in rows if row.get("PermissionSetGroupId")),
    )


def _ask_held(known: Known) -> list[Ask]:
    assigned: AssignedSets = known.value("assigned_sets")
    asks = []
    if assigned.group_ids:
        where = [text.is_in("PermissionSetGroupId", assigned.group_ids)]
        asks.append(soql(text.select(_SET, "PermissionSetGroupComponent", where=where), permission=VIEW_SETUP))
    if _labels(known):
        where = [text.is_in("PermissionSet.Label", _labels(known)), "Assignee.IsActive = true"]
        held = text.count("PermissionSetAssignment", by=["PermissionSet.Label"], where=where)
        asks.append(soql(held, permission=VIEW_SETUP))
    return asks


def read_held(known: Known, answers: Sequence[Answer]) -> HeldSets:
    assigned: AssignedSets = known.value("assigned_sets")
    by_group = answers[0].rows() if assigned.group_ids else []
    anybody = answers[-1].rows() if _labels(known) else []
    return HeldSets(
        mine=(*assigned.sets, *(_held(row["PermissionSet"]) for row in by_group if row.get("PermissionSet"))),
        held_by_anybody=frozenset(str(row["Label"]) for row in anybody),
    )


def _held(row: dict[str, Any]) -> HeldSet:
    return HeldSet(
        name=str(row["Name"]), label=str(row.get("Label") or row["Name"]), namespace=row.get("NamespacePrefix")
    )


def read_managers(_: Known, answers: Sequence[Answer]) -> Managers:
    return Managers(
        rows=tuple(
            Manager(username=str(related(row, "Assignee", "Username")), through=_through(row["PermissionSet"]))
            for row in answers[0].rows()
            if related(row, "Assignee", "Username")
        )
    )


def _through(row: dict[str, Any]) -> str:
    if row.get("IsOwnedByProfile"):
        return f"profile {related(row, 'Profile', 'Name') or row.get('Label')}"
    return f"permission set {row.get('Label')}"


def read_identity(_: Known, answers: Sequence[Answer]) -> SeatLicences:
    return SeatLicences(rows=tuple(_seats(row) for row in answers[0].rows()))


def read_your_account(_: Known, answers: Sequence[Answer]) -> YourAccount:
    sets, licences = answers
    return YourAccount(
        permission_sets=tuple(str(row["Label"]) for row in sets.rows()),
        licences=tuple(_seats(row) for row in licences.rows()),
    )


def _ask_logins(known: Known) -> list[Ask]:
    me: SignedIn = known.value("signed_in")
    where = [f"UserId = {text.literal(me.user_id)}", "LoginTime = LAST_N_DAYS:30"]
    return [soql(text.select(["ApiType", "LoginType", "Application"], "LoginHistory", where=where, limit=2000))]


def read_logins(_: Known, answers: Sequence[Answer]) -> Logins:
    return Logins(kinds=frozenset(str(row["ApiType"]) for row in answers[0].rows() if row.get("ApiType")))


PROBES: Final = (
    Probe(name="cpq_seats", asks=lambda _: (CPQ_SEATS, CPQ_SEATS_BY_LABEL), read=read_cpq_seats),
    Probe(
        name="cpq_holders",
        asks=_ask_holders,
        read=read_holders,
        after=("signed_in", "packages", "install_requests"),
    ),
    Probe(name="profile_readers", asks=lambda _: (READERS,), read=read_readers),
    Probe(name="assigned_sets", asks=_ask_assigned, read=read_assigned, after=("signed_in",)),
    Probe(name="held_sets", asks=_ask_held, read=read_held, after=("assigned_sets",)),
    Probe(name="billing_managers", asks=lambda _: (MANAGERS,), read=read_managers),
    Probe(name="identity_seats", asks=lambda _: (IDENTITY_SEATS,), read=read_identity),
    Probe(name="your_account", asks=lambda _: YOUR_ACCOUNT, read=read_your_account),
    Probe(name="logins", asks=_ask_logins, read=read_logins, after=("signed_in",)),
)
