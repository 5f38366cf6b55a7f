"""The seams between deciding and doing. Nothing else belongs here; those of the verifier and of setting up
have modules of their own.

A System is one remote side; both adapters and nothing else implement it. Methods are plural:
one SOQL for 200 ids, one collections call for 200 rows. `fetch` reads the network, `apply`
writes to it, and a remote refusal is a value (`Refusal`), not an exception. What stops a whole
side (`Unauthorised`, `Transient` after every retry on a read) is raised as core.errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from concurrent.futures import Executor, Future
    from datetime import datetime

    from connector.core.marks import Mark
    from connector.core.model import (
        Cursor,
        Finding,
        Identity,
        Key,
        Link,
        Operation,
        Outcome,
        Record,
        Side,
        Signal,
    )
    from connector.core.pulse import Pulse
    from connector.core.quota import Quota
    from connector.ports.memory import BrakeMemory, CertificateMemory, MarkMemory, StrangerMemory
    from connector.ports.service import EventInbox, Leases, PaceMemory, Processes, ScheduleMemory
    from connector.ports.trail import AuditTrail


T = TypeVar("T")


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall clock, timezone-aware, UTC."""
        ...

    def monotonic_s(self) -> float:
        """For durations only."""
        ...

    def sleep(self, seconds: float) -> None: ...


class Mailbox(Protocol[T]):
    """From many to one, in the order of posting."""

    def put(self, item: T, /) -> None: ...

    def get(self) -> T:
        """The next item; waits for it."""
        ...


class Workers(Protocol):
    """Who does things at the same time. Whatever waits for the others' work waits through these methods or by
    `Future.result`, so that a simulation can choose the order in which everything happens.
    """

    def pool(self, *, size: int, name: str) -> Executor:
        """Runs at most `size` functions at once; leaving it as a context waits for all of them."""
        ...

    def wait(self, futures: Collection[Future[Any]], *, first_exception: bool = False) -> None:
        """Returns when all are done, or with `first_exception` when one has failed."""
        ...

    def mailbox(self) -> Mailbox[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePage:
    """Some signals and the cursors that hold once they are stored, in one transaction."""

    signals: tuple[Signal, ...]
    cursors: tuple[Cursor, ...]
    #: marks of ours on what was read, to be compared with what the store knows
    marks: tuple[Mark, ...] = ()
    #: part of a listing of all there is, and not of what changed
    is_full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SideIdentity:
    #: Salesforce: 18-character org id; Stripe: acct_...
    id: str
    #: Salesforce: production org; Stripe: live mode
    is_live: bool
    name: str
    #: Salesforce only: CurrencyIsoCode exists
    multi_currency: bool | None = None


class System(Protocol):
    side: Side

    @property
    def quota(self) -> Quota | None:
        """The day's calls as this system last told them; None when it told nothing, or counts none."""
        ...

    def forget_quota(self) -> None:
        """What was told counts no longer; the next call tells anew."""
        ...

    def identify(self) -> SideIdentity:
        """Who answers with these credentials; raises Unauthorised or RemoteError."""
        ...

    def shape(self) -> str:
        """A digest of what this side lets us read and write, as last described; another one means that
        what it refused before may be taken now.
        """
        ...

    def check(self) -> Sequence[Finding]:
        """What the mapping pack needs and this system lacks (objects, fields, permissions, picklist
        values, API version). BLOCKER findings name in `subject` the kind that must not run.
        """
        ...

    def changes(
        self, cursors: Mapping[str, Cursor], *, kinds: Sequence[str], since: datetime | None = None
    ) -> Iterator[ChangePage]:
        """Signals since the cursors (by stream; a missing one means the beginning), page by page.

        `since` reads from that moment instead of the cursors.
        Reads up to the system's own now minus a margin, re-reads a short overlap, and yields at
        least one page per stream that moved. The caller stores each page before asking for the next.
        """
        ...

    def fetch(self, kind: str, ids: Sequence[str], *, select: bool = False) -> Mapping[str, Record]:
        """Current records by id, with lines; an id that does not exist (any more) is absent or
        `deleted`. With `select` also evaluates the birth condition into `Record.selected`.
        """
        ...

    def fetch_many(
        self, wanted: Mapping[str, Sequence[str]], *, select: Mapping[str, Sequence[str]]
    ) -> Mapping[Key, Record]:
        """`fetch` for several kinds at once, in as few calls as the system allows. `select` names,
        per kind, the ids whose birth condition is wanted.
        """
        ...

    def find(self, kind: str, born_ids: Sequence[str]) -> Mapping[str, Record]:
        """Records carrying OUR mark, by the birthplace id they carry: Stripe by listing (search lags),
        Salesforce by the external id.
        """
        ...

    def fetch_all(
        self, kind: str, *, select: bool = False, lines: bool = True, needed: bool = False
    ) -> Iterator[Sequence[Record]]:
        """Every record of the kind on this side, page by page, each page asked for when it is needed.

        Salesforce: those the birth condition selects and those that carry a marker; with `select` each says
        which it is, and with `needed` a kind born by need shows those nobody needs yet, too. Stripe: by listing,
        never by search; of payments those that were received. Deleted ones are absent, so absence says nothing
        (invariants.md I10). Kinds that share an object list the same records.
        Without `lines` the records come without theirs, and a payment with the time of its own object.
        """
        ...

    def apply(self, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]) -> None:
        """Performs the operations and reports one outcome for each, as it is known, from any thread.

        Operations of one link come one at a time; different links may go concurrently. Keeps
        neighbours apart: one bad row never fails another.
        """
        ...

    def close(self) -> None: ...


class KeyedSystem(System, Protocol):
    """A system that remembers the keys of writes, for a time only it can tell."""

    def now(self) -> datetime:
        """Its own clock. Raises RemoteError when it has to be asked and does not answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSignal:
    signal: Signal
    #: raised at every insert: settle deletes only `seq <= seen`
    seq: int
    shard: int
    #: since when it waits: the first raise that nobody has looked at
    raised_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """All that one operation's outcome, or one decision without a call, changes: one transaction."""

    #: the link as it is from now on
    link: Link
    #: the operation that ended, with its final state; None for a decision without a call
    operation: Operation | None = None
    #: its outcome, for the audit row
    outcome: Outcome | None = None
    #: what happened in words for the audit row, e.g. `invoice.create applied`
    event: str = ""
    #: why it was looked at, for the audit row: the causes of its signals
    cause: str = ""
    #: further keys to look at
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """Links of one kind that failed alike and are to be tried again."""

    kind: str
    #: as in `Backoff.code`
    code: str
    count: int
    #: when the first of them is tried again
    next_at: datetime


class Store(Protocol):
    """Our memory. Every method is one transaction; none is open while a remote call runs."""

    @property
    def brakes(self) -> BrakeMemory: ...

    @property
    def certificates(self) -> CertificateMemory: ...

    @property
    def audit(self) -> AuditTrail: ...

    @property
    def marks(self) -> MarkMemory: ...

    @property
    def strangers(self) -> StrangerMemory: ...

    @property
    def events(self) -> EventInbox: ...

    @property
    def leases(self) -> Leases: ...

    @property
    def schedule(self) -> ScheduleMemory: ...

    @property
    def pace(self) -> PaceMemory: ...

    @property
    def processes(self) -> Processes: ...

    def traced(self, trace_id: str) -> Store:
        """The same store for one unit of work: runs, intents, events and audit rows name it."""
        ...

    def pin_identity(self, identity: Identity) -> Identity:
        """Stores the pair of systems at first contact, afterwards returns what was stored."""
        ...

    def load_cursors(self, side: Side) -> Mapping[str, Cursor]: ...

    def record_signals(
        self, signals: Sequence[Signal], cursors: Sequence[Cursor], *, shard_of: Callable[[Signal], int]
    ) -> int:
        """Upserts signals (one row per key, seq raised) and moves cursors, together. Returns how many
        rows were inserted or raised. A signal whose `caused_by` is the key of a settled operation
        of that very record is our own echo and is dropped; so is one whose version equals the link's.
        A key with a link gets the link's shard, otherwise `shard_of`.
        """
        ...

    def load_news(self, signals: Sequence[Signal]) -> Sequence[Signal]:
        """Those that `record_signals` would not drop; nothing is stored."""
        ...

    def load_signals(
        self, *, shards: Sequence[int] | None, kinds: Sequence[str], limit: int, after_seq: int = 0
    ) -> Sequence[StoredSignal]:
        """Waiting signals in order of `kinds`, then seq."""
        ...

    def forget_signals(self, seen: Sequence[StoredSignal]) -> None:
        """Deletes only rows whose seq has not been raised since (`seq <= seen.seq`)."""
        ...

    def load_links(self, keys: Sequence[Key]) -> Mapping[Key, Link]:
        """Links by the key of either side (current mate or birthplace); unknown keys are absent."""
        ...

    def load_links_in(
        self, *, kind: str | None = None, states: Sequence[str] = (), limit: int = 1000, after_born_id: str = ""
    ) -> Sequence[Link]: ...

    def load_due(self, *, kind: str, newest_epoch: int) -> Sequence[Key]:
        """The copies of the links whose time counts from this moment or an earlier one (core/due.py), the longest due
        first. The other links are not looked at, however many they are.
        """
        ...

    def load_unresolved(self, born: Sequence[Key] | None = None) -> Sequence[Operation]:
        """Operations sent or unknown, of these links or of all."""
        ...

    def load_under_way(self, at_work: Collection[str] = ()) -> Collection[int]:
        """Ids of operations sent by somebody who may still be at it: his lease lasts, or he has none and we have. Of
        those sent under our own lease, only what units of work sent that are `at_work` by their trace ids.
        """
        ...

    def begin(self, links: Sequence[Link], operations: Sequence[Operation]) -> Sequence[Operation]:
        """tx1: upserts the links (with the raised revision) and inserts the operation rows as SENT.
        Returns the stored rows; one whose link already has an unresolved operation is left out.
        """
        ...

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """tx2: operation states, links, further signals, audit rows. Links that wait on a settled
        link are signalled in the same transaction; a link set WAITING re-reads its parent here and
        is signalled at once if the parent is ready.
        """
        ...

    def report(self, findings: Sequence[Finding], *, cleared: Sequence[tuple[str, str]] = ()) -> None:
        """Upserts findings by (code, subject) and clears others."""
        ...

    def load_findings(self, *, include_cleared: bool = False) -> Sequence[Finding]: ...

    def count_links(self) -> Mapping[str, Mapping[str, int]]:
        """Kind -> state -> number."""
        ...

    def load_held_back(self) -> Sequence[HeldBack]:
        """The links that are to be tried again after a failure, counted by kind and failure, the next one first."""
        ...

    def count_signals(self) -> Mapping[str, int]:
        """Kind -> waiting signals."""
        ...

    def load_audit(self, born: Key, *, limit: int = 100) -> Sequence[Mapping[str, Any]]: ...

    def load_pulse(self, kinds: Sequence[str]) -> Pulse:
        """What is known of the service's state now: what waits, stands still, is paused or braked."""
        ...

    def start_run(self, command: str, at: datetime, *, by: str | None = None) -> int:
        """`by`: the person who gave the command, where one is known."""
        ...

    def finish_run(self, run_id: int, at: datetime, summary: Mapping[str, Any]) -> None: ...

    def load_runs(self, limit: int = 20) -> Sequence[Mapping[str, Any]]: ...

    def load_busy_shards(self) -> Sequence[int]:
        """Those with something to look at: they hold signals, or a write that has not come to its end."""
        ...

    def load_used_shards(self) -> Sequence[int]:
        """Those that a link or a signal is in, also when their number was larger at the time."""
        ...

    def load_note(self, name: str) -> str | None:
        """A small named value that must survive restarts (e.g. the approved mapping digest)."""
        ...

    def save_note(self, name: str, value: str) -> None: ...

    def close(self) -> None: ...
