"""What probes see of a Stripe account, one type per kind of evidence. Names of fields: the derived API description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

#: "all events are enabled, except those that require explicit selection" (derived API description)
ALL_EVENTS: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeKey:
    """The key in our settings, without its secret part."""

    livemode: bool
    restricted: bool
    #: `rk_live_...4f2a`
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredVersion:
    """Which API version the account answers in."""

    #: None when the account refuses the version we ask for
    version: str | None
    #: Stripe's words when it refuses; empty otherwise
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAccount:
    """The account itself. None: Stripe does not show it to this key."""

    id: str
    name: str
    #: two letters, as `US`
    country: str | None
    charges_enabled: bool | None
    payouts_enabled: bool | None
    #: capability -> active, inactive or pending; absent where it was never asked for
    capabilities: Mapping[str, str] | None
    #: daily, weekly, monthly or manual
    payout_interval: str | None
    #: what Stripe still wants to know, as `external_account`
    currently_due: tuple[str, ...] = ()
    #: why Stripe switched charges or payouts off, as `requirements.past_due`
    disabled_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRight:
    """Whether the key may read one resource."""

    #: as `/v1/invoices`
    template: str
    #: what it is called in the dashboard's list of rights
    resource: str
    #: kinds that cannot be followed without it
    kinds: tuple[str, ...]
    #: None: could not be tried
    allowed: bool | None
    #: Stripe's words, where it is not allowed or could not be tried
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    reads: tuple[ReadRight, ...]
    #: resources this program writes; no read can tell whether the key may
    writes: tuple[str, ...]
    #: Stripe's words when it does not know the key at all
    unknown_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    id: str
    url: str
    enabled: bool
    #: None: the account's default version
    api_version: str | None
    #: event types; `*` stands for nearly all
    events: tuple[str, ...]
    description: str = ""

    def is_at(self, url: str) -> bool:
        """Host names do not mind capitals; a slash at the end changes nothing for people."""
        return _same_address(self.url) == _same_address(url)

    def missing(self, needed: Sequence[str]) -> tuple[str, ...]:
        return () if ALL_EVENTS in self.events else tuple(each for each in needed if each not in self.events)

    def surplus(self, needed: Sequence[str]) -> tuple[str, ...]:
        return tuple(each for each in self.events if each not in needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    endpoints: tuple[WebhookEndpoint, ...]
    #: the event types this program handles
    needed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportType:
    #: as `payout_reconciliation.itemized.5`
    id: str
    name: str
    data_available_end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTypes:
    rows: tuple[ReportType, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalConfiguration:
    """One active configuration of the hosted customer portal."""

    id: str
    name: str
    is_default: bool
    #: what customers may do by themselves, as `subscription_cancel`
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    configurations: tuple[PortalConfiguration, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInvoice:
    id: str
    number: str | None
    currency: str
    remaining_minor: int
    #: None: not restricted on the invoice, so the account's own settings decide
    payment_methods: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInvoices:
    rows: tuple[OpenInvoice, ...]
    #: only the newest were looked at
    more: bool = False


def _same_address(url: str) -> tuple[str, str, str]:
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return scheme.lower(), host.lower(), path.rstrip("/")
