"""The settings of a simulated org, each with its default: what differs between one company's org and another's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.sandbox.salesforce import metadata

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SUPPORTED_VERSIONS = tuple(f"{number}.0" for number in range(31, 68))
# billing-facts.md "Payment blng__Status__c: CONFLICT": orgs' metadata says these, the documentation others.
METADATA_PAYMENT_STATUSES = ("Draft", "Posted", "Cancelled")
DOCUMENTED_PAYMENT_STATUSES = ("Draft", "Processed", "Cancelled", "Failed")
_SHIPPED_METADATA = metadata.shipped_metadata_dir()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgSettings:
    multi_currency: bool = True
    default_currency: str = "USD"
    is_sandbox: bool = True
    #: namespaces of the managed packages installed
    packages: tuple[str, ...] = ("SBQQ", "blng")
    #: folder of deployable metadata (SFDX source); None leaves the org without custom fields
    metadata_dir: Path | None = _SHIPPED_METADATA
    rollups_move_modstamp: bool = True
    payment_statuses: Sequence[str] = METADATA_PAYMENT_STATUSES
    api_versions: Sequence[str] = SUPPORTED_VERSIONS
    #: the version the org's operators configured their clients for
    api_version: str = SUPPORTED_VERSIONS[-1]
    daily_api_limit: int = 5_000_000
