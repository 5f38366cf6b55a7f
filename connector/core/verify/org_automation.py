"""What else works in an org: automation that runs when we write, and others that collect money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Automatic:
    """One active flow, trigger or validation rule."""

    name: str
    #: the object it runs on, by its API name where it is told
    object: str
    #: None for what the org's own people made
    namespace: str | None

    @property
    def text(self) -> str:
        return f"{self.name} on {self.object}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """Those of one sort that run on objects we write."""

    rows: tuple[Automatic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvents:
    """Entities chosen for change data capture, and those our mapping would listen to."""

    selected: frozenset[str]
    wanted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentScheduler:
    name: str
    #: Once, Daily, Weekly, Monthly
    type: str
    starts_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoPayMethod:
    """An active payment method that Salesforce Billing may charge by itself."""

    name: str
    account_id: str
    account_name: str
    #: the Account is linked to a Stripe customer
    is_linked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Collectors:
    """What of Salesforce Billing collects, or could."""

    schedulers: tuple[PaymentScheduler, ...]
    #: payment runs that are under way: (name, status)
    runs: tuple[tuple[str, str], ...]
    auto_pay: tuple[AutoPayMethod, ...]
    #: how many such methods there are; more than `auto_pay` when not all were read
    auto_pay_total: int
