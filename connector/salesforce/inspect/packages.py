"""Installed packages. Fetched all and filtered here: their relationship fields are not filterable (platform.md A1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.verify.evidence import NotReadable, Unreadable
from connector.core.verify.org import InstalledPackage, Packages
from connector.salesforce.inspect.probe import Probe, tooling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.salesforce.inspect.probe import Answer, Known

#: "sObject type 'InstalledSubscriberPackage' is not supported" means this is missing, not the package (platform.md 0.2)
DOWNLOAD_PACKAGES: Final = "Download AppExchange Packages (PermissionsInstallPackaging)"

INSTALLED: Final = tooling(
    "SELECT Id, SubscriberPackageId, SubscriberPackage.NamespacePrefix, SubscriberPackage.Name, "
    "SubscriberPackageVersion.Id, SubscriberPackageVersion.Name, SubscriberPackageVersion.MajorVersion, "
    "SubscriberPackageVersion.MinorVersion, SubscriberPackageVersion.PatchVersion, "
    "SubscriberPackageVersion.BuildNumber, SubscriberPackageVersion.IsBeta "
    "FROM InstalledSubscriberPackage ORDER BY SubscriberPackageId",
    permission=DOWNLOAD_PACKAGES,
)


def read_packages(_: Known, answers: Sequence[Answer]) -> Packages:
    (answer,) = answers
    if answer.code == "INVALID_TYPE":
        raise NotReadable(
            Unreadable(
                source=answer.ask.source, reason="the user may not see installed packages", permission=DOWNLOAD_PACKAGES
            )
        )
    return Packages(rows=tuple(_package(row) for row in answer.rows()))


def _package(row: Mapping[str, Any]) -> InstalledPackage:
    # Both relationships may be null in customers' orgs (platform.md A1).
    package: Mapping[str, Any] = row.get("SubscriberPackage") or {}
    version: Mapping[str, Any] = row.get("SubscriberPackageVersion") or {}
    return InstalledPackage(
        namespace=package.get("NamespacePrefix"),
        name=package.get("Name") or version.get("Name") or "a package without a name",
        package_id=row.get("SubscriberPackageId"),
        version_id=version.get("Id"),
        version=_version(version),
        is_beta=bool(version.get("IsBeta")),
    )


def _version(version: Mapping[str, Any]) -> tuple[int, int, int, int] | None:
    numbers = [version.get(name) for name in ("MajorVersion", "MinorVersion", "PatchVersion", "BuildNumber")]
    if numbers[0] is None:
        return None
    major, minor, patch, build = (int(number or 0) for number in numbers)
    return major, minor, patch, build


PROBES: Final = (Probe(name="packages", asks=lambda _: (INSTALLED,), read=read_packages),)
