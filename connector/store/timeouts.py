"""How long the program and a PostgreSQL server wait for each other; SQLite has nobody to wait for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Whole seconds. Defaults are those of the settings."""

    #: for a connection to come about
    connect_timeout_s: int = 10
    #: for one statement, its waiting for locks included; a little later the server counts as out of reach
    statement_timeout_s: int = 60
    #: for the next statement of an open transaction, before the server gives up its client and frees its locks
    idle_timeout_s: int = 15
    #: for any sign of life on the connection, before either end counts the other as gone
    silence_timeout_s: int = 20
