"""The Stripe side as the flows see it: `ports.System` over one account.

One bounded pool of threads serves all callers, so that no more than `concurrency` requests are in
flight. May not decide anything about records.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from connector.core.errors import Refused, RemoteError
from connector.core.model import Delay, Finding, Severity, Side
from connector.ports import SideIdentity
from connector.stripe.client import Call, Client, wrong_version
from connector.stripe.listing import list_all
from connector.stripe.polls import Poller
from connector.stripe.reads import Reader
from connector.stripe.server_clock import ServerClock
from connector.stripe.writes import Writer
from connector.workers import THREADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    import requests

    from connector.core.mapping import Pack
    from connector.core.model import Cursor, Key, Operation, Outcome, Record
    from connector.core.quota import Quota
    from connector.ports import ChangePage, Clock, Workers
    from connector.remote import Caller
    from connector.stripe.client import Limiter, Reply, StripeOptions


class StripeSystem:
    side = Side.STRIPE

    def __init__(
        self,
        options: StripeOptions,
        *,
        pack: Pack,
        clock: Clock,
        server_clock: ServerClock,
        client: Client,
        workers: Workers = THREADS,
    ) -> None:
        self._options = options
        self._pack = pack
        self._clock = clock
        self._client = client
        self._server_clock = server_clock
        self._workers = workers
        self._pool = workers.pool(size=options.concurrency, name="stripe")
        self._reader = Reader(client, pack=pack, executor=self._pool, workers=workers)
        self._writer = Writer(client, pack=pack)
        self._poller = Poller(
            client,
            pack=pack,
            clock=clock,
            overlap_s=options.overlap_s,
            executor=self._pool,
            readers=options.concurrency,
            org=lambda: self._org_id,
        )
        self._org_id = options.org_id
        self._account: Reply | None = None
        self._account_lock = threading.Lock()

    @property
    def calls(self) -> int:
        """Requests sent by this process, repeated attempts included."""
        return self._client.calls

    @property
    def quota(self) -> Quota | None:
        """Stripe counts requests per second and no day's."""
        return None

    def forget_quota(self) -> None:
        """There is none."""

    def bind(self, org_id: str) -> None:
        """Names the Salesforce org whose marks are ours, once it is known."""
        self._org_id = org_id

    def identify(self) -> SideIdentity:
        """Asked once per process. The mode is the key's; an account itself has none. Raises ConfigError for an
        API version the account does not know.
        """
        body = self._account_reply().body
        name = ((body.get("settings") or {}).get("dashboard") or {}).get("display_name")
        name = name or (body.get("business_profile") or {}).get("name") or ""
        return SideIdentity(id=body["id"], is_live=self._client.key.livemode, name=name)

    def now(self) -> datetime:
        """As told by a reply of the last minute, else asked for. Raises RemoteError. A server that tells no
        time leaves ours.
        """
        told = self._server_clock.read()
        if told is None:
            self._client.send(Call(method="get", template="/v1/account"))
            told = self._server_clock.read()
        return told or self._clock.now()

    def shape(self) -> str:
        """Stripe has no rights per field: what may be read and written is what the API version says."""
        return self._options.api_version

    def check(self) -> Sequence[Finding]:
        """Does the account answer in our API version. Whether the key has every right is the verifier's question."""
        findings: list[Finding] = []
        wanted = self._options.api_version
        answered = self._account_reply().headers.get("stripe-version", wanted)
        if answered != wanted:
            findings.append(_version_finding(wanted, f"it answers in {answered}"))
        return findings

    def changes(
        self, cursors: Mapping[str, Cursor], *, kinds: Sequence[str], since: datetime | None = None
    ) -> Iterator[ChangePage]:
        """Signals of every kind of the pack, whatever `kinds` asks for: they share one stream of events,
        and a cursor that moved past the events of a kind left out would lose them.
        """
        return self._poller.changes(cursors, since=since) if kinds else iter(())

    def fetch(self, kind: str, ids: Sequence[str], *, select: bool = False) -> Mapping[str, Record]:
        del select  # births at Stripe have no condition
        return {key.id: record for key, record in self._reader.fetch_many({kind: ids}).items()}

    def fetch_many(
        self, wanted: Mapping[str, Sequence[str]], *, select: Mapping[str, Sequence[str]]
    ) -> Mapping[Key, Record]:
        del select
        return self._reader.fetch_many(wanted)

    def find(self, kind: str, born_ids: Sequence[str]) -> Mapping[str, Record]:
        """Needs `bind`: without the org, somebody else's mark could be taken for ours."""
        assert self._org_id is not None, "find before bind"
        assert self._pack.kinds[kind].born is Side.SALESFORCE, f"{kind} carries no mark at Stripe"
        return self._reader.find(kind, born_ids, org_id=self._org_id)

    def fetch_all(
        self, kind: str, *, select: bool = False, lines: bool = True, needed: bool = False
    ) -> Iterator[Sequence[Record]]:
        del select, needed  # a list shows everything
        return list_all(self._client, self._reader, kind, self._pack.kinds[kind].stripe.object, lines=lines)

    def apply(self, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]) -> None:
        """One outcome for each operation, from worker threads, as it ends; `on_outcome` must not call this
        system, whose workers it would wait for.

        Raises what stops the whole side, after the calls in flight have ended and every operation
        that was not sent any more was reported as a Delay. So does an interrupt.
        """
        stop = threading.Event()
        futures = [self._pool.submit(self._apply_one, each, on_outcome, stop) for each in operations]
        try:
            self._workers.wait(futures)
        except BaseException:
            stop.set()
            self._workers.wait(futures)
            raise
        _raise_first(futures)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def _apply_one(
        self, operation: Operation, on_outcome: Callable[[Operation, Outcome], None], stop: threading.Event
    ) -> RemoteError | None:
        if stop.is_set():
            on_outcome(operation, Delay(code="not_sent", message="stopped before this operation was sent"))
            return None
        try:
            outcome, error = self._writer.perform(operation)
            if error is not None:
                stop.set()
            on_outcome(operation, outcome)
        except BaseException:
            stop.set()
            raise
        return error

    def _account_reply(self) -> Reply:
        with self._account_lock:
            if self._account is None:
                try:
                    self._account = self._client.send(Call(method="get", template="/v1/account"))
                    self._client.account_id = self._account.body["id"]
                except Refused as error:
                    if error.status != 400:
                        raise
                    # The request has no parameters: what is bad about it can only be the version.
                    raise wrong_version(self._options.api_version, error.message) from error
            return self._account


def connect(
    options: StripeOptions,
    *,
    pack: Pack,
    clock: Clock,
    caller: Caller,
    limiter: Limiter,
    session_factory: Callable[[], requests.Session] | None = None,
    workers: Workers = THREADS,
) -> StripeSystem:
    """The Stripe side. Sends nothing yet; raises ConfigError when key or address cannot be right."""
    server_clock = ServerClock(clock)
    client = Client(options, caller=caller, limiter=limiter, session_factory=session_factory, server_clock=server_clock)
    return StripeSystem(options, pack=pack, clock=clock, server_clock=server_clock, client=client, workers=workers)


def _raise_first(futures: Sequence[Future[RemoteError | None]]) -> None:
    for future in futures:
        error = future.result()
        if error is not None:
            raise error


def _version_finding(wanted: str, answered: str) -> Finding:
    return Finding(
        code="stripe.api_version",
        subject="stripe",
        severity=Severity.BLOCKER,
        observed=f"Stripe does not answer in API version {wanted}: {answered}",
        wanted=f"API version {wanted}",
        why="fields and meanings differ between versions",
        remedy="set CONNECTOR_STRIPE__API_VERSION to a version this program knows, or upgrade the program",
    )
