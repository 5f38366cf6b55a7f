"""One Stripe account behind the official SDK: requests in, plain JSON objects out.

Every request of the adapter goes through `Client.attempt`: rate limit, SDK transport with the tap,
classified errors, retries by the one retry layer, and the check that the reply is of the key's mode and account.
May not know kinds, mappings or what a reply means.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlsplit

import orjson
import stripe

from connector.core.errors import Ambiguous, ConfigError, Problem, RemoteError
from connector.core.model import FailureClass, Side
from connector.stripe.auth import read_key
from connector.stripe.errors import KEY_IN_USE, Failure, classify, unreadable_reply
from connector.stripe.session import Tap, build_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import requests

    from connector.remote import Caller
    from connector.stripe.server_clock import ServerClock

#: The API version this adapter is written against (platform.md, first line).
API_VERSION = "2026-10-28.endive"
API_BASE = "https://api.stripe.com"
#: The most a list call returns (platform.md C4).
PAGE_SIZE = 100

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Limiter(Protocol):
    def acquire(self, endpoint: str) -> None:
        """Returns when one more request of the named operation may be sent."""
        ...

    def slow_down(self) -> None:
        """The system refused one for its number: fewer are sent for a while."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeOptions:
    """How to reach one account."""

    #: never printed
    api_key: str = field(repr=False)
    api_base: str = API_BASE
    api_version: str = API_VERSION
    #: seconds to connect, seconds between two bytes of the reply
    timeout_s: tuple[float, float] = (5.0, 30.0)
    #: requests in flight at the same time, for all callers together
    concurrency: int = 8
    #: how far behind the newest event seen a poll looks for late ones
    overlap_s: int = 60
    #: the Salesforce org whose marks are ours; see `StripeSystem.bind`
    org_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `template` with `{id}` names the operation, for limits and messages."""

    method: str
    template: str
    #: what fills `{id}`
    id: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    #: required on every POST
    idempotency_key: str | None = None
    #: the kind of record it is for, where it is for one: retries go by it
    kind: str | None = None

    @property
    def endpoint(self) -> str:
        return f"{self.method.upper()} {self.template}"

    @property
    def path(self) -> str:
        return self.template if self.id is None else self.template.replace("{id}", quote(self.id, safe=""))

    @property
    def is_write(self) -> bool:
        return self.method != "get"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    #: the JSON object, numbers as in the text: whole numbers are int
    body: dict[str, Any]
    request_id: str | None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Every retry is used up. `doubtful`: this or an earlier attempt may have been carried out."""

    error: RemoteError
    doubtful: bool


class Client:
    """Shared by all threads. `calls` counts requests sent, attempts included."""

    def __init__(
        self,
        options: StripeOptions,
        *,
        caller: Caller,
        limiter: Limiter,
        session_factory: Callable[[], requests.Session] | None = None,
        server_clock: ServerClock | None = None,
    ) -> None:
        self.key = read_key(options.api_key)
        _refuse_open_wire(options.api_base, livemode=self.key.livemode)
        if _release(options.api_version) != _release(API_VERSION):
            raise wrong_version(options.api_version, "it has other fields and meanings than this program reads")
        # A module global is the only switch; it also keeps the SDK from writing an id file into the
        # user's home and from sending timings of earlier requests.
        stripe.enable_telemetry = False
        self._session = build_session(
            api_base=options.api_base,
            connections=options.concurrency + 2,
            carrier=None if session_factory is None else session_factory(),
            ear=caller.ear(Side.STRIPE),
        )
        self._tap = Tap(timeout_s=options.timeout_s, session=self._session)
        self._sdk = stripe.StripeClient(
            options.api_key,
            stripe_version=options.api_version,
            base_addresses={"api": options.api_base.rstrip("/"), "files": options.api_base.rstrip("/")},
            max_network_retries=0,
            http_client=self._tap,
        )
        self._caller = caller
        self._limiter = limiter
        self._server_clock = server_clock
        #: the account the key is of, once it answered; events of another are refused
        self.account_id: str | None = None
        self._count = 0
        self._count_lock = threading.Lock()

    @property
    def calls(self) -> int:
        return self._count

    def send(self, call: Call) -> Reply:
        """The reply; raises the last error, as core.errors, when retries are used up."""
        result = self.attempt(call)
        if isinstance(result, Failed):
            raise result.error
        return result

    def attempt(self, call: Call) -> Reply | Failed:
        """The reply, or what is known after the last retry. Repeats are safe: reads, or writes with a key."""
        assert call.method != "post" or call.idempotency_key, f"{call.endpoint} without an idempotency key"
        doubts: list[bool] = []
        try:
            result = self._caller.call(partial(self._once, call, doubts), repeatable=True, kind=call.kind)
        except RemoteError as error:
            return Failed(error=error, doubtful=any(doubts))
        return Failed(error=result, doubtful=any(doubts)) if isinstance(result, RemoteError) else result

    def pages(
        self, template: str, params: Mapping[str, Any], *, parent_id: str | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list, newest first; at least one, perhaps empty. Each is asked for when it is needed."""
        after: dict[str, str] = {}
        while True:
            asked = {"limit": PAGE_SIZE, **params, **after}
            body = self.send(Call(method="get", template=template, id=parent_id, params=asked)).body
            page: list[dict[str, Any]] = body["data"]
            yield page
            if not body.get("has_more") or not page:
                return
            after = {"starting_after": page[-1]["id"]}

    def close(self) -> None:
        self._session.close()

    def _once(self, call: Call, doubts: list[bool]) -> Reply | RemoteError:
        """One attempt: raises an error that may be retried now, returns one that may not."""
        self._limiter.acquire(call.endpoint)
        with self._count_lock:
            self._count += 1
        try:
            return self._exchange(call)
        except stripe.StripeError as foreign:
            failure = classify(foreign, action=call.endpoint, is_write=call.is_write)
        except RemoteError as own:
            failure = Failure(error=own, again=True)
        if failure.error.failure is FailureClass.THROTTLED:
            self._limiter.slow_down()
        doubts.append(isinstance(failure.error, Ambiguous) or (call.is_write and failure.error.code == KEY_IN_USE))
        if failure.again:
            raise failure.error
        return failure.error

    def _exchange(self, call: Call) -> Reply:
        options = {} if call.idempotency_key is None else {"idempotency_key": call.idempotency_key}
        response = self._sdk.raw_request(call.method, call.path, **call.params, **options)
        if self._server_clock is not None:
            self._server_clock.note(response.headers.get("date"))
        request_id = response.headers.get("request-id")
        try:
            body = orjson.loads(self._tap.take())
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            raise unreadable_reply(call.endpoint, is_write=call.is_write, request_id=request_id)
        self._check_identity(body, call, request_id)
        return Reply(body=body, request_id=request_id, headers=response.headers)

    def _check_identity(self, body: dict[str, Any], call: Call, request_id: str | None) -> None:
        """The mode of the reply, of what it lists and of what an event shows, and the account of an event."""
        listed = body.get("data") if body.get("object") == "list" else None
        items = listed if isinstance(listed, list) else [body]
        shown = [item["data"]["object"] for item in items if item.get("object") == "event"]
        for item in (*items, *shown):
            mode = item.get("livemode")
            if mode is not None and mode is not self.key.livemode:
                raise RemoteError(
                    f"the key is of {_mode_name(live=self.key.livemode)} mode,"
                    f" but {item.get('id')} is of {_mode_name(live=mode)} mode",
                    side=Side.STRIPE,
                    action=call.endpoint,
                    code="livemode_mismatch",
                    request_id=request_id,
                )
            account = item.get("account") if item.get("object") == "event" else None
            if None not in (account, self.account_id) and account != self.account_id:
                raise RemoteError(
                    f"the key is of {self.account_id}, but event {item.get('id')} is of {account}",
                    side=Side.STRIPE,
                    action=call.endpoint,
                    code="account_mismatch",
                    request_id=request_id,
                )


def _mode_name(*, live: bool) -> str:
    return "live" if live else "test"


def wrong_version(configured: str, why: str) -> ConfigError:
    """`why` is what speaks against the configured API version."""
    problem = Problem(
        where="CONNECTOR_STRIPE__API_VERSION",
        observed=f"Stripe cannot be used in API version {configured}: {why}",
        remedy=f"set {API_VERSION}, the version this program is written for, or leave the setting out",
    )
    return ConfigError([problem])


def _release(api_version: str) -> str:
    """The release a version belongs to; what breaks, breaks between them (PROVENANCE.md): 2026-10-28.endive -> endive."""
    return api_version.rpartition(".")[2]


def _refuse_open_wire(api_base: str, *, livemode: bool) -> None:
    """A live key travels over TLS or not at all, except to this very machine."""
    parts = urlsplit(api_base)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        observed, remedy = (
            f"{api_base!r} is not an address",
            f"use {API_BASE}, or http://127.0.0.1:PORT for the sandbox",
        )
    elif livemode and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        observed, remedy = f"{api_base} would carry a live key unencrypted", f"use {API_BASE}"
    else:
        return
    raise ConfigError([Problem(where="CONNECTOR_STRIPE__API_BASE", observed=observed, remedy=remedy)])
