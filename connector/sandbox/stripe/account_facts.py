"""What people set for an account in the dashboard, and no API call of its own key changes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True, kw_only=True)
class AccountFacts:
    """Change it in place to plant a defect."""

    name: str = "Sandbox"
    #: capability -> active, inactive or pending
    capabilities: dict[str, str] = field(
        default_factory=lambda: {
            "card_payments": "active",
            "transfers": "active",
            "us_bank_account_ach_payments": "active",
        }
    )
    #: daily, weekly, monthly or manual
    payout_interval: str = "daily"
    #: what Stripe still wants to know
    currently_due: list[str] = field(default_factory=list)
    #: why charges or payouts are off
    disabled_reason: str | None = None
    charges_enabled: bool = True
    payouts_enabled: bool = True
    #: ids of report types this account does not have
    missing_reports: list[str] = field(default_factory=list)
    #: whole days by which the data of reports is late
    reports_behind_days: int = 0

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    def load(self, saved: Mapping[str, Any]) -> None:
        for name, value in saved.items():
            setattr(self, name, value)
