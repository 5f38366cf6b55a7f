"""Serves the simulated systems over HTTP/1.1 on loopback, one port each.

Holds sockets, threads, signals and the state file; knows nothing of either system's rules.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.client import responses as reason_phrases
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TextIO

import orjson
from waitress import wasyncore
from waitress.server import create_server

from connector.sandbox.clock import SystemClock
from connector.sandbox.http import App, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from connector.sandbox.salesforce.org import Org
    from connector.sandbox.stripe.account import Account

#: More threads than any client's connection pool here, so that waiting is the client's choice.
THREADS = 48
SAVE_EVERY_S = 5.0
#: Saving may take at most one part in this many of the time.
SAVE_SHARE = 20
LOOPBACK = "127.0.0.1"
_READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOP_HEADERS = frozenset({"connection", "content-length", "transfer-encoding"})


class StatefulApp(App, Protocol):
    def dump(self) -> Mapping[str, Any]: ...

    def load(self, state: Mapping[str, Any]) -> None: ...


@dataclass(slots=True)
class Activity:
    """Notes that something may have changed since the state was last saved."""

    _changed: threading.Event = field(default_factory=threading.Event)

    def note(self) -> None:
        self._changed.set()

    def take(self) -> bool:
        """Whether anything was noted since the last call."""
        was_set = self._changed.is_set()
        self._changed.clear()
        return was_set


class Served:
    """One App listening on a loopback port; use as a context manager or call `close`."""

    def __init__(
        self,
        app: App,
        *,
        port: int = 0,
        latency_ms: int = 0,
        activity: Activity | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        # The depth warning fires whenever all threads are busy, which is normal under a benchmark.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            _wsgi(app, latency_ms=latency_ms, activity=activity, sleep=sleep),
            map=self._sockets,
            host=LOOPBACK,
            port=port,
            threads=THREADS,
            ident="sandbox",
            channel_timeout=300,
            connection_limit=1000,
        )
        self.port: int = int(self._server.effective_port)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"sandbox-{self.port}", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def _loop(self) -> None:
        # waitress's own run() ends only by an exception in its thread; this one can be asked to end.
        while not self._closing.is_set():
            wasyncore.loop(timeout=1, use_poll=True, map=self._sockets, count=1)

    def close(self) -> None:
        """Stops listening, lets running requests end, closes every connection."""
        self._closing.set()
        self._server.trigger.pull_trigger()
        self._thread.join()
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._sockets, ignore_all=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _wsgi(
    app: App, *, latency_ms: int, activity: Activity | None, sleep: Callable[[float], None]
) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    latency_s = latency_ms / 1000

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = _request(environ)
        if latency_s:
            sleep(latency_s)
        response = app.handle(request)
        if activity is not None and request.method not in _READ_METHODS:
            activity.note()
        headers = [(name, value) for name, value in response.headers.items() if name.lower() not in _HOP_HEADERS]
        headers.append(("Content-Length", str(len(response.body))))
        start_response(f"{response.status} {reason_phrases.get(response.status, 'Unknown')}", headers)
        return [response.body]

    return answer


def _request(environ: Mapping[str, Any]) -> Request:
    # REQUEST_URI is the target as sent; PATH_INFO would already be percent-decoded.
    path, _, query = environ["REQUEST_URI"].partition("?")
    if not path.startswith("/"):
        path = "/" + path.split("/", 3)[3] if path.count("/") > 2 else "/"
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    return Request(
        method=environ["REQUEST_METHOD"].upper(),
        path=path,
        query=query,
        headers=headers,
        body=environ["wsgi.input"].read(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    #: 0 takes any free port
    salesforce_port: int = 0
    stripe_port: int = 0
    seed: int = 1
    #: multiplies the seeded records; 0 leaves the org empty
    scale: int = 1
    latency_ms: int = 0
    #: JSON file the state is read from, when it exists, and written to
    state_file: Path | None = None
    #: requests per second per Stripe account and per Stripe endpoint; None switches the limiter off
    stripe_rate_per_second: int | None = 25
    multi_currency: bool = True
    #: API calls of the rolling day the org allows everybody together
    daily_calls: int = 5_000_000
    #: which org: a name of `salesforce.scenarios`
    org: str = "demo"
    #: whether the Stripe account holds the same records already, without marks
    both: bool = False
    #: folder of deployable metadata the org loads; None leaves the org's own default
    metadata_dir: Path | None = None


def run(options: SandboxOptions, *, out: TextIO = sys.stdout, stop: threading.Event | None = None) -> None:
    """Serves both systems until SIGTERM, SIGINT or `stop`, then writes the state file.

    Prints exactly one JSON line, the connection details, once both ports accept connections.
    Signal handlers are installed only when no `stop` is given (and so only on the main thread).
    Raises ValueError when there is no such org, or the state file exists and cannot be read or is another org's.
    """
    stopped = stop if stop is not None else threading.Event()
    if stop is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
    from connector.sandbox.stripe.deliveries import Courier  # noqa: PLC0415  # as in _build

    org, account = _build(options)
    state = _StateFile(path=options.state_file, salesforce=org, stripe=account)
    state.load_or_seed(lambda: _seed(org, account, options))
    activity = Activity()
    with contextlib.ExitStack() as serving:
        salesforce = serving.enter_context(
            Served(org, port=options.salesforce_port, latency_ms=options.latency_ms, activity=activity)
        )
        stripe = serving.enter_context(
            Served(account, port=options.stripe_port, latency_ms=options.latency_ms, activity=activity)
        )
        serving.callback(Courier(account.deliveries()).close)
        out.write(orjson.dumps(_connection(org, account, salesforce.url, stripe.url)).decode() + "\n")
        out.flush()
        wait_s = SAVE_EVERY_S
        while not stopped.wait(wait_s if options.state_file else None):
            if activity.take():
                started = time.monotonic()
                state.save()
                # A large state takes seconds to write, during which nothing is answered.
                wait_s = max(SAVE_EVERY_S, SAVE_SHARE * (time.monotonic() - started))
    state.save()


def _build(options: SandboxOptions) -> tuple[Org, Account]:
    from connector.sandbox.salesforce.org import Org  # noqa: PLC0415  # the frame serves either side alone
    from connector.sandbox.stripe.account import Account  # noqa: PLC0415  # as above

    clock = SystemClock()
    org_settings: dict[str, Any] = {
        "multi_currency": options.multi_currency,
        "daily_api_limit": options.daily_calls,
    }
    if options.metadata_dir is not None:
        org_settings["metadata_dir"] = options.metadata_dir
    org = Org(clock=clock, seed=options.seed, scenario=options.org, **org_settings)
    account = Account(
        clock=clock,
        seed=options.seed,
        livemode=org.scenario.stripe_livemode,
        rate_per_second=options.stripe_rate_per_second,
        endpoint_rate_per_second=options.stripe_rate_per_second,
    )
    return org, account


def _seed(org: Org, account: Account, options: SandboxOptions) -> None:
    from connector.sandbox.both import fill  # noqa: PLC0415  # as in _build
    from connector.sandbox.salesforce.seed import seed  # noqa: PLC0415  # as in _build

    if options.scale:
        seed(org, scale=options.scale)
    if options.both:
        fill(account, org, clock=SystemClock(), seed=options.seed, livemode=org.scenario.stripe_livemode)


def _connection(org: Org, account: Account, salesforce_url: str, stripe_url: str) -> dict[str, dict[str, str]]:
    return {
        "salesforce": {
            "instance_url": salesforce_url,
            "login_url": salesforce_url,
            "access_token": org.access_token,
            "client_id": org.client_id,
            "client_secret": org.client_secret,
            "username": org.username,
            "api_version": org.api_version,
        },
        "stripe": {"api_base": stripe_url, "api_key": account.api_key, "webhook_secret": account.webhook_secret},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _StateFile:
    path: Path | None
    salesforce: StatefulApp
    stripe: StatefulApp

    def load_or_seed(self, seed: Callable[[], None]) -> None:
        if self.path is None or not self.path.exists():
            seed()
            return
        try:
            state = orjson.loads(self.path.read_bytes())
            self.salesforce.load(state["salesforce"])
            self.stripe.load(state["stripe"])
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path} is not a state file of this sandbox: {error}") from error

    def save(self) -> None:
        """Writes beside the file and renames over it, so that a killed process leaves one whole state."""
        if self.path is None:
            return
        body = orjson.dumps({"salesforce": self.salesforce.dump(), "stripe": self.stripe.dump()})
        with _beside(self.path) as (descriptor, temporary):
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[tuple[int, Path]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        yield descriptor, temporary
    finally:
        temporary.unlink(missing_ok=True)
