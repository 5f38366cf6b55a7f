"""First contact: what may be joined, what must not run, and that nothing is lost while it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from connector.core.errors import PrerequisiteError, RemoteError
from connector.flows.connect import pin_problems
from connector.sandbox.salesforce.org import Org
from connector.sandbox.stripe.account import Account
from connector.store import open_store
from tests.support import builders as b
from tests.support.trail import details

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.http import Request, Response
    from tests.support.world import World

INVOICE = "blng__Invoice__c"


def _writes(world: World) -> tuple[int, int]:
    return world.org.counters["writes"], world.account.counters["writes"]


@pytest.mark.parametrize("is_sandbox", [True, False], ids=["live key, sandbox org", "test key, production org"])
def test_a_key_of_the_other_mode_is_refused_before_any_write(world: World, is_sandbox: bool) -> None:
    world.org = Org(clock=world.clock, seed=1, multi_currency=True, is_sandbox=is_sandbox)
    world.account = Account(clock=world.clock, seed=1, livemode=is_sandbox)
    b.invoice(world)
    before = _writes(world)
    with pytest.raises(PrerequisiteError) as refused:
        world.open()
    [problem] = refused.value.problems
    assert ("production org" in problem.observed, "test key" in problem.observed) == (not is_sandbox, not is_sandbox)
    assert _writes(world) == before


@pytest.mark.parametrize("other", ["org", "account"])
def test_another_pair_than_the_one_this_store_belongs_to_is_refused(world: World, other: str) -> None:
    b.invoice(world)
    world.sync()
    mine = world.org.org_id if other == "org" else world.account.id
    world.close()
    if other == "org":
        world.org = Org(clock=world.clock, seed=2, multi_currency=True)
    else:
        world.account = Account(clock=world.clock, seed=2)
    b.invoice(world)
    before = _writes(world)
    with pytest.raises(PrerequisiteError) as refused:
        world.open()
    [problem] = refused.value.problems
    assert problem.where == "database"
    assert mine in problem.observed
    store = open_store(f"sqlite:///{world.folder / 'state.sqlite'}", clock=world.clock)
    [told] = details(store, "identity refused")
    store.close()
    assert told["observed"] == problem.observed
    assert "CONNECTOR_HOME" in problem.remedy
    assert _writes(world) == before


def test_a_hidden_field_stops_its_kind_and_those_that_need_it_and_no_other(world: World) -> None:
    world.org.hide_field(INVOICE, "blng__DueDate__c")
    stopped = world.open().stopped_kinds
    assert set(stopped) == {"invoice", "payment", "offline_payment"}
    assert "blng__DueDate__c" in stopped["invoice"]
    assert {stopped["payment"], stopped["offline_payment"]} == {"needs invoice, which must not run"}
    account, seat = b.account(world), b.product(world)
    quote = b.quote(world, b.Offer(product=seat), account_id=account)
    b.invoice(world, account_id=account)
    world.sync()
    assert b.the_one(world, "quotes", quote)["status"] == "open"
    assert world.stripe_list("/v1/invoices") == []


def _show_again(world: World, *fields: str) -> None:
    saved = world.org.dump()
    world.org = Org(clock=world.clock, seed=1, multi_currency=True)
    world.org.load(saved)
    world.close()


def test_a_kind_stopped_from_the_beginning_starts_from_the_beginning(world: World) -> None:
    world.org.hide_field(INVOICE, "blng__DueDate__c")
    invoice = b.invoice(world)
    for _ in range(2):
        world.sync()
        world.clock.advance(timedelta(hours=2))
    _show_again(world)
    world.sync()
    assert b.the_one(world, "invoices", invoice)["status"] == "open"
    b.assert_still(world)


def test_what_happened_on_both_sides_while_a_kind_was_stopped_is_made_up_for(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    paid, cancelled, old = (b.invoice(world) for _ in range(3))
    world.sync()
    world.close()
    world.org.hide_field(INVOICE, "blng__DueDate__c")
    b.pay(world, b.the_one(world, "invoices", paid)["id"])
    world.org.update(INVOICE, cancelled, {"blng__InvoiceStatus__c": "Cancelled"})
    born = b.invoice(world)
    for _ in range(3):
        world.sync()
        world.clock.advance(timedelta(hours=2))
    assert b.rows(world, "blng__Payment__c") == []
    _show_again(world)
    for _ in range(2):
        world.sync()
    wanted = {paid: "paid", cancelled: "void", old: "open", born: "open"}
    assert {each: b.the_one(world, "invoices", each)["status"] for each in wanted} == wanted
    [payment] = b.rows(world, "blng__Payment__c")
    assert payment["blng__Status__c"] == "Posted"
    assert world.org.get(INVOICE, paid)["Stripe_Status__c"] == "paid"
    b.assert_still(world)


def test_what_a_kind_left_unfinished_is_not_written_while_it_must_not_run(world: World) -> None:
    """Not even the same bytes again: the reason it was stopped may be in them."""
    invoice = b.invoice(world)

    def lose_the_reply(request: Request, response: Response) -> Response | None:
        lost = (request.method, request.path) == ("POST", "/v1/invoices")
        return replace(response, status=503, body=b"") if lost else None

    world.account.faults_after = lose_the_reply
    world.sync()
    world.account.faults_after = None
    world.close()
    assert len(world.stripe_list("/v1/invoices")) == 1
    world.org.hide_field(INVOICE, "blng__DueDate__c")
    world.open()
    before = _writes(world)
    assert world.sync().recovered == 0
    assert _writes(world) == before
    _show_again(world)
    # past what the lost reply has put it off
    world.clock.advance(timedelta(minutes=1))
    world.sync()
    assert b.the_one(world, "invoices", invoice)["status"] == "open"
    b.assert_still(world)


def _pinned_otherwise(world: World, **flags: object) -> list[str]:
    """What a start says when this store was pinned to another pair at first contact."""
    workspace = world.workspace or world.open()
    pinned = replace(workspace.identity, **flags)
    return [f"{problem.observed} | {problem.remedy}" for problem in pin_problems(pinned, workspace.identity)]


def test_a_refreshed_sandbox_with_the_same_record_ids_is_refused_and_told_what_to_do(world: World) -> None:
    invoice = b.invoice(world)
    world.sync()
    saved = world.org.dump()
    world.close()
    world.org = Org(clock=world.clock, seed=2, multi_currency=True)
    own_id, fresh = world.org.org_id, world.org.dump()
    copied = {**saved["tables"], **fresh["tables"]}
    world.org.load({**saved, "tables": copied, "oauth": fresh["oauth"]})
    assert world.org.get(INVOICE, invoice)
    before = _writes(world)
    with pytest.raises(PrerequisiteError) as refused:
        world.open()
    [problem] = refused.value.problems
    assert own_id in problem.observed
    assert "refreshed" in problem.remedy
    assert _writes(world) == before


def test_an_org_that_says_it_is_of_another_sort_is_refused(world: World) -> None:
    [problem] = _pinned_otherwise(world, is_sandbox=False)
    assert "was a production org and says now that it is a sandbox org" in problem


def test_a_key_of_the_other_mode_of_the_same_account_is_refused(world: World) -> None:
    [problem] = _pinned_otherwise(world, livemode=True)
    assert "live mode" in problem
    assert "use a live key" in problem


def test_everything_that_differs_is_told_at_once(world: World) -> None:
    assert len(_pinned_otherwise(world, org_id="00D000000000009EAA", account_id="acct_other")) == 2


@pytest.mark.parametrize("changed", [{"livemode": True}, {"account": "acct_other"}], ids=["mode", "account"])
def test_an_event_of_another_mode_or_account_stops_the_poll(world: World, changed: dict[str, object]) -> None:
    """Nothing of a page that holds one is believed."""
    b.invoice(world)
    world.sync()
    customer = world.stripe_list("/v1/customers")[0]["id"]
    world.stripe_api("POST", f"/v1/customers/{customer}", {"phone": "1"})

    def mixed(request: Request, response: Response) -> Response | None:
        if request.path != "/v1/events":
            return None
        page = json.loads(response.body)
        return replace(
            response, body=json.dumps({**page, "data": [{**each, **changed} for each in page["data"]]}).encode()
        )

    world.account.faults_after = mixed
    before = _writes(world)
    with pytest.raises(RemoteError) as stopped:
        world.sync()
    assert stopped.value.code in ("livemode_mismatch", "account_mismatch")
    assert _writes(world) == before
