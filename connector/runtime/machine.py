"""The machine we run on as the verifier sees it: `ports.Inspector` for evidence that no remote system has.

Everything that touches the machine is a function given from outside, so that tests can be any machine.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests

from connector.core.errors import ConfigError, StoreError
from connector.core.verify.evidence import Broken, NotReadable, Seen, Unreadable
from connector.core.verify.machine import Address, Addresses, ClockReading, Clocks, DatabaseState, Disk, KnownCustomers
from connector.store import open_store
from connector.store.tables import HEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from connector.core.verify.evidence import Evidence
    from connector.ports import Clock
    from connector.store import SqlStore

    #: (host, port) -> the end of the server's certificate
    CertificateUntil = Callable[[str, int], datetime | None]

_TIMEOUT_S: Final = 3
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
#: links read at a time, and in all: a memory of more customers is not compared
_PAGE: Final = 1000
_CUSTOMERS_MAX: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A system as this machine reaches it."""

    #: what people call it
    system: str
    #: scheme and host
    url: str
    #: a path that answers without credentials, whatever it answers
    clock_path: str
    session: requests.Session


class OwnInspector:
    """Looks at this machine by the functions it is given, one per evidence."""

    side = None
    calls = 0

    def __init__(self, looks: Mapping[str, Callable[[], Any]]) -> None:
        self._looks = looks

    def inspect(self, wanted: Sequence[str]) -> Mapping[str, Evidence]:
        return {name: self._look(name) for name in wanted}

    def _look(self, name: str) -> Evidence:
        source = f"this machine, {name.removeprefix('own_')}"
        try:
            return Seen(value=self._looks[name](), source=source)
        except NotReadable as error:
            return error.unreadable
        except Exception as error:  # noqa: BLE001 - what breaks here costs its neighbours nothing
            return Broken(source=source, error=type(error).__name__)


def own_looks(
    *, home: Path, database_url: str, servers: Sequence[Server], clock: Clock
) -> dict[str, Callable[[], Any]]:
    """Every evidence of this machine, by its name."""
    return {
        "own_database": lambda: look_at_database(database_url, clock=clock),
        "own_customers": lambda: look_at_customers(database_url, clock=clock),
        "own_disk": lambda: look_at_disk(home),
        "own_clock": lambda: look_at_clocks(servers, clock=clock),
        "own_addresses": lambda: look_at_addresses(servers, certificate_until=certificate_until),
    }


def look_at_database(url: str, *, clock: Clock) -> DatabaseState:
    """Opens it as the daemon would, which also brings its tables up to date."""
    try:
        store = open_store(url, clock=clock)
    except StoreError as error:
        return DatabaseState(place="the database", trouble=str(error))
    except ConfigError as error:
        return DatabaseState(place="the database", trouble=error.problems[0].observed)
    try:
        identity = store.load_identity()
        return DatabaseState(
            place=store.place,
            revision=HEAD,
            org_id=None if identity is None else identity.org_id,
            account_id=None if identity is None else identity.account_id,
        )
    finally:
        store.close()


def look_at_customers(url: str, *, clock: Clock) -> KnownCustomers:
    """Accounts and the customers they are linked to. NotReadable when the database cannot be used."""
    try:
        store = open_store(url, clock=clock)
    except (StoreError, ConfigError) as error:
        raise NotReadable(Unreadable(source="database", reason=type(error).__name__)) from error
    try:
        return _customers(store)
    finally:
        store.close()


def _customers(store: SqlStore) -> KnownCustomers:
    mates: dict[str, str] = {}
    last = ""
    while len(mates) < _CUSTOMERS_MAX:
        links = store.load_links_in(kind="customer", limit=_PAGE, after_born_id=last)
        mates |= {link.born.id: link.mate_id for link in links if link.mate_id is not None}
        if len(links) < _PAGE:
            return KnownCustomers(mates=mates)
        last = links[-1].born.id
    return KnownCustomers(mates=mates, is_complete=False)


def look_at_disk(home: Path) -> Disk:
    """The home folder, or the nearest folder above it while it does not exist."""
    folder = next(path for path in (home, *home.absolute().parents) if path.is_dir())
    try:
        free_bytes = shutil.disk_usage(folder).free
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Disk(folder=str(folder), free_bytes=0, trouble=error.strerror or type(error).__name__)
    return Disk(folder=str(folder), free_bytes=free_bytes)


def look_at_clocks(servers: Sequence[Server], *, clock: Clock) -> Clocks:
    """Each server's own time, from whatever it answers to a request without credentials."""
    read: dict[str, ClockReading] = {}
    unread: dict[str, str] = {}
    for server in servers:
        before = clock.now()
        try:
            response = server.session.get(server.url + server.clock_path, timeout=_TIMEOUT_S, allow_redirects=False)
            told = parsedate_to_datetime(response.headers["Date"])
        except requests.RequestException as error:
            unread[server.system] = f"no answer ({type(error).__name__})"
        except (KeyError, ValueError):
            unread[server.system] = "its answer has no date"
        else:
            read[server.system] = ClockReading(server=told, before=before, after=clock.now())
    return Clocks(read=read, unread=unread)


def look_at_addresses(servers: Sequence[Server], *, certificate_until: CertificateUntil) -> Addresses:
    rows = []
    for server in servers:
        parts = urlsplit(server.url)
        host = parts.hostname or ""
        is_loopback = host in _LOOPBACK
        asks = parts.scheme == "https" and not is_loopback
        until = certificate_until(host, parts.port or 443) if asks else None
        rows.append(Address(system=server.system, url=server.url, is_loopback=is_loopback, certificate_until=until))
    return Addresses(rows=tuple(rows))


def certificate_until(host: str, port: int, *, context: ssl.SSLContext | None = None) -> datetime | None:
    """The end of the server's certificate; None where it is not trusted or nobody answers (behind a proxy)."""
    try:
        connection = socket.create_connection((host, port), timeout=_TIMEOUT_S)
        with connection, (context or ssl.create_default_context()).wrap_socket(connection, server_hostname=host) as tls:
            certificate = tls.getpeercert() or {}
    except OSError:
        return None
    text = certificate.get("notAfter")
    return None if text is None else datetime.fromtimestamp(ssl.cert_time_to_seconds(str(text)), UTC)
