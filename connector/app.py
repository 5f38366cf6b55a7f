"""The only composition root: settings in, a connected program out.

Here and nowhere else concrete parts are chosen: the real clock, the two adapters, the store, the
limits. Everything below works on what it is given.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.config.mapping_loader import load_pack
from connector.config.places import share
from connector.config.retry_policies import load_retry_policies
from connector.config.settings_check import check_complete, read_private_key
from connector.core.currencies import counted_whole
from connector.core.model import Side
from connector.core.view import Policy
from connector.flows.connect import Contact, connect
from connector.flows.workspace import Workspace, never, silent
from connector.remote import Caller, TryingAgain, unheard
from connector.runtime.clock import SystemClock, chance
from connector.runtime.limits import Rate, RateLimiter
from connector.salesforce import system as salesforce_system
from connector.salesforce.options import AuthKind, SalesforceOptions
from connector.store import open_store
from connector.stripe import system as stripe_system
from connector.stripe.auth import read_key
from connector.stripe.client import StripeOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from connector.config.settings import Settings
    from connector.core.mapping import Pack
    from connector.core.model import Finding, Identity
    from connector.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Sessions to use instead of sockets of our own: a mounted sandbox, a recorder."""

    salesforce: requests.Session | None = None
    stripe: Callable[[], requests.Session] | None = None


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
    progress: Callable[[str, int, int], None] = silent,
    notice: Callable[[TryingAgain], None] = unheard,
    clock: Clock | None = None,
    sessions: Sessions | None = None,
) -> Iterator[App]:
    """Loads the mapping, opens the store, signs in on both sides and checks that they may be joined.
    `progress` and `notice` are told what takes time and what is tried again.

    Raises ConfigError and MappingError before anything is sent, PrerequisiteError, Unauthorised or
    RemoteError when a system is not as it must be, StoreError for our own database.
    """
    clock = clock or SystemClock()
    sessions = sessions or Sessions()
    pack = load_pack(settings.mappings, overrides=settings.pack_overrides())
    check_complete(settings, kinds=pack.kinds)
    policies = load_retry_policies(share("config") / "retry.yaml")
    with contextlib.ExitStack() as opened:
        store = open_store(settings.database_url, clock=clock)
        opened.callback(store.close)
        salesforce = salesforce_system.connect(
            salesforce_options(settings),
            pack=pack,
            clock=clock,
            caller=Caller(policy=policies[Side.SALESFORCE], clock=clock, chance=chance, notice=notice),
            session=sessions.salesforce,
        )
        opened.callback(salesforce.close)
        caller = Caller(policy=policies[Side.STRIPE], clock=clock, chance=chance, notice=notice)
        stripe = _stripe(settings, pack, clock, caller, sessions)
        opened.callback(stripe.close)
        contact = connect(pack=pack, salesforce=salesforce, stripe=stripe, store=store)
        stripe.bind(contact.identity.org_id)
        workspace = Workspace(
            pack=pack,
            policy=_policy(settings, contact),
            identity=contact.identity,
            salesforce=salesforce,
            stripe=stripe,
            store=store,
            clock=clock,
            shards=settings.shards,
            stop=stop,
            progress=progress,
            stopped_kinds=dict(contact.stopped_kinds),
        )
        yield App(workspace=workspace, contact=contact, settings=settings)


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


def _stripe(
    settings: Settings, pack: Pack, clock: Clock, caller: Caller, sessions: Sessions
) -> stripe_system.StripeSystem:
    return stripe_system.connect(
        stripe_options(settings),
        pack=pack,
        clock=clock,
        caller=caller,
        limiter=stripe_limiter(settings, clock),
        session_factory=sessions.stripe,
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


def stripe_limiter(settings: Settings, clock: Clock) -> RateLimiter:
    given = settings.stripe
    rate = given.rate_per_second or read_key(_secret(given.api_key)).rate_per_s
    return RateLimiter(total=Rate(per_s=rate), per_endpoint=Rate(per_s=given.endpoint_rate_per_second), clock=clock)


def _secret(value: Any) -> str:
    return "" if value is None else str(value.get_secret_value())
