"""Restored is not replayed (invariants.md I29): after a restore nothing is made until `recover`, and nothing twice then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from connector.core.brake import BrakeName
from tests.support import backups
from tests.support import builders as b
from tests.support.recovering import recover, refused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.world import World

RESTORED = [BrakeName.STORE_RESTORED]


def _url(world: World) -> str:
    return f"sqlite:///{world.folder / 'state.sqlite'}"


def _keep(world: World) -> Path:
    path = world.folder / "kept.zip"
    backups.backup(_url(world), path, clock=world.clock)
    return path


def _put_back(world: World, path: Path) -> None:
    world.close()
    backups.restore(_url(world), path, clock=world.clock)


def _everything(world: World) -> dict[str, int]:
    counts = {path: len(world.stripe_list(f"/v1/{path}")) for path in ("customers", "products", "invoices", "quotes")}
    objects = ("blng__Payment__c", "blng__PaymentAllocationInvoice__c")
    return counts | {name: len(world.org.ids(name)) for name in objects}


def _busy_life(world: World) -> str:
    """Invoices made, paid and changed; what they are at Stripe is in step."""
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    b.quote(world, account_id=account)
    world.sync()
    b.pay(world, b.the_one(world, "invoices", invoice)["id"])
    for _ in range(2):
        world.sync()
    return account


@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(days=3)], ids=["keys live", "keys pruned"])
def test_what_was_made_since_the_backup_is_not_made_again(world: World, later: timedelta) -> None:
    account = _busy_life(world)
    kept = _keep(world)
    # life goes on behind the backup: made, paid, changed, and one write whose record is new to it
    since = b.invoice(world, account_id=account)
    world.sync()
    b.pay(world, b.the_one(world, "invoices", since)["id"])
    world.org.update("Account", account, {"Name": "Acme SE"})
    for _ in range(2):
        world.sync()
    before = _everything(world)
    world.clock.advance(later)
    _put_back(world, kept)
    for _ in range(2):
        assert refused(world) == RESTORED
    fresh = b.invoice(world, account_id=account)
    recover(world)
    for _ in range(3):
        world.sync()
    assert _everything(world) == {**before, "invoices": before["invoices"] + 1}
    for invoice in (since, fresh):
        b.the_one(world, "invoices", invoice)
    assert b.the_one(world, "customers", account)["name"] == "Acme SE"
    b.assert_still(world)
    assert b.findings(world) == {}


def test_it_is_refused_too_when_nothing_was_done_since_and_no_mark_tells(world: World) -> None:
    """A replica that lags shows the marks later than it shows the database: a person says when all are there."""
    _busy_life(world)
    kept = _keep(world)
    before = _everything(world)
    _put_back(world, kept)
    assert refused(world) == RESTORED
    recover(world)
    for _ in range(2):
        world.sync()
    assert _everything(world) == before
    b.assert_still(world)


def test_a_write_that_was_under_way_when_the_backup_was_made_is_not_done_twice(world: World) -> None:
    """The backup holds an intent whose end it never learned."""
    account = _busy_life(world)
    late = b.invoice(world, account_id=account)
    workspace = world.workspace
    assert workspace is not None
    begin, kept = workspace.store.begin, []

    def begin_and_keep(*args: object) -> object:
        begun = begin(*args)
        if not kept:
            kept.append(_keep(world))
        return begun

    workspace.store.begin = begin_and_keep
    world.sync()
    world.clock.advance(timedelta(days=2))
    before = _everything(world)
    _put_back(world, kept[0])
    assert refused(world) == RESTORED
    recover(world)
    for _ in range(3):
        world.sync()
    assert _everything(world) == before
    assert b.the_one(world, "invoices", late)["status"] == "open"
    b.assert_still(world)


def test_restored_twice_and_once_more_after_recover(world: World) -> None:
    account = _busy_life(world)
    kept = _keep(world)
    b.invoice(world, account_id=account)
    world.sync()
    before = _everything(world)
    for _ in range(2):
        world.clock.advance(timedelta(minutes=1))
        _put_back(world, kept)
        assert refused(world) == RESTORED
    recover(world)
    world.sync()
    world.clock.advance(timedelta(minutes=1))
    _put_back(world, kept)
    assert refused(world) == RESTORED
    recover(world)
    for _ in range(2):
        world.sync()
    assert _everything(world) == before
    b.assert_still(world)
