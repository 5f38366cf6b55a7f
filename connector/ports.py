"""The seams between deciding and doing. Nothing else belongs here.

A System is one remote side; both adapters and nothing else implement it. Methods are plural:
one SOQL for 200 ids, one collections call for 200 rows. `fetch` reads the network, `apply`
writes to it, and a remote refusal is a value (`Refusal`), not an exception. What stops a whole
side (`Unauthorised`, `Transient` after every retry on a read) is raised as core.errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from connector.core.endpoints import Change, Written
    from connector.core.metadata import Components, DeployResult, OrgState
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
    from connector.core.verify.account import WebhookEndpoint
    from connector.core.verify.checks import Attestation
    from connector.core.verify.evidence import Evidence
    from connector.core.verify.memory import AttestationEvent, PackagePin, PastRun


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall clock, timezone-aware, UTC."""
        ...

    def monotonic_s(self) -> float:
        """For durations only."""
        ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePage:
    """Some signals and the cursors that hold once they are stored, in one transaction."""

    signals: tuple[Signal, ...]
    cursors: tuple[Cursor, ...]


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

    def identify(self) -> SideIdentity:
        """Who answers with these credentials; raises Unauthorised or RemoteError."""
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

    def apply(self, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]) -> None:
        """Performs the operations and reports one outcome for each, as it is known, from any thread.

        Operations of one link come one at a time; different links may go concurrently. Keeps
        neighbours apart: one bad row never fails another.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSignal:
    signal: Signal
    #: raised at every insert: settle deletes only `seq <= seen`
    seq: int
    shard: int


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
    #: further keys to look at
    signals: tuple[Signal, ...] = ()


class Store(Protocol):
    """Our memory. Every method is one transaction; none is open while a remote call runs."""

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

    def load_unresolved(self, born: Sequence[Key] | None = None) -> Sequence[Operation]:
        """Operations sent or unknown, of these links or of all."""
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

    def count_signals(self) -> Mapping[str, int]:
        """Kind -> waiting signals."""
        ...

    def load_audit(self, born: Key, *, limit: int = 100) -> Sequence[Mapping[str, Any]]: ...

    def start_run(self, command: str, at: datetime) -> int: ...

    def finish_run(self, run_id: int, at: datetime, summary: Mapping[str, Any]) -> None: ...

    def load_runs(self, limit: int = 20) -> Sequence[Mapping[str, Any]]: ...

    def load_note(self, name: str) -> str | None:
        """A small named value that must survive restarts (e.g. the approved mapping digest)."""
        ...

    def save_note(self, name: str, value: str) -> None: ...

    def close(self) -> None: ...


class Inspector(Protocol):
    """Looks at one side for the verifier. Reads only."""

    @property
    def side(self) -> Side | None:
        """None: this machine."""
        ...

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        ...

    def inspect(self, wanted: Sequence[str]) -> Mapping[str, Evidence]:
        """Each wanted piece of evidence, by name, gathered concurrently in as few calls as the system
        allows. What cannot be read is `Unreadable`, a probe that breaks is `Broken`: neither costs its
        neighbours anything, and nothing is raised for an answer or a missing answer of the system.
        """
        ...


class VerifyMemory(Protocol):
    """What the verifier remembers about one org. Every method is one transaction."""

    def load_attestations(self) -> Sequence[Attestation]:
        """The newest of each check, expired ones too; none that was withdrawn."""
        ...

    def load_attestation_history(self, limit: int = 50) -> Sequence[AttestationEvent]:
        """Everything people said and took back, newest first."""
        ...

    def save_attestation(self, attestation: Attestation) -> None: ...

    def withdraw_attestation(self, check_id: str, by: str, at: datetime) -> bool:
        """Whether there was one."""
        ...

    def load_pins(self) -> Sequence[PackagePin]: ...

    def save_pins(self, pins: Sequence[PackagePin]) -> None:
        """These and no others from now on."""
        ...

    def save_verification(self, run: PastRun) -> None: ...

    def load_verifications(self, limit: int = 20, *, profile: str | None = None) -> Sequence[PastRun]:
        """Newest first, of one profile or of all. `report` is empty where it is no longer kept."""
        ...

    def unchanged_since(self, verdicts: Mapping[str, str], *, profile: str) -> Mapping[str, datetime]:
        """For each check, when the unbroken row of runs with this verdict began; absent for a new verdict.
        Runs that did not look at a check say nothing about it.
        """
        ...


class MetadataTarget(Protocol):
    """An org our fields and permission set are deployed into. RemoteError for what is refused or not answered."""

    def fetch_state(self) -> OrgState:
        """What the org has already."""
        ...

    def deploy(self, components: Components, *, check_only: bool) -> DeployResult:
        """Deploys all of them or none; with `check_only` tries only. Raises Unfinished when it takes too long."""
        ...

    def assign(self, permission_set_id: str, user_id: str) -> None:
        """Gives the permission set; also right when the user has it already."""
        ...


class EndpointTarget(Protocol):
    """An account whose webhook endpoint is set up. RemoteError for what is refused or not answered."""

    @property
    def livemode(self) -> bool: ...

    def fetch_endpoints(self) -> Sequence[WebhookEndpoint]:
        """All of them, newest first."""
        ...

    def write(self, change: Change) -> Written:
        """Makes one change; the same change again makes nothing twice."""
        ...


class SecretKeeper(Protocol):
    """A place for one new secret. ConfigError where it cannot be kept."""

    def is_owed(self) -> bool:
        """Whether the place was reserved and the secret never came."""
        ...

    def reserve(self) -> None:
        """Makes sure that a secret can be stored, and that none is there."""
        ...

    def release(self) -> None:
        """There will be no secret: takes the reservation back."""
        ...

    def store(self, secret: str) -> None: ...
