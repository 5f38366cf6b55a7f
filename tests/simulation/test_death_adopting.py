"""Death at every moment of an adoption: run again it ends the same, and a pass in between makes nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.core.errors import Unadopted
from connector.flows.adopt import adoption_of, compare
from connector.flows.adopt_apply import apply_adoption
from tests.scenarios.test_adopt import bill, customer, number_of
from tests.support import builders as b
from tests.support.killing import Fate, Killed
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from connector.core.adoption import Adoption


def build(folder: Path) -> World:
    """Two customers with an invoice each, on both sides; one more customer who could be either of two."""
    folder.mkdir()
    world = World(folder)
    for name, email in (("Acme", "a@acme.example"), ("Bolt", "b@bolt.example")):
        account = b.account(world, name, email=email)
        invoice = b.invoice(world, account_id=account)
        bill(world, customer(world, name, email), number_of(world, invoice))
    b.invoice(world, account_id=b.account(world, "Twin", email="t@twin.example"))
    for _ in range(2):
        customer(world, "Twin", "t@twin.example")
    return world


def plan(world: World) -> Adoption:
    workspace = world.workspace or world.open()
    return adoption_of(workspace, compare(workspace))


def contents(world: World) -> dict[str, object]:
    """Who names whom on both sides, and how many there are."""
    marks = {
        name: sorted(str(row["metadata"].get("salesforce_id")) for row in world.stripe_list(f"/v1/{name}"))
        for name in ("customers", "invoices")
    }
    named = {
        sobject: sorted(str(world.org.get(sobject, each)["Stripe_Id__c"]) for each in world.org.ids(sobject))
        for sobject in ("Account", "blng__Invoice__c")
    }
    return {**marks, **named}


@pytest.fixture(scope="module")
def alive(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, object]]:
    """How many moments an adoption has that is not killed, and what both systems hold after it and a pass."""
    world = build(tmp_path_factory.mktemp("alive") / "world")
    adoption = plan(world)
    world.close()
    world.fate = Fate()
    apply_adoption(world.open(), adoption)
    count = len(world.fate.moments)
    assert count > 40
    rest(world)
    held = contents(world)
    world.close()
    return count, held


def rest(world: World) -> None:
    for _ in range(4):
        if not world.sync().writes:
            return
    raise AssertionError("no rest after 4 passes")


@pytest.mark.parametrize("share", [number / 10 for number in range(1, 11)])
def test_an_adoption_that_died_goes_on(tmp_path: Path, alive: tuple[int, dict[str, object]], share: float) -> None:
    moments, wanted = alive
    world = build(tmp_path / "dies")
    adoption = plan(world)
    world.close()
    world.fate = Fate(max(1, int(moments * share)))
    with pytest.raises(Killed):
        apply_adoption(world.open(), adoption)
    world.close()
    world.fate = Fate()
    before = len(world.stripe_list("/v1/customers")), len(world.stripe_list("/v1/invoices"))
    try:
        world.sync()
    except Unadopted:
        # nobody writes over half an adoption
        assert (len(world.stripe_list("/v1/customers")), len(world.stripe_list("/v1/invoices"))) == before
        apply_adoption(world.workspace or world.open(), adoption)
    rest(world)
    assert contents(world) == wanted
    world.close()
