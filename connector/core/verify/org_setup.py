"""What probes see of an org's set-up: sites, tokens, orders, payment gateways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_ADDRESS: Final = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*)://)?([^/?#]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedSite:
    name: str
    url: str
    is_active: bool
    namespace: str | None = None

    @property
    def place(self) -> str:
        return place_of(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedSites:
    rows: tuple[TrustedSite, ...]


def place_of(url: str) -> str:
    """Scheme and host, by which two spellings of one address are compared; a bare host is https."""
    found = _ADDRESS.match(url.strip())
    assert found is not None  # every part of the pattern may be empty
    return f"{(found[1] or 'https').lower()}://{found[2].lower()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCredentials:
    #: (developer name, endpoint)
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppToken:
    app: str
    username: str
    uses: int
    last_used: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppTokens:
    rows: tuple[AppToken, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHabits:
    """How orders came to be: behaviour that shows settings which no API shows."""

    #: orders of a quote that has more than one; 0 when there is no such quote
    orders_of_one_quote: int
    #: of the newest orders with a quote that has a start date: how many, and how many start on it
    compared: int
    on_quote_start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    name: str
    #: value of the type picklist
    type: str
    is_active: bool
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateways:
    rows: tuple[Gateway, ...]
    #: gateway type -> Apex class that serves it
    classes: tuple[tuple[str, str], ...]
    #: of these classes, those that exist
    existing_classes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AchValues:
    """Active values of the two picklists ACH needs."""

    gateway_types: frozenset[str]
    account_types: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedAccounts:
    """Stripe accounts known to Stripe's own app, by name."""

    names: tuple[str, ...]
