"""What a probe brings home: something seen, something that could not be read, or a probe that broke.

The values themselves are plain data, one type per kind of evidence, in `org.py` and `account.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from connector.core.currencies import CURRENCIES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from connector.core.currencies import CurrencyTable
    from connector.core.mapping import Pack
    from connector.core.verify.checks import Check, Profile
    from connector.core.verify.memory import PackagePin

T = TypeVar("T")

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    value: Any
    #: what was asked, for the report: `Tooling query InstalledSubscriberPackage`
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    source: str
    #: in words, nothing secret in it
    reason: str
    #: the permission that would make it readable, where it is known
    permission: str | None = None
    #: what to do, where it is known and no permission is what is missing
    fix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The probe raised something it should not: a bug of ours, said as such."""

    source: str
    error: str


Evidence: TypeAlias = Seen | Unreadable | Broken


class NotReadable(Exception):
    """A condition asked for evidence that could not be read: its verdict is UNKNOWN."""

    def __init__(self, unreadable: Unreadable) -> None:
        super().__init__(unreadable.reason)
        self.unreadable = unreadable


class ProbeBroke(Exception):
    """A condition asked for evidence whose probe broke: its verdict is CRASHED."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(broken.error)
        self.broken = broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What conditions know besides evidence: our own settings and mapping. No secret is in it."""

    pack: Pack
    api_version: str
    stripe_api_version: str
    go_live: date | None = None
    #: ISO code of an org with a single currency
    currency: str | None = None
    #: the integration user, where the settings name one
    username: str | None = None
    #: the user who installed the packages
    installer: str | None = None
    #: users who must be able to manage the bill with Salesforce
    billing_contacts: tuple[str, ...] = ()
    #: the zone in which the org's dates are meant
    time_zone: ZoneInfo = _UTC
    #: how Stripe counts each currency, by the settings
    currencies: CurrencyTable = field(default_factory=lambda: CURRENCIES)
    #: namespaces the operator gave for Stripe's package
    stripe_namespaces: tuple[str, ...] = ()
    #: customers can pay mirrored invoices at Stripe
    stripe_collects: bool = True
    ach: bool = False
    streaming: bool = False
    #: where Stripe is to send events, None while webhooks are not used
    webhook_url: str | None = None
    #: the endpoint's signing secret stands in the settings
    has_webhook_secret: bool = True
    #: calls a day this connector is expected to make
    forecast_calls: int = 0
    #: packages as they were when they were first seen or last accepted; None: nothing is remembered
    pins: tuple[PackagePin, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a condition may look at."""

    check: Check
    profile: Profile
    situation: Situation
    now: datetime
    evidence: Mapping[str, Evidence]

    def read(self, name: str, kind: type[T]) -> T:
        """The value of one piece of evidence. NotReadable and ProbeBroke are for the runner alone."""
        found = self.evidence[name]
        if isinstance(found, Unreadable):
            raise NotReadable(found)
        if isinstance(found, Broken):
            raise ProbeBroke(found)
        assert isinstance(found.value, kind), f"{name} is a {type(found.value).__name__}"
        return found.value

    def peek(self, name: str, kind: type[T]) -> T | None:
        """The value, or None when it cannot be read: for conditions that have a second way to know."""
        try:
            return self.read(name, kind)
        except NotReadable:
            return None

    def reason(self, name: str) -> str:
        """Why it could not be read; empty when it could."""
        found = self.evidence[name]
        return found.reason if isinstance(found, Unreadable) else ""

    def option(self, name: str, default: Any = None) -> Any:
        """A parameter: the profile's where it has one of this name, else the check's."""
        if name in self.profile.options:
            return self.profile.options[name]
        return self.check.options.get(name, default)
