"""The only composition root: settings in, a connected program out.

Here and nowhere else concrete parts are chosen: the real clock, the two adapters, the store, the
limits. Everything below works on what it is given.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.config.brake_limits import load_brake_limits
from connector.config.mapping_loader import load_pack
from connector.config.retry_policies import load_retry_settings
from connector.config.settings_check import check_complete, read_private_key
from connector.core.chain import Seal
from connector.core.currencies import counted_whole
from connector.core.model import Side
from connector.core.view import Policy
from connector.flows.connect import Contact, connect, remember
from connector.flows.quota import heeded
from connector.flows.workspace import Workspace, never, silent
from connector.remote import Caller, Exchange, TryingAgain, unheard, unnoted
from connector.runtime.clock import SystemClock, chance, new_trace_id
from connector.runtime.limits import Rate, RateLimiter, untold
from connector.salesforce import system as salesforce_system
from connector.salesforce.options import AuthKind, SalesforceOptions
from connector.store import open_store
from connector.store.timeouts import Timeouts
from connector.stripe import system as stripe_system
from connector.stripe.auth import read_key
from connector.stripe.client import StripeOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from connector.config.settings import Settings
    from connector.core.model import Finding, Identity
    from connector.core.retry import RetryPolicies
    from connector.ports import Clock
    from connector.store import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Sessions to use instead of sockets of our own: a mounted sandbox, a recorder."""

    salesforce: requests.Session | None = None
    stripe: Callable[[], requests.Session] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who is told what while it happens."""

    #: what takes time: (what, done, of)
    progress: Callable[[str, int, int], None] = silent
    #: what is tried again
    notice: Callable[[TryingAgain], None] = unheard
    #: each request and what came of it
    heard: Callable[[Exchange], None] = unnoted
    #: each request to Stripe that our own limits held up, and for how long
    waited: Callable[[float], None] = untold


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Two connected systems and all the flows need."""

    workspace: Workspace
    contact: Contact
    settings: Settings

    @property
    def identity(self) -> Identity:
        return self.contact.identity

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.contact.findings

    def calls(self) -> dict[str, int]:
        """Requests sent so far by this process, repeated attempts included."""
        systems: dict[str, Any] = {side.value: self.workspace.system(side) for side in Side}
        return {side: system.calls for side, system in systems.items()}


@contextlib.contextmanager
def open_app(
    settings: Settings,
    *,
    stop: Callable[[], bool] = never,
    listeners: Listeners | None = None,
    clock: Clock | None = None,
    sessions: Sessions | None = None,
    store: SqlStore | None = None,
    trace_id: str | None = None,
) -> Iterator[App]:
    """Loads the mapping, opens the store (if none is given), signs in on both sides and checks that they may be joined.
    With `trace_id` all that is stored is of that one unit of work.

    Raises ConfigError and MappingError before anything is sent, PrerequisiteError, Unauthorised or
    RemoteError when a system is not as it must be, StoreError for our own database.
    """
    clock = clock or SystemClock()
    sessions, told = sessions or Sessions(), listeners or Listeners()
    pack = load_pack(settings.mappings, overrides=settings.pack_overrides())
    check_complete(settings, kinds=pack.kinds)
    retry = load_retry_settings(*settings.retry_files, kinds=pack.kinds)
    limits = load_brake_limits(*settings.brake_files)
    with contextlib.ExitStack() as opened:
        if store is None:
            store = opened.enter_context(open_own_store(settings, clock=clock))
        if trace_id is not None:
            store = store.traced(trace_id)
        salesforce = salesforce_system.connect(
            salesforce_options(settings),
            pack=pack,
            clock=clock,
            caller=_caller(retry.policies, clock, told),
            session=sessions.salesforce,
        )
        opened.callback(salesforce.close)
        stripe = stripe_system.connect(
            stripe_options(settings),
            pack=pack,
            clock=clock,
            caller=_caller(retry.policies, clock, told),
            limiter=stripe_limiter(settings, clock, waited=told.waited),
            session_factory=sessions.stripe,
        )
        opened.callback(stripe.close)
        with heeded(store, clock, retry.policies):
            contact = connect(pack=pack, salesforce=salesforce, stripe=stripe, store=store)
        remember(store, contact.findings)
        stripe.bind(contact.identity.org_id)
        workspace = Workspace(
            pack=pack,
            policy=_policy(settings, contact),
            identity=contact.identity,
            salesforce=salesforce,
            stripe=stripe,
            store=store,
            clock=clock,
            limits=limits,
            shards=settings.shards,
            stop=stop,
            progress=told.progress,
            stopped_kinds=dict(contact.stopped_kinds),
            retries=retry.policies,
            shares=retry.shares,
            chance=chance,
            new_trace_id=new_trace_id,
        )
        yield App(workspace=workspace, contact=contact, settings=settings)


@contextlib.contextmanager
def open_own_store(settings: Settings, *, clock: Clock | None = None) -> Iterator[SqlStore]:
    """What this program remembers, without asking either system. Raises StoreError and ConfigError."""
    store = open_store(
        settings.database_url,
        clock=clock or SystemClock(),
        seal=seal_of(settings),
        timeouts=timeouts_of(settings),
        server_clock=True,
    )
    try:
        yield store
    finally:
        store.close()


def timeouts_of(settings: Settings) -> Timeouts:
    """How long a PostgreSQL server is waited for."""
    given = settings.database
    return Timeouts(
        connect_timeout_s=given.connect_timeout_s,
        statement_timeout_s=given.statement_timeout_s,
        idle_timeout_s=given.idle_timeout_s,
        silence_timeout_s=given.silence_timeout_s,
    )


def seal_of(settings: Settings) -> Seal:
    """What the audit trail is sealed with."""
    return Seal(tuple(key.get_secret_value().encode() for key in settings.audit.keys))


def _caller(policies: RetryPolicies, clock: Clock, told: Listeners) -> Caller:
    return Caller(policies=policies, clock=clock, chance=chance, notice=told.notice, heard=told.heard)


def _policy(settings: Settings, contact: Contact) -> Policy:
    # where CurrencyIsoCode exists every record says its own currency
    currency = None if contact.salesforce.multi_currency else settings.salesforce.currency
    return Policy(
        go_live=settings.go_live,
        time_zone=settings.time_zone,
        currency=currency,
        org_id=contact.identity.org_id,
        currencies=counted_whole(settings.stripe.whole_unit_currencies),
    )


def salesforce_options(settings: Settings) -> SalesforceOptions:
    """What the adapter is told. Raises ConfigError for a key file that cannot be read."""
    given = settings.salesforce
    return SalesforceOptions(
        auth=AuthKind(given.auth),
        login_url=given.login_url,
        instance_url=given.instance_url or "",
        client_id=given.client_id or "",
        client_secret=_secret(given.client_secret),
        username=given.username or "",
        private_key_pem=read_private_key(settings) if given.auth == "jwt" else "",
        access_token=_secret(given.access_token),
        api_version=given.api_version,
        currency=given.currency,
        timeout_s=given.timeout_s,
        connect_timeout_s=given.connect_timeout_s,
        margin_s=given.margin_s,
        overlap_s=given.overlap_s,
    )


def stripe_options(settings: Settings) -> StripeOptions:
    """What the adapter is told; the key is read where it is used."""
    given = settings.stripe
    return StripeOptions(
        api_key=_secret(given.api_key),
        api_base=given.api_base,
        api_version=given.api_version,
        timeout_s=(given.connect_timeout_s, given.timeout_s),
        concurrency=given.concurrency,
        overlap_s=given.overlap_s,
    )


def stripe_limiter(settings: Settings, clock: Clock, *, waited: Callable[[float], None] = untold) -> RateLimiter:
    given = settings.stripe
    rate = given.rate_per_second or read_key(_secret(given.api_key)).rate_per_s
    per_endpoint = Rate(per_s=given.endpoint_rate_per_second)
    return RateLimiter(total=Rate(per_s=rate), per_endpoint=per_endpoint, clock=clock, waited=waited)


def _secret(value: Any) -> str:
    return "" if value is None else str(value.get_secret_value())
