"""What probes see of packages besides the list of them: licences, publishers, how they were installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """A managed package as anybody may see it."""

    namespace: str
    name: str
    major: int | None
    minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishers:
    rows: tuple[Publisher, ...]

    def of(self, namespace: str) -> Publisher | None:
        return next((row for row in self.rows if row.namespace == namespace), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLicence:
    namespace: str
    #: Active, Expired, Free, Trial
    status: str
    #: -1: a site licence
    allowed: int | None
    used: int | None
    expires: datetime | None
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLicences:
    rows: tuple[PackageLicence, ...]

    def of(self, namespace: str) -> PackageLicence | None:
        return next((row for row in self.rows if row.namespace == namespace), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalObjects:
    """Names of all objects the user can see."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallRequest:
    """One installation or upgrade, as it was asked for. Whether installing in the browser leaves one is not known."""

    version_id: str
    #: Full: all users; None: administrators only; Custom; PUSH
    security: str | None
    #: third-party sites were approved
    sites_granted: bool | None
    status: str
    by: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallRequests:
    """Oldest first, successful ones only."""

    rows: tuple[InstallRequest, ...]

    def of(self, *version_ids: str | None) -> InstallRequest | None:
        """The newest for the first of these versions that has one."""
        for version_id in version_ids:
            found = [row for row in self.rows if row.version_id == version_id]
            if found:
                return found[-1]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageVersion:
    """What one installed version says of itself."""

    namespace: str
    is_beta: bool
    is_deprecated: bool
    #: addresses the package wants to reach, and pages it wants to load from
    remote_sites: tuple[str, ...]
    csp_sites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageVersions:
    rows: tuple[PackageVersion, ...]
    #: namespace -> why its version could not be read
    unreadable: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeParts:
    """What of Stripe's packages can be found by name, because unmanaged packages have no namespace."""

    #: Apex classes found of those the profile names: (namespace or None, name)
    classes: tuple[tuple[str | None, str], ...]
    #: permission sets found of those the profile names, by label
    permission_sets: tuple[str, ...]
