"""What is remembered between verifications."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagePin:
    """A package as it was at the first verified run, or when a person last accepted a change."""

    namespace: str
    package_id: str | None
    version_id: str | None
    #: (major, minor, patch, build)
    version: tuple[int, int, int, int] | None
    pinned_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A verification as it was stored."""

    run_id: str
    at: datetime
    profile: str
    #: check id -> verdict
    verdicts: Mapping[str, str]
    #: the answer as `verify --json` gave it, names of people and records hidden
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationEvent:
    """Something a person said about a check, or took back."""

    check_id: str
    #: `attested` or `withdrawn`
    event: str
    by: str
    note: str
    at: datetime
    #: None for a withdrawal
    expires: date | None
