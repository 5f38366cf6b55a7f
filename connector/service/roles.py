"""What a process of the service does, and which settings that needs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from connector.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from connector.config.settings import Settings

SHARED: Final = "procrastinate"


class Role(StrEnum):
    """One process may have all of them."""

    ALL = "all"
    #: says when
    CLOCK = "clock"
    #: works on records: the only one that talks to the two systems
    WORKER = "worker"
    #: hears webhooks
    WEB = "web"

    @property
    def ticks(self) -> bool:
        return self in (Role.ALL, Role.CLOCK)

    @property
    def works(self) -> bool:
        return self in (Role.ALL, Role.WORKER)

    @property
    def hears(self) -> bool:
        return self in (Role.ALL, Role.WEB)


def is_shared(settings: Settings) -> bool:
    """Whether any number of processes form one service; else one process is the whole of it."""
    return settings.dispatch == SHARED


def check(settings: Settings, role: Role) -> None:
    """Raises ConfigError for a role that this configuration has no use for."""
    problems = []
    if role is not Role.ALL and not is_shared(settings):
        problems.append(
            Problem(
                where="--role",
                observed=f"is {role}, and with CONNECTOR_DISPATCH={settings.dispatch} one process does everything",
                remedy=f"leave --role out, or set CONNECTOR_DISPATCH to {SHARED} and CONNECTOR_DATABASE__URL to a PostgreSQL database",
            )
        )
    if role is Role.WEB and not settings.stripe.webhook_secrets:
        problems.append(
            Problem(
                where="--role",
                observed="is web, and there is no secret to verify webhooks with",
                remedy="set CONNECTOR_STRIPE__WEBHOOK_SECRETS; `connector setup stripe` makes the endpoint and keeps its secret",
            )
        )
    if problems:
        raise ConfigError(problems)
