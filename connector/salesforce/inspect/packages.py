"""Installed packages. Fetched all and filtered here: their relationship fields are not filterable (platform.md A1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.verify.evidence import NotReadable, Unreadable
from connector.core.verify.org import InstalledPackage, Packages
from connector.core.verify.org_packages import (
    GlobalObjects,
    InstallRequest,
    InstallRequests,
    PackageLicence,
    PackageLicences,
    PackageVersion,
    PackageVersions,
    Publisher,
    Publishers,
)
from connector.salesforce import soql as text
from connector.salesforce.inspect.probe import Probe, rest, soql, tooling
from connector.salesforce.inspect.values import moment, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.salesforce.inspect.probe import Answer, Ask, Known

#: "sObject type 'InstalledSubscriberPackage' is not supported" means this is missing, not the package (platform.md 0.2)
DOWNLOAD_PACKAGES: Final = "Download AppExchange Packages (PermissionsInstallPackaging)"

#: as `sf package installed list` asks; further fields of a version have made such queries fail (platform.md A1)
INSTALLED: Final = tooling(
    "SELECT Id, SubscriberPackageId, MinPackageVersionId, SubscriberPackage.NamespacePrefix, SubscriberPackage.Name, "
    "SubscriberPackageVersion.Id, SubscriberPackageVersion.Name, SubscriberPackageVersion.MajorVersion, "
    "SubscriberPackageVersion.MinorVersion, SubscriberPackageVersion.PatchVersion, "
    "SubscriberPackageVersion.BuildNumber "
    "FROM InstalledSubscriberPackage ORDER BY SubscriberPackageId",
    permission=DOWNLOAD_PACKAGES,
)
PUBLISHERS: Final = soql("SELECT NamespacePrefix, Name, MajorVersion, MinorVersion FROM Publisher")
LICENCES: Final = soql(
    "SELECT NamespacePrefix, Status, AllowedLicenses, UsedLicenses, ExpirationDate, CreatedDate FROM PackageLicense"
)
REQUESTS: Final = tooling(
    "SELECT SubscriberPackageVersionKey, SecurityType, EnableRss, Status, CreatedById, CreatedDate "
    "FROM PackageInstallRequest ORDER BY CreatedDate",
    permission=DOWNLOAD_PACKAGES,
)
_OF_VERSION: Final = (
    "Id", "IsBeta", "IsDeprecated", "IsManaged", "ReleaseState", "RemoteSiteSettings", "CspTrustedSites",
)  # fmt: skip
#: packages whose version is looked at closely, one call each: CPQ, Billing and Stripe's
_CLOSELY: Final = 4


def read_packages(_: Known, answers: Sequence[Answer]) -> Packages:
    (answer,) = answers
    _refuse_missing_permission(answer)
    return Packages(rows=tuple(_package(row) for row in answer.rows()))


def _refuse_missing_permission(answer: Answer) -> None:
    if answer.code == "INVALID_TYPE":
        reason = "the user may not see installed packages"
        raise NotReadable(Unreadable(source=answer.ask.source, reason=reason, permission=DOWNLOAD_PACKAGES))


def _package(row: Mapping[str, Any]) -> InstalledPackage:
    # Both relationships may be null in customers' orgs (platform.md A1).
    package: Mapping[str, Any] = row.get("SubscriberPackage") or {}
    version: Mapping[str, Any] = row.get("SubscriberPackageVersion") or {}
    return InstalledPackage(
        namespace=package.get("NamespacePrefix"),
        name=package.get("Name") or version.get("Name") or "a package without a name",
        package_id=row.get("SubscriberPackageId"),
        version_id=version.get("Id"),
        first_version_id=row.get("MinPackageVersionId"),
        version=_version(version),
    )


def _version(version: Mapping[str, Any]) -> tuple[int, int, int, int] | None:
    numbers = [version.get(name) for name in ("MajorVersion", "MinorVersion", "PatchVersion", "BuildNumber")]
    if numbers[0] is None:
        return None
    major, minor, patch, build = (int(value or 0) for value in numbers)
    return major, minor, patch, build


def read_publishers(_: Known, answers: Sequence[Answer]) -> Publishers:
    return Publishers(
        rows=tuple(
            Publisher(
                namespace=str(row["NamespacePrefix"]),
                name=str(row.get("Name") or row["NamespacePrefix"]),
                major=number(row.get("MajorVersion")),
                minor=number(row.get("MinorVersion")),
            )
            for row in answers[0].rows()
            if row.get("NamespacePrefix")
        )
    )


def read_licences(_: Known, answers: Sequence[Answer]) -> PackageLicences:
    return PackageLicences(
        rows=tuple(
            PackageLicence(
                namespace=str(row["NamespacePrefix"]),
                status=str(row["Status"]),
                allowed=number(row.get("AllowedLicenses")),
                used=number(row.get("UsedLicenses")),
                expires=moment(row.get("ExpirationDate")),
                created=moment(row.get("CreatedDate")),
            )
            for row in answers[0].rows()
        )
    )


def read_objects(_: Known, answers: Sequence[Answer]) -> GlobalObjects:
    return GlobalObjects(names=frozenset(str(entry["name"]) for entry in answers[0].content()["sobjects"]))


def read_requests(_: Known, answers: Sequence[Answer]) -> InstallRequests:
    (answer,) = answers
    _refuse_missing_permission(answer)
    return InstallRequests(
        rows=tuple(
            InstallRequest(
                version_id=text.record_id(row["SubscriberPackageVersionKey"]),
                security=row.get("SecurityType"),
                sites_granted=row.get("EnableRss"),
                status=str(row["Status"]),
                by=text.record_id(row["CreatedById"]),
                at=moment(row.get("CreatedDate")),
            )
            for row in answer.rows()
            if str(row["Status"]).upper() == "SUCCESS" and row.get("SubscriberPackageVersionKey")
        )
    )


def _looked_at_closely(known: Known) -> list[InstalledPackage]:
    packages: Packages = known.value("packages")
    wanted = ["SBQQ", "blng", *known.options.get("stripe_namespaces", ()), "stripeGC"]
    found = [row for namespace in dict.fromkeys(wanted) for row in packages.of(namespace) if row.version_id]
    return found[:_CLOSELY]


def _ask_versions(known: Known) -> list[Ask]:
    return [
        tooling(
            text.select(_OF_VERSION, "SubscriberPackageVersion", where=[f"Id = {text.literal(row.version_id)}"]),
            permission=DOWNLOAD_PACKAGES,
        )
        for row in _looked_at_closely(known)
    ]


def read_versions(known: Known, answers: Sequence[Answer]) -> PackageVersions:
    found: list[PackageVersion] = []
    unreadable: dict[str, str] = {}
    for row, answer in zip(_looked_at_closely(known), answers, strict=True):
        namespace = str(row.namespace)
        if answer.failure is not None:
            # a version protected by an installation key shows nothing without it (platform.md A1)
            unreadable[namespace] = answer.failure
            continue
        rows = answer.rows()
        if not rows:
            unreadable[namespace] = "its version is not shown to this user"
            continue
        version = rows[0]
        found.append(
            PackageVersion(
                namespace=namespace,
                is_beta=bool(version.get("IsBeta")),
                is_deprecated=bool(version.get("IsDeprecated")),
                remote_sites=_addresses(version.get("RemoteSiteSettings"), "url"),
                csp_sites=_addresses(version.get("CspTrustedSites"), "endpointUrl"),
            )
        )
    return PackageVersions(rows=tuple(found), unreadable=unreadable)


def _addresses(listed: Mapping[str, Any] | None, name: str) -> tuple[str, ...]:
    return tuple(str(entry[name]) for entry in (listed or {}).get("settings") or () if entry.get(name))


PROBES: Final = (
    Probe(name="packages", asks=lambda _: (INSTALLED,), read=read_packages),
    Probe(name="publishers", asks=lambda _: (PUBLISHERS,), read=read_publishers),
    Probe(name="package_licences", asks=lambda _: (LICENCES,), read=read_licences),
    Probe(name="global_objects", asks=lambda _: (rest("sobjects"),), read=read_objects),
    Probe(name="install_requests", asks=lambda _: (REQUESTS,), read=read_requests),
    Probe(name="package_versions", asks=_ask_versions, read=read_versions, after=("packages",)),
)
