"""What a service that runs for ever keeps in mind: events as received, leases, pauses, processes. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: in whose name all hold the lease together that share the work
TOGETHER: Final = "processes that share the work (CONNECTOR_DISPATCH=procrastinate)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """One event of Stripe's, as it came in: kept for people and for proof, never read for its data."""

    id: str
    type: str
    #: when it happened, by Stripe's clock, in epoch seconds
    created: int
    livemode: bool
    #: a connected account's; empty for the account itself
    account: str
    api_version: str
    #: the bytes that were signed
    body: bytes
    received_at: datetime | None = None
    #: how often it was delivered; every time after the first changed nothing
    deliveries: int = 1
    #: keys it signalled; none for types this program does not follow
    signalled: int = 0
    #: the unit of work that took it in first
    trace_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to do what only one process may do, until it expires or is taken over."""

    name: str
    #: host, process id and start, so that a person finds the process
    holder: str
    #: rises whenever it changes hands: a write under an older one is refused (invariants.md I27)
    epoch: int
    taken_at: datetime
    expires_at: datetime
    #: whether it lasted when it was read, by the clock that all hosts share where there is one
    lasts: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Something a person stopped for a while. Webhooks are still taken in."""

    #: a job of the schedule, a kind, or `all`
    subject: str
    reason: str
    person: str
    since: datetime
    #: when it goes on by itself; None until a person says so
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Webhooks that were not taken, within an hour."""

    #: as in `Receiver.counted`: `signature`, `mode`, `account`, `shape`, `size`, `busy` -> how many
    counts: Mapping[str, int] = field(default_factory=dict)
    #: the newest one, and when it came; None when there was none
    newest: str | None = None
    newest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSeen:
    """One process of the service, as it told of itself last."""

    #: as in its leases
    holder: str
    role: str
    #: why it does no work on records, where it should, and since when
    why_not: str | None = None
    why_not_since: datetime | None = None
    #: shard, as text -> why it does nothing there at present
    troubles: Mapping[str, str] = field(default_factory=dict)
    refused: Refusals = field(default_factory=Refusals)
    #: whether it gave a sign of life lately and has not ended
    lives: bool = True
