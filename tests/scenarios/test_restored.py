"""A restored or emptied database is refused before any write, until everything is linked by its marks again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from connector.core.brake import BrakeName
from connector.core.errors import Braked
from connector.core.model import Key, Side
from tests.support import builders as b
from tests.support.killing import Fate, Killed
from tests.support.recovering import backup, lose_store, recover, refused, restore, writes

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.http import Request, Response
    from tests.support.world import World

RESTORED = [BrakeName.STORE_RESTORED]


def _mirrored(world: World) -> str:
    """One of everything, in step; the invoice's id."""
    account, seat = b.account(world), b.product(world)
    invoice = b.invoice(world, b.Item(product=seat), account_id=account)
    b.quote(world, b.Offer(product=seat), account_id=account)
    world.sync()
    b.pay_with_intent(world, 4_000, b.the_one(world, "invoices", invoice)["id"])
    b.offline_payment(world, {invoice: "10.00"}, account_id=account)
    for _ in range(2):
        world.sync()
    return invoice


def _counts(world: World) -> dict[str, int]:
    rows = {path: len(world.stripe_list(f"/v1/{path}")) for path in ("customers", "products", "quotes", "invoices")}
    return {
        **rows,
        "payment records": len(world.stripe_list("/v1/payment_records")),
        "payments": len(world.org.ids("blng__Payment__c")),
        "allocations": len(world.org.ids("blng__PaymentAllocationInvoice__c")),
    }


# -- what is a restore -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=3), timedelta(days=40)], ids=str)
def test_an_empty_database_before_systems_that_carry_our_marks_writes_nothing(world: World, later: timedelta) -> None:
    _mirrored(world)
    lose_store(world)
    world.clock.advance(later)
    b.invoice(world)
    for _ in range(3):
        assert refused(world) == RESTORED


@pytest.mark.parametrize("side", ["at Stripe", "in Salesforce"])
def test_marks_on_one_side_are_enough(world: World, side: str) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    world.sync()
    if side == "at Stripe":
        world.org.update("Account", account, {"Stripe_Id__c": None})
        world.org.update("blng__Invoice__c", invoice, {"Stripe_Id__c": None})
    else:
        world.stripe_api("POST", f"/v1/customers/{b.the_one(world, 'customers', account)['id']}", {"metadata": ""})
    lose_store(world)
    assert refused(world) == RESTORED


@pytest.mark.parametrize("options", [{"only": True}, {"since": True}], ids=["--only", "--since"])
def test_a_narrowed_pass_looks_for_marks_before_it_writes(world: World, options: dict[str, bool]) -> None:
    invoice = _mirrored(world)
    lose_store(world)
    world.clock.advance(timedelta(days=3))
    fresh = b.invoice(world, account_id=world.org.get("blng__Invoice__c", invoice)["blng__Account__c"])
    given = (
        {"only": [Key(side=Side.SALESFORCE, kind="invoice", id=fresh)]}
        if "only" in options
        else {"since": world.clock.now()}
    )
    assert refused(world, **given) == RESTORED


def test_a_backup_of_before_the_last_writes_is_refused_though_their_signals_are_old(world: World) -> None:
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    saved = backup(world)
    born_since = b.invoice(world, account_id=account)
    world.sync()
    b.assert_still(world)
    restore(world, saved)
    world.clock.advance(timedelta(hours=2))
    assert refused(world) == RESTORED
    assert len(b.at_stripe(world, "invoices", born_since)) == 1


def test_a_backup_is_refused_after_a_month_too_when_events_are_gone(world: World) -> None:
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    saved = backup(world)
    b.invoice(world, account_id=account)
    world.sync()
    restore(world, saved)
    world.clock.advance(timedelta(days=40))
    assert refused(world) == RESTORED


def test_a_backup_of_before_an_update_is_refused(world: World) -> None:
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    saved = backup(world)
    world.org.update("Account", account, {"Name": "Acme SE"})
    world.sync()
    restore(world, saved)
    world.clock.advance(timedelta(hours=2))
    assert refused(world) == RESTORED


# -- what is none ------------------------------------------------------------------------------------------------


def test_two_systems_without_marks_need_no_recover(world: World) -> None:
    b.invoice(world)
    world.sync()
    b.assert_still(world)


def test_a_backup_after_which_nothing_was_written_is_no_restore(world: World) -> None:
    invoice = b.invoice(world)
    world.sync()
    b.assert_still(world)
    saved = backup(world)
    world.clock.advance(timedelta(days=2))
    restore(world, saved)
    b.pay(world, b.the_one(world, "invoices", invoice)["id"])
    world.sync()
    assert len(b.rows(world, "blng__Payment__c")) == 1


@pytest.mark.parametrize("share", [0.2, 0.35, 0.5, 0.65, 0.8, 0.95])
def test_a_dead_workers_operations_are_no_restore(make_world: Callable[..., World], share: float) -> None:
    alive = make_world()
    b.invoice(alive)
    alive.sync()
    world = make_world()
    b.invoice(world)
    world.fate = Fate(int(len(alive.fate.moments) * share))
    with pytest.raises(Killed):
        world.sync()
    world.close()
    world.fate = Fate()
    world.clock.advance(timedelta(hours=1))
    for _ in range(3):
        world.sync()
    b.assert_still(world)


def test_a_lost_reply_is_no_restore(world: World) -> None:
    invoice = b.invoice(world)

    def lose_the_reply(request: Request, response: Response) -> Response | None:
        lost = (request.method, request.path) == ("POST", "/v1/invoices")
        return replace(response, status=503, body=b"") if lost else None

    world.account.faults_after = lose_the_reply
    world.sync()
    world.account.faults_after = None
    world.close()
    world.clock.advance(timedelta(days=2))
    for _ in range(3):
        world.sync()
    assert b.the_one(world, "invoices", invoice)["status"] == "open"


def test_a_marker_that_a_person_typed_is_no_restore(world: World) -> None:
    """The customer it names carries no mark of ours."""
    account = b.account(world)
    world.sync()
    customer = world.stripe_api("POST", "/v1/customers", {"name": "Acme GmbH"})
    world.org.update("Account", account, {"Stripe_Id__c": customer["id"]})
    b.invoice(world, account_id=account)
    world.sync()
    assert [row["id"] for row in world.stripe_list("/v1/customers")] == [customer["id"]]


def test_a_copy_that_a_person_made_with_our_mark_is_no_restore(world: World) -> None:
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    metadata = b.the_one(world, "customers", account)["metadata"]
    world.stripe_api("POST", "/v1/customers", {"name": "Copy", "metadata": metadata})
    world.clock.advance(timedelta(days=40))
    world.sync()


def test_marks_of_another_org_are_no_restore(world: World) -> None:
    mark = {"salesforce_id": "001000000000001AAA", "salesforce_org": "00D000000000009EAA"}
    world.stripe_api("POST", "/v1/customers", {"name": "Theirs", "metadata": mark})
    b.invoice(world)
    world.sync()


def test_what_is_told_counts_records_and_repeats_none(world: World) -> None:
    """An invoice leaves several events behind, and each is a mark."""
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    saved = backup(world)
    born_since = b.invoice(world, account_id=account)
    world.sync()
    mate = b.the_one(world, "invoices", born_since)["id"]
    restore(world, saved)
    with pytest.raises(Braked) as stopped:
        world.sync()
    [brake] = stopped.value.brakes
    # the sides are read at the same time, and the first one that knows better stops the pass
    assert brake.observed.startswith(
        ("1 record in stripe carries our mark ", "1 record in salesforce carries our mark ")
    )
    assert (brake.observed.count(mate), brake.observed.count(born_since)) == (1, 1)


# -- recover -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=3)], ids=["keys live", "keys pruned"])
def test_after_recover_nothing_is_made_again_and_both_sides_are_in_step(world: World, later: timedelta) -> None:
    _mirrored(world)
    before = _counts(world)
    lose_store(world)
    world.clock.advance(later)
    refused(world)
    found = recover(world)
    assert {kind: (each.relinked, each.unlinked) for kind, each in found.items()} == {kind: (1, []) for kind in found}
    for _ in range(3):
        world.sync()
    assert _counts(world) == before
    b.assert_still(world)
    assert b.findings(world) == {}


def test_what_happened_meanwhile_is_made_up_for_once(world: World) -> None:
    invoice = _mirrored(world)
    account = world.org.get("blng__Invoice__c", invoice)["blng__Account__c"]
    lose_store(world)
    world.clock.advance(timedelta(days=3))
    b.pay_with_intent(world, 2_500, b.the_one(world, "invoices", invoice)["id"])
    fresh = b.invoice(world, account_id=account)
    world.org.update("Account", account, {"Name": "Acme SE"})
    refused(world)
    recover(world)
    for _ in range(3):
        world.sync()
    assert b.the_one(world, "customers", account)["name"] == "Acme SE"
    assert b.the_one(world, "invoices", fresh)["status"] == "open"
    assert len(b.rows(world, "blng__Payment__c")) == 3
    b.assert_still(world)


def test_what_can_never_be_equal_is_not_told_as_a_difference(world: World) -> None:
    """Stripe has no place for a shipping name without an address; the plan after `recover` shows nothing either."""
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    saved = backup(world)
    assert b.the_one(world, "customers", account)["shipping"] is None
    b.invoice(world, account_id=account)
    world.sync()
    restore(world, saved)
    refused(world)
    assert not recover(world)["customer"].differing
    lose_store(world)
    refused(world)
    assert not recover(world)["customer"].differing


def test_what_differs_is_told_by_field(world: World) -> None:
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    lose_store(world)
    world.org.update("Account", account, {"Name": "Acme SE"})
    refused(world)
    assert dict(recover(world)["customer"].differing) == {"name": 1}


def test_what_was_found_before_is_found_again(world: World) -> None:
    """Nobody touches the invoice any more: it must be told although neither system has news of it."""
    invoice = _mirrored(world)
    mate = b.the_one(world, "invoices", invoice)["id"]
    world.stripe_api("POST", f"/v1/invoices/{mate}/pay", {"paid_out_of_band": "true"})
    for _ in range(2):
        world.sync()
    [before] = b.findings(world)["invoice.balance_stayed"]
    lose_store(world)
    refused(world)
    recover(world)
    world.sync()
    assert b.findings(world)["invoice.balance_stayed"] == [before]


def test_an_update_after_recover_does_not_meet_an_old_answer_under_its_key(world: World) -> None:
    """The backup knows fewer revisions than were used: Stripe would replay what an old key did."""
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    saved = backup(world)
    world.org.update("Account", account, {"Name": "Acme SE"})
    world.sync()
    restore(world, saved)
    world.org.update("Account", account, {"Name": "Acme KG"})
    world.clock.advance(timedelta(minutes=5))
    refused(world)
    recover(world)
    for _ in range(2):
        world.sync()
    assert b.the_one(world, "customers", account)["name"] == "Acme KG"
    b.assert_still(world)


def test_a_pass_after_recover_reads_the_events_of_before_once_more_and_is_not_refused(world: World) -> None:
    _mirrored(world)
    lose_store(world)
    refused(world)
    recover(world)
    for _ in range(4):
        world.sync()
        world.clock.advance(timedelta(seconds=20))


def test_a_record_that_one_side_does_not_list_is_not_made_again(world: World) -> None:
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    lose_store(world)
    invoice = world.org.ids("blng__Invoice__c")[0]
    world.org.update("blng__Invoice__c", invoice, {"Stripe_Id__c": None})
    refused(world)
    assert recover(world)["invoice"].relinked == 1
    for _ in range(2):
        world.sync()
    assert len(world.stripe_list("/v1/invoices")) == 1


def test_a_marker_that_names_nothing_is_told_and_nothing_is_made_in_its_place(world: World) -> None:
    """A sandbox refreshed from production carries markers of the live account."""
    account = b.account(world)
    world.org.update("Account", account, {"Stripe_Id__c": "cus_OfAnotherAccount"})
    b.invoice(world, account_id=account)
    world.sync()
    assert world.stripe_list("/v1/customers") == []
    assert recover(world)["customer"].unlinked == [
        (account, "names cus_OfAnotherAccount, which this Stripe account does not list")
    ]


def test_only_recover_releases_and_it_is_kept_who_did(world: World) -> None:
    _mirrored(world)
    lose_store(world)
    refused(world)
    recover(world)
    assert world.workspace is not None
    [brake] = world.workspace.store.brakes.load_recent()
    assert (brake.name, brake.released_by, brake.release_reason) == (
        BrakeName.STORE_RESTORED,
        "ann",
        "the database was lost",
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_death_while_it_is_noticed_does_not_let_the_next_pass_through(world: World, share: float) -> None:
    _mirrored(world)
    lose_store(world)
    before = writes(world)
    world.open()
    counted = Fate()
    world.close()
    world.fate = counted
    with pytest.raises(Braked):
        world.sync()
    moments = len(counted.moments)
    lose_store(world)
    world.fate = Fate(max(1, int(moments * share)))
    with pytest.raises(Killed):
        world.sync()
    world.close()
    world.fate = Fate()
    assert refused(world) == RESTORED
    assert writes(world) == before


@pytest.mark.parametrize("hidden", [False, True])
def test_a_payment_that_is_looked_at_before_its_invoice_is_booked_on_its_account(world: World, hidden: bool) -> None:
    """As shards do it, which wait for nobody: the invoice is linked again, and nobody has looked at it since."""
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    world.sync()
    lose_store(world)
    b.pay(world, str(b.the_one(world, "invoices", invoice)["id"]))
    refused(world)
    recover(world)
    if hidden:
        world.org.delete("blng__Invoice__c", invoice)
        world.org.recycle_bin.purge("blng__Invoice__c", invoice)
    world.sync(kinds=["payment"])
    found = [(row["blng__Account__c"], row["blng__Amount__c"]) for row in b.rows(world, "blng__Payment__c")]
    assert found == ([] if hidden else [(account, Decimal("100.00"))])
    assert [code for code, _ in b.parked(world, "payment").values()] == (["payment.invoice_missing"] if hidden else [])
