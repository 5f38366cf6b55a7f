"""The composition root of `connector setup`: one side alone, because the other may not be ready yet.

Like app.py it chooses concrete parts; unlike it, it opens no store and checks nothing of the other side.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.app import Sessions, salesforce_options
from connector.config.places import share
from connector.config.retry_policies import load_retry_policies
from connector.config.settings_check import side_problems
from connector.core.errors import ConfigError
from connector.core.model import Side
from connector.remote import Caller, TryingAgain, unheard
from connector.runtime.clock import SystemClock, chance
from connector.salesforce.deploy.source import read_source
from connector.salesforce.deploy.target import OrgTarget
from connector.salesforce.system import open_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    policy = load_retry_policies(share("config") / "retry.yaml")[Side.SALESFORCE]
    source = read_source(share("salesforce"))
    client = open_client(
        salesforce_options(settings),
        clock=clock,
        caller=Caller(policy=policy, clock=clock, chance=chance, notice=notice),
        session=sessions.salesforce,
    )
    with contextlib.closing(client):
        assignee = user or settings.salesforce.username
        yield SalesforceSetup(
            target=OrgTarget(client=client, clock=clock, source=source, assignee=assignee), metadata=source.metadata
        )
