"""What can be seen of this machine: the database, the disk, the clock, the addresses it talks to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseState:
    #: address without its password
    place: str
    #: why it cannot be used; empty when it can
    trouble: str = ""
    #: revision of its tables, which is the newest one when it can be used
    revision: str | None = None
    #: the pair it belongs to; None before first contact
    org_id: str | None = None
    account_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    folder: str
    free_bytes: int
    #: why nothing can be written there; empty when it can
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """One server's clock as its answer said, and ours just before the request and just after the answer."""

    server: datetime
    before: datetime
    after: datetime

    @property
    def skew_s(self) -> int:
        """Seconds ours is ahead (negative: behind) of the server's, as far as that is certain: its clock shows
        whole seconds, and any moment between request and answer may be meant.
        """
        if self.before > self.server:
            # a Date header has no fraction of a second
            return max(0, int((self.before - self.server).total_seconds()) - 1)
        return -max(0, int((self.server - self.after).total_seconds()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    #: system -> its clock
    read: Mapping[str, ClockReading]
    #: system -> why its clock could not be read
    unread: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    system: str
    url: str
    #: only this machine itself is reached
    is_loopback: bool
    #: last moment of the server's certificate; None where there is none or it could not be read
    certificate_until: datetime | None = None

    @property
    def is_encrypted(self) -> bool:
        return self.url.startswith("https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    rows: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCustomers:
    """Our database's memory of Accounts and their customers."""

    #: Account -> customer at Stripe
    mates: Mapping[str, str]
    #: False when there are more than were read
    is_complete: bool = True
