"""The composition root of `connector setup`: one side alone, because the other may not be ready yet.

Like app.py it chooses concrete parts; unlike it, it opens no store and checks nothing of the other side.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.app import Sessions, salesforce_options, stripe_limiter, stripe_options
from connector.config.places import share
from connector.config.retry_policies import load_retry_settings
from connector.config.settings_check import side_problems
from connector.config.settings_names import variable_of
from connector.core.endpoints import Wanted
from connector.core.errors import ConfigError, Problem
from connector.core.model import Side
from connector.remote import Caller, TryingAgain, unheard
from connector.runtime.clock import SystemClock, chance
from connector.runtime.secret_file import SecretFile
from connector.salesforce.deploy.source import read_source
from connector.salesforce.deploy.target import OrgTarget
from connector.salesforce.system import open_client
from connector.stripe.client import Client as StripeClient
from connector.stripe.events import HEARD_TYPES
from connector.stripe.webhooks import AccountEndpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connector.config.settings import Settings
    from connector.core.metadata import Metadata
    from connector.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceSetup:
    target: OrgTarget
    metadata: Metadata


@contextlib.contextmanager
def open_salesforce_setup(
    settings: Settings,
    *,
    user: str | None = None,
    notice: Callable[[TryingAgain], None] = unheard,
    clock: Clock | None = None,
    sessions: Sessions | None = None,
) -> Iterator[SalesforceSetup]:
    """`user` gets the permission set; None means the configured integration user, else who is signed in.

    Raises ConfigError when the org cannot be reached with these settings; nothing of Stripe's is asked for.
    """
    problems = side_problems(settings, Side.SALESFORCE)
    if problems:
        raise ConfigError(problems)
    clock, sessions = clock or SystemClock(), sessions or Sessions()
    policies = load_retry_settings(*settings.retry_files).policies
    source = read_source(share("salesforce"))
    client = open_client(
        salesforce_options(settings),
        clock=clock,
        caller=Caller(policies=policies, clock=clock, chance=chance, notice=notice),
        session=sessions.salesforce,
    )
    with contextlib.closing(client):
        assignee = user or settings.salesforce.username
        yield SalesforceSetup(
            target=OrgTarget(client=client, clock=clock, source=source, assignee=assignee), metadata=source.metadata
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSetup:
    target: AccountEndpoints
    wanted: Wanted
    secret_file: SecretFile
    #: of this process alone, for its idempotency keys
    run_id: str


@contextlib.contextmanager
def open_stripe_setup(
    settings: Settings,
    *,
    url: str | None = None,
    secret_file: Path | None = None,
    notice: Callable[[TryingAgain], None] = unheard,
    clock: Clock | None = None,
    sessions: Sessions | None = None,
) -> Iterator[StripeSetup]:
    """`url` is where events are to be sent, None means as the settings say; `secret_file` is where the signing
    secret of a new endpoint goes, None means into the home folder.

    Raises ConfigError when the account cannot be reached with these settings, or no address is known.
    """
    address = url or settings.verify.webhook_url
    problems = side_problems(settings, Side.STRIPE)
    if address is None:
        name = "verify.webhook_url"
        remedy = f"set {variable_of(name)} to the address where this connector hears Stripe, or give --url"
        problems.append(Problem(where=name, observed="is not set", remedy=remedy))
    if problems or address is None:
        raise ConfigError(problems)
    clock, sessions = clock or SystemClock(), sessions or Sessions()
    policies = load_retry_settings(*settings.retry_files).policies
    client = StripeClient(
        stripe_options(settings),
        caller=Caller(policies=policies, clock=clock, chance=chance, notice=notice),
        limiter=stripe_limiter(settings, clock),
        session_factory=sessions.stripe,
    )
    with contextlib.closing(client):
        yield StripeSetup(
            target=AccountEndpoints(client),
            wanted=Wanted(url=address, api_version=settings.stripe.api_version, events=HEARD_TYPES),
            run_id=f"{clock.now():%Y%m%dT%H%M%S%f}",
            secret_file=SecretFile((secret_file or settings.home / "stripe-webhook.secret").absolute()),
        )
