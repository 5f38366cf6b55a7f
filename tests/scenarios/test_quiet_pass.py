"""A pass in which nothing happened: nothing written, and the same few calls however much is linked."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from connector.sandbox.salesforce import seed as seeds
from tests.support import builders as b
from tests.support.recovering import lose_store, recover_if_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.world import World


def _calls(world: World) -> tuple[int, int]:
    """Requests one pass costs: (Salesforce, Stripe)."""
    before = (world.org.counters["requests"], world.account.counters["requests"])
    world.sync()
    return (
        world.org.counters["requests"] - before[0],
        world.account.counters["requests"] - before[1],
    )


def _busy(world: World) -> None:
    """Some of everything, in step."""
    account = b.account(world)
    for _ in range(5):
        invoice = b.invoice(world, account_id=account)
        b.quote(world, account_id=account)
        world.sync()
        b.pay_with_intent(world, 4_000, b.the_one(world, "invoices", invoice)["id"])
        b.offline_payment(world, {invoice: "10.00"}, account_id=account)
    world.sync()


def test_an_idle_pass_costs_four_and_three_calls_at_most_whatever_is_linked(world: World) -> None:
    _busy(world)
    world.clock.advance(timedelta(minutes=30))
    world.sync()
    for _ in range(3):
        world.clock.advance(timedelta(minutes=5))
        salesforce, stripe = _calls(world)
        assert salesforce <= 4
        assert stripe <= 3


@contextmanager
def _rows_read(world: World) -> Iterator[list[Any]]:
    """Every row that SQLite hands to the program, of whatever table."""
    assert world.workspace is not None
    engine = world.workspace.store._database.engine
    read: list[Any] = []

    def keep(_cursor: Any, row: Any) -> Any:
        read.append(row)
        return row

    def count(connection: Any) -> None:
        connection.connection.driver_connection.row_factory = keep

    event.listen(engine, "begin", count)
    try:
        yield read
    finally:
        event.remove(engine, "begin", count)


def _rows_of_an_idle_pass(world: World) -> int:
    world.clock.advance(timedelta(minutes=30))
    world.sync()
    world.clock.advance(timedelta(minutes=5))
    with _rows_read(world) as read:
        assert world.sync().looked_at == 0
    return len(read)


def test_an_idle_pass_reads_no_more_rows_however_many_quotes_and_invoices_are_open(world: World) -> None:
    """The store is not looked through for what time may have changed: what is not due yet costs nothing."""
    account = b.account(world)
    rows = []
    for number in (1, 12):
        for _ in range(number):
            b.invoice(world, account_id=account)
            b.quote(world, account_id=account)
        world.sync()
        rows.append(_rows_of_an_idle_pass(world))
    assert {found["status"] for found in (*world.stripe_list("/v1/invoices"), *world.stripe_list("/v1/quotes"))} == {
        "open"
    }
    assert rows[0] == rows[1]


def test_the_pass_right_after_a_busy_one_writes_nothing(world: World) -> None:
    _busy(world)
    b.assert_still(world)
    b.assert_still(world)
    assert b.findings(world) == {}


def test_a_new_process_writes_nothing_either(world: World) -> None:
    _busy(world)
    world.close()
    b.assert_still(world)


def test_a_store_that_was_lost_writes_nothing_either(world: World) -> None:
    """Everything is found again by its marks."""
    _busy(world)
    lose_store(world)
    assert recover_if_refused(world)
    world.sync()
    b.assert_still(world)
    assert len(world.stripe_list("/v1/invoices")) == 5
    assert len(world.org.ids("blng__Payment__c")) == 10


@pytest.mark.parametrize("rollups_move", [True, False])
def test_the_seeded_org_comes_to_rest(make_world: Callable[..., World], rollups_move: bool) -> None:
    world = make_world(org_settings={"rollups_move_modstamp": rollups_move})
    seeds.seed(world.org)
    world.sync()
    opened = [found for found in world.stripe_list("/v1/invoices") if found["status"] == "open"]
    for found in opened[:3]:
        b.pay(world, found["id"])
    world.sync()
    paid = [row for row in b.rows(world, "blng__Invoice__c") if row["Stripe_Status__c"] == "paid"]
    assert [row["blng__Balance__c"] for row in paid] == [0, 0, 0]
    b.assert_still(world)
    assert not [code for code in b.findings(world) if code.startswith("invoice.balance")]


@pytest.mark.parametrize("rollups_move", [True, False])
def test_a_line_that_changes_is_seen_though_formulas_and_roll_ups_do_not_move(
    make_world: Callable[..., World], rollups_move: bool
) -> None:
    world = make_world(org_settings={"rollups_move_modstamp": rollups_move})
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    world.sync()
    payment = b.offline_payment(world, {}, amount="100.00", account_id=account, mode="Electronic")
    world.sync()
    b.allocate(world, payment, invoice, "25.00")
    world.sync()
    assert b.findings(world)["invoice.balance_fell"][0].subject == invoice


def test_reading_from_a_given_moment_skips_nothing_for_the_next_pass(world: World) -> None:
    """`--since` looks at what is newer; what is older and was never read stays to be read."""
    world.sync()
    world.clock.advance(timedelta(hours=2))
    invoice = b.invoice(world)
    world.clock.advance(timedelta(hours=2))
    assert world.sync(since=world.clock.now()).looked_at == 0
    assert b.at_stripe(world, "invoices", invoice) == []
    world.clock.advance(timedelta(hours=2))
    world.sync()
    assert b.the_one(world, "invoices", invoice)["status"] == "open"
