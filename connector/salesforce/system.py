"""The Salesforce side of `ports.System`: every method hands on to the room that does it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from connector.core.mapping import read_path
from connector.core.model import Key, Record, Side
from connector.ports import SideIdentity
from connector.salesforce.auth import TokenProvider
from connector.salesforce.client import Client
from connector.salesforce.describes import OrgShape, digest_of, fetch_org_shape
from connector.salesforce.inspection import inspect
from connector.salesforce.listing import Wanted, list_all
from connector.salesforce.polls import Poller
from connector.salesforce.reads import Reader
from connector.salesforce.session import GatewaySession
from connector.salesforce.writes import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    import requests

    from connector.core.mapping import Pack
    from connector.core.model import Cursor, Finding, Operation, Outcome
    from connector.core.quota import Quota
    from connector.ports import ChangePage, Clock
    from connector.remote import Caller
    from connector.salesforce.options import SalesforceOptions


class SalesforceSystem:
    """Thread-safe. Errors as `ports.System` says; `check` and `identify` share one call."""

    side = Side.SALESFORCE

    def __init__(self, *, pack: Pack, client: Client, options: SalesforceOptions) -> None:
        self._pack = pack
        self._client = client
        self._options = options
        self._writer = Writer(client=client)
        self._poller = Poller(client=client, pack=pack, margin_s=options.margin_s, overlap_s=options.overlap_s)
        self._lock = Lock()
        self._shape: OrgShape | None = None
        #: the shape whose digest it is
        self._digested: tuple[OrgShape, str] | None = None
        #: the shape it reads by
        self._made_reader: tuple[OrgShape, Reader] | None = None

    @property
    def calls(self) -> int:
        """Requests sent so far, sign-ins included."""
        return self._client.calls

    @property
    def quota(self) -> Quota | None:
        """The org's quota as Salesforce last told it; None before the first call."""
        return self._client.quota

    def forget_quota(self) -> None:
        self._client.forget_quota()

    def identify(self) -> SideIdentity:
        """Asks anew and lets `check` and later reads use the answer."""
        shape = fetch_org_shape(self._client, self._pack)
        with self._lock:
            self._shape = shape
        return SideIdentity(
            id=shape.org_id, is_live=not shape.is_sandbox, name=shape.name, multi_currency=shape.multi_currency
        )

    def shape(self) -> str:
        shape, digested = self._known_shape(), self._digested
        # Thousands of fields, and every pass asks: as long as nobody looked anew it is known.
        if digested is None or digested[0] is not shape:
            digested = self._digested = shape, digest_of(shape)
        return digested[1]

    def check(self) -> Sequence[Finding]:
        return inspect(self._known_shape(), self._pack, currency=self._options.currency)

    def changes(
        self, cursors: Mapping[str, Cursor], *, kinds: Sequence[str], since: datetime | None = None
    ) -> Iterator[ChangePage]:
        return self._poller.changes(cursors, kinds, since=since)

    def fetch(self, kind: str, ids: Sequence[str], *, select: bool = False) -> Mapping[str, Record]:
        records = self.fetch_many({kind: ids}, select={kind: ids} if select else {})
        return {key.id: record for key, record in records.items()}

    def fetch_many(
        self, wanted: Mapping[str, Sequence[str]], *, select: Mapping[str, Sequence[str]]
    ) -> Mapping[Key, Record]:
        return self._reader().read(wanted, select)

    def find(self, kind: str, born_ids: Sequence[str]) -> Mapping[str, Record]:
        mapping = self._pack.kinds[kind]
        if mapping.born is Side.STRIPE:
            return self._reader().read_marked(kind, born_ids)
        marker = mapping.salesforce.marker
        return {
            record_id: record
            for record_id, record in self.fetch(kind, born_ids).items()
            if read_path(record.fields, marker) is not None and not record.deleted
        }

    def fetch_all(
        self, kind: str, *, select: bool = False, lines: bool = True, needed: bool = False
    ) -> Iterator[Sequence[Record]]:
        return list_all(self._client, self._reader(), kind, Wanted(select=select, lines=lines, needed=needed))

    def apply(self, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]) -> None:
        self._writer.apply(operations, on_outcome)

    def close(self) -> None:
        self._client.close()

    def _reader(self) -> Reader:
        shape, made = self._known_shape(), self._made_reader
        # What is selected of each kind follows from the pack and the org: it is put together once for each shape.
        if made is None or made[0] is not shape:
            reader = Reader(
                client=self._client,
                pack=self._pack,
                multi_currency=shape.multi_currency,
                margin_s=self._options.margin_s,
            )
            made = self._made_reader = shape, reader
        return made[1]

    def _known_shape(self) -> OrgShape:
        with self._lock:
            if self._shape is None:
                self._shape = fetch_org_shape(self._client, self._pack)
            return self._shape


def connect(
    options: SalesforceOptions, *, pack: Pack, clock: Clock, caller: Caller, session: requests.Session | None = None
) -> SalesforceSystem:
    """A system ready to use; nothing is sent before its first method is called.

    `session` carries the adapters to use instead of sockets of our own, e.g. a mounted sandbox.
    """
    client = open_client(options, clock=clock, caller=caller, session=session)
    return SalesforceSystem(pack=pack, client=client, options=options)


def open_client(
    options: SalesforceOptions, *, clock: Clock, caller: Caller, session: requests.Session | None = None
) -> Client:
    """The gateway alone, for who only looks; nothing is sent before its first call."""
    gateway = GatewaySession(options, carrier=session, ear=caller.ear(Side.SALESFORCE))
    tokens = TokenProvider(options, session=gateway, clock=clock)
    return Client(tokens=tokens, session=gateway, caller=caller, api_version=options.api_version)
