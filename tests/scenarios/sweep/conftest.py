"""A world in which every kind has a mirrored pair that is in step."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from connector.flows.sweep.run import certify, look
from tests.support import builders as b
from tests.support.world import Snapshot, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.core.certificate import Certificate
    from connector.core.model import Link, Side


@dataclass
class Mirrored:
    world: World
    #: kind -> the pair's link
    links: dict[str, Link] = field(default_factory=dict)

    def id_of(self, kind: str, side: Side) -> str:
        found = self.links[kind].id_on(side)
        assert found is not None
        return found

    def sweep(self, **options: Any) -> Certificate:
        assert self.world.workspace is not None
        return certify(self.world.workspace, look(self.world.workspace, **options))[1]

    def settled(self) -> Certificate:
        """As `connector sync --once --sweep` does it."""
        assert self.world.workspace is not None
        found = look(self.world.workspace)
        self.world.sync()
        return certify(self.world.workspace, found)[1]


@pytest.fixture
def mirrored(world: World) -> Mirrored:
    snapshot, links = _mirrored_once()
    world.put_back(snapshot)
    world.open()
    return Mirrored(world, dict(links))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirrored]:
    """One world for all tests of a module: each takes back what it did, and no pass runs."""
    world = World(tmp_path_factory.mktemp("world"))
    yield _mirror(world)
    world.close()


@cache
def _mirrored_once() -> tuple[Snapshot, dict[str, Link]]:
    """Lived through once in each process."""
    with TemporaryDirectory() as folder:
        mirrored = _mirror(World(Path(folder)))
        mirrored.world.close()
        return mirrored.world.snapshot(), mirrored.links


def _mirror(world: World) -> Mirrored:
    account = b.account(world, Phone="+49 30 1234", **b.ADDRESS, ShippingStreet="Dock 1", ShippingCity="Berlin")
    product = b.product(world, Description="A seat")
    paid, cheque = (b.invoice(world, account_id=account) for _ in range(2))
    quote = b.quote(world, b.Offer(product=product), account_id=account)
    world.sync()
    b.pay(world, b.the_one(world, "invoices", paid)["id"])
    b.offline_payment(world, {cheque: "100.00"}, account_id=account)
    for _ in range(3):
        world.sync()
    assert world.workspace is not None
    links = {}
    for kind in world.workspace.kinds():
        links[kind] = world.workspace.store.load_links_in(kind=kind)[0]
    assert links["quote"].born.id == quote
    return Mirrored(world, links)


def named(certificate: Certificate) -> list[tuple[str, str, str, str | None]]:
    """(kind, id, sort, field) of all that is not explained."""
    return [
        (each["kind"], each["id"], each["sort"], each["field"])
        for each in certificate.detail["differences"]
        if each["explained"] is None
    ]
