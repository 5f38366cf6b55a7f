"""Both simulated systems, both adapters through their SDKs, and the whole program, in one process.

One clock moves everything. `people` edits Salesforce as a person would; `stripe_api` is a stranger's
client that pays and cancels as customers do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
import requests

from connector.config.mapping_loader import load_pack
from connector.core.currencies import CURRENCIES
from connector.core.retry import uniform
from connector.core.view import Policy
from connector.flows.connect import connect
from connector.flows.sync import run_pass
from connector.flows.workspace import Workspace
from connector.remote import Caller
from connector.runtime.limits import Unlimited
from connector.salesforce.options import AuthKind, SalesforceOptions
from connector.salesforce.system import connect as connect_salesforce
from connector.sandbox.salesforce.org import Org
from connector.sandbox.stripe.account import Account
from connector.sandbox.transport import InProcessAdapter
from connector.store import open_store
from connector.stripe.client import StripeOptions
from connector.stripe.system import connect as connect_stripe
from connector.workers import THREADS
from tests.support.clock import ManualClock
from tests.support.databases import Sqlite
from tests.support.killing import Fate, MortalAdapter, MortalStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests.adapters import HTTPAdapter

    from connector.core.currencies import CurrencyTable
    from connector.core.mapping import Pack
    from connector.flows.report import PassReport
    from connector.ports import Clock, Workers
    from connector.sandbox.http import App
    from tests.support.databases import Database

ROOT = Path(__file__).resolve().parents[2]
PACK = ROOT / "mappings" / "cpq-billing"
START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ORG_URL = "http://127.0.0.1:7101"
API_URL = "http://127.0.0.1:7102"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What one process of the program runs in: its clock, its threads, its sockets, its chance of dying."""

    clock: Clock
    #: gives the adapter to mount for a simulated system
    carrier: Callable[[App], HTTPAdapter]
    #: wraps the opened store
    guarded: Callable[[Any], Any]
    workers: Workers = THREADS
    chance: Callable[[], float] = lambda: 0.5
    attempts: int = 3
    margin_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Both systems, the program's database and the time, to start from again and again."""

    org: bytes
    account: bytes
    now: datetime
    database: Any


@dataclass
class World:
    folder: Path
    seed: int = 1
    multi_currency: bool = True
    go_live: date | None = date(2026, 10, 1)
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    pack_folder: Path = PACK
    fate: Fate = field(default_factory=Fate)
    #: the zone in which the org's dates are meant
    time_zone: str = "UTC"
    #: False leaves the currency of an org with one currency out of the settings
    names_currency: bool = True
    #: further settings of the simulated org
    org_settings: dict[str, Any] = field(default_factory=dict)
    #: how Stripe counts each currency
    currencies: CurrencyTable = field(default_factory=lambda: CURRENCIES)
    #: how far polls stay behind Salesforce's clock
    margin_s: int = 0
    #: where the program remembers; without one, in a file in the folder
    database: Database | None = None

    def __post_init__(self) -> None:
        self.database = self.database or Sqlite(self.folder, "state.sqlite")
        self.org = Org(clock=self.clock, seed=self.seed, multi_currency=self.multi_currency, **self.org_settings)
        self.account = Account(clock=self.clock, seed=self.seed, rate_per_second=None, endpoint_rate_per_second=None)
        self.pack = _pack_in(self.pack_folder)
        self.stripe_session = _mounted(InProcessAdapter(self.account))
        self.workspace: Workspace | None = None

    def open(self, **changes: Any) -> Workspace:
        """A fresh process: new adapters, the store as it is on disk."""
        fate = self.fate
        surroundings = Surroundings(
            clock=self.clock,
            carrier=lambda app: MortalAdapter(app, fate),
            guarded=lambda store: MortalStore(store, fate),
            margin_s=self.margin_s,
        )
        self.workspace = self.start(surroundings, **changes)
        return self.workspace

    def start(self, around: Surroundings, **changes: Any) -> Workspace:
        """A process of its own, beside whatever else runs."""
        caller = Caller(policies=uniform(attempts=around.attempts), clock=around.clock, chance=around.chance)
        salesforce = connect_salesforce(
            SalesforceOptions(
                auth=AuthKind.CLIENT_CREDENTIALS,
                login_url=ORG_URL,
                instance_url=ORG_URL,
                client_id=self.org.client_id,
                client_secret=self.org.client_secret,
                currency=self._currency(),
                margin_s=around.margin_s,
            ),
            pack=self.pack,
            clock=around.clock,
            caller=caller,
            session=_mounted(around.carrier(self.org)),
        )
        stripe = connect_stripe(
            StripeOptions(api_key=self.account.api_key, api_base=API_URL, concurrency=4),
            pack=self.pack,
            clock=around.clock,
            caller=caller,
            limiter=Unlimited(),
            session_factory=lambda: _mounted(around.carrier(self.account)),
            workers=around.workers,
        )
        assert self.database is not None
        self.database.lay()
        store = around.guarded(open_store(self.database.url, clock=around.clock))
        contact = connect(pack=self.pack, salesforce=salesforce, stripe=stripe, store=store, workers=around.workers)
        stripe.bind(contact.identity.org_id)
        return Workspace(
            pack=self.pack,
            policy=Policy(
                go_live=self.go_live,
                time_zone=ZoneInfo(self.time_zone),
                currency=self._currency(),
                org_id=contact.identity.org_id,
                currencies=self.currencies,
            ),
            identity=contact.identity,
            salesforce=salesforce,
            stripe=stripe,
            store=store,
            clock=around.clock,
            workers=around.workers,
            stopped_kinds=dict(contact.stopped_kinds),
            **changes,
        )

    def _currency(self) -> str | None:
        """CONNECTOR_SALESFORCE__CURRENCY of this world."""
        return self.org.default_currency.lower() if self.names_currency and not self.multi_currency else None

    def close(self) -> None:
        if self.workspace is not None:
            self.workspace.store.close()
            self.workspace.salesforce.close()
            self.workspace.stripe.close()
            self.workspace = None

    def snapshot(self) -> Snapshot:
        """What a process that starts now would find."""
        assert self.database is not None
        return Snapshot(
            org=orjson.dumps(self.org.dump()),
            account=orjson.dumps(self.account.dump()),
            now=self.clock.now(),
            database=self.database.save(),
        )

    def put_back(self, snapshot: Snapshot) -> None:
        """As it was then, in this world or in another one; whatever process ran has ended."""
        assert self.database is not None
        self.close()
        self.org.load(orjson.loads(snapshot.org))
        self.account.load(orjson.loads(snapshot.account))
        self.clock.set_wall(snapshot.now)
        self.database.restore(snapshot.database)

    def sync(self, **options: Any) -> PassReport:
        """One pass in a process that may be new."""
        if self.workspace is None:
            self.open()
        assert self.workspace is not None
        report = run_pass(self.workspace, **options)
        self.clock.advance(timedelta(seconds=1))
        return report

    def stripe_api(self, method: str, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """A stranger's request; raises for an answer that is not 2xx."""
        headers = {"Authorization": f"Bearer {self.account.api_key}"}
        data = _flat(params or {})
        body = {"params": data} if method == "GET" else {"data": data}
        reply = self.stripe_session.request(method, API_URL + path, headers=headers, timeout=5, **body)
        reply.raise_for_status()
        return dict(reply.json())

    def stripe_list(self, path: str, **params: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            page = self.stripe_api("GET", path, {"limit": 100, **params})
            rows += page["data"]
            if not page["has_more"]:
                return rows
            params["starting_after"] = rows[-1]["id"]


@cache
def _pack_in(folder: Path) -> Pack:
    """A pack is frozen: all worlds of a test run share one."""
    return load_pack(folder)


def _mounted(adapter: HTTPAdapter) -> requests.Session:
    session = requests.Session()
    session.mount("http://", adapter)
    # Nothing leaves the process: which proxies this machine's environment names is not asked at every request.
    session.trust_env = False
    return session


def _flat(params: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in params.items():
        path = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, dict):
            flat |= _flat(value, path)
        else:
            flat[path] = value
    return flat
