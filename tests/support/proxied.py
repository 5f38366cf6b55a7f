"""The whole program in this process, its store in PostgreSQL behind a wire that can be cut."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from connector.core.errors import StoreAway
from tests.support import builders as b
from tests.support.crash_view import (
    Holdings,
    assert_money_is_conserved,
    assert_nothing_is_open,
    assert_one_to_one,
    differences,
)
from tests.support.databases import Postgres
from tests.support.postgres_proxy import At, through, to_postgres
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from tests.support.postgres import Cluster
    from tests.support.postgres_proxy import PostgresProxy

#: a pass that goes on, one that wakes what waited, one that is quiet; more is no rest
PASSES_MAX = 6


class Behind:
    """A database as it is reached through the wire; it is put aside and put back beside it."""

    def __init__(self, postgres: Postgres, proxy: PostgresProxy) -> None:
        self._postgres = postgres
        self._proxy = proxy
        self.driver = postgres.driver

    @property
    def url(self) -> str:
        return through(self._proxy, self._postgres.url)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._postgres, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    org: dict[str, Any]
    account: dict[str, Any]
    now: datetime
    database: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A pass that nothing happened to: how things were before it, how its COMMITs wrote, and what it led to."""

    before: Moment
    commits: list[frozenset[str]]
    wanted: dict[str, list[str]]


@dataclass
class Ground:
    world: World
    database: Behind
    proxy: PostgresProxy

    def save(self) -> Moment:
        world = self.world
        return Moment(
            org=world.org.dump(), account=world.account.dump(), now=world.clock.now(), database=self.database.save()
        )

    def restore(self, moment: Moment) -> None:
        self.world.close()
        self.world.org.load(moment.org)
        self.world.account.load(moment.account)
        self.world.clock.set_wall(moment.now)
        self.database.restore(moment.database)

    def rest(self) -> None:
        """Passes until one finds nothing to do."""
        for _ in range(PASSES_MAX):
            report = self.world.sync()
            if not report.writes and not report.recovered:
                return
        raise AssertionError(f"no rest after {PASSES_MAX} passes")

    def sound(self) -> dict[str, list[str]]:
        """What both systems hold, once that and our memory hold together."""
        held = Holdings.of(self.world)
        assert_one_to_one(held)
        assert_money_is_conserved(held)
        assert_nothing_is_open(self)
        return held.told()

    def tell(self) -> Told:
        """A pass with something of everything in it, up to its end."""
        world = self.world
        account, product = b.account(world), b.product(world)
        b.invoice(world, b.Item(product=product, tax="19.00"), account_id=account)
        b.invoice(world, b.Item(product=product, subtotal="250.50"), account_id=account)
        world.clock.advance(timedelta(hours=1))
        self.rest()
        first, second = sorted(world.stripe_list("/v1/invoices"), key=lambda row: row["total"])
        b.pay(world, first["id"])
        b.offline_payment(world, {second["metadata"]["salesforce_id"]: "100.00"}, account_id=account)
        b.invoice(world, b.Item(subtotal="75.25"), account_id=account)
        world.org.update("Account", account, {"Name": "Acme SE"})
        world.clock.advance(timedelta(hours=1))
        world.close()
        before = self.save()
        begun = len(self.proxy.commits)
        world.sync()
        commits = self.proxy.commits[begun:]
        self.rest()
        return Told(before=before, commits=commits, wanted=self.sound())

    def go_through(self, told: Told, happens: At, number: int) -> None:
        """The pass again, which loses its connection at the n-th COMMIT, and what comes after it. Raises
        AssertionError when the end is not what it would have been.
        """
        where = f"COMMIT {number}, {sorted(told.commits[number - 1])}: {happens.value}"
        self.restore(told.before)
        self.proxy.at_commit(happens, number=number)
        try:
            self.world.sync()
        except StoreAway:
            pass
        else:
            raise AssertionError(f"{where}: nobody noticed")
        if number % 2:
            # a new process begins; else this one goes on, with what it has in memory
            self.world.close()
        try:
            self.rest()
            found = differences(told.wanted, self.sound())
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error
        assert not found, f"{where}: not what it would have been:\n  " + "\n  ".join(found)


@contextmanager
def grounded(folder: Path, cluster: Cluster, template: str) -> Iterator[Ground]:
    with to_postgres(cluster.socket) as proxy:
        database = Behind(Postgres(cluster.url, f"proxied_{proxy.port}", laid_from=template), proxy)
        world = World(folder, database=database)
        try:
            yield Ground(world, database, proxy)
        finally:
            world.close()
            database.close()
