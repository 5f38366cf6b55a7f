"""What probes see of a Salesforce org, one type per kind of evidence. Names of fields: platform.md A1."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPackage:
    #: None for unlocked and unmanaged packages
    namespace: str | None
    name: str
    #: 033...
    package_id: str | None
    #: 04t...
    version_id: str | None
    #: 04t... of the version that was installed first
    first_version_id: str | None = None
    #: (major, minor, patch, build); None where the version's row could not be read
    version: tuple[int, int, int, int] | None = None
    is_beta: bool = False

    @property
    def version_text(self) -> str:
        """`250.3.0`, with a beta's build number as `1.2b3`."""
        if self.version is None:
            return "version unknown"
        major, minor, patch, build = self.version
        text = f"{major}.{minor}.{patch}" if patch or not self.is_beta else f"{major}.{minor}"
        return f"{text}b{build}" if self.is_beta else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """Every installed package, in the order of the answer; several may share a namespace."""

    rows: tuple[InstalledPackage, ...]

    def of(self, namespace: str) -> tuple[InstalledPackage, ...]:
        return tuple(row for row in self.rows if row.namespace == namespace)
