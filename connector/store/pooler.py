"""A connection pooler between the program and PostgreSQL, noticed where it takes away what the store relies on.

Limits at the server come as the startup parameter `options`, which PgBouncer refuses or, told to ignore it, drops without
a word. One that lends a server's connection for a transaction only mixes up prepared statements and loses LISTEN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import psycopg

_SETTING: Final = "CONNECTOR_DATABASE__URL"
_REMEDY: Final = "name PostgreSQL itself there, or a pooler that pools sessions and passes `options` on"
#: what PostgreSQL itself never says of `options`
NOT_PASSED_ON: Final = "unsupported startup parameter"
_HELD: Final = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"


def no_options(place: str) -> ConfigError:
    return _refused(f"{place}: what answers there takes no startup parameter `options`, as PgBouncer does not")


def require_whole(
    made: psycopg.Connection[Any], limits: Collection[str], *, place: str, another: Callable[[], Any]
) -> None:
    """Raises ConfigError where one of these limits is none at the server (another one than was asked for may be the
    role's own), or where two connections turn out to be one at the server; `another` opens a second one.
    """
    lost = sorted(name for name, setting in made.execute(_HELD, [list(limits)]).fetchall() if setting == "0")
    is_direct = server_pid(made) == told_pid(made)
    made.rollback()
    if lost:
        raise _refused(f"{place}: {', '.join(lost)} is off, which the startup parameter `options` had set")
    if not is_direct and _is_lent(made, another):
        raise _refused(f"{place}: a pooler lends one connection of the server to several of ours, a transaction each")


def server_pid(made: psycopg.Connection[Any]) -> int:
    """The server process that answers."""
    row = made.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def told_pid(made: psycopg.Connection[Any]) -> int:
    """The one that was named when the connection was made: a pooler names itself."""
    return made.info.backend_pid


def _is_lent(made: psycopg.Connection[Any], another: Callable[[], Any]) -> bool:
    """Proof where it says so; a pooler with other connections to spare may go unnoticed."""
    with another() as second:
        first_pid = server_pid(made)
        made.rollback()
        second_pid = server_pid(second)
        second.rollback()
    return first_pid == second_pid


def _refused(observed: str) -> ConfigError:
    return ConfigError([Problem(where=_SETTING, observed=observed, remedy=_REMEDY)])
