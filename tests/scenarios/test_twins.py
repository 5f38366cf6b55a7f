"""What comes to exist at Stripe or in Salesforce later, beside us: nothing of it is made a second time unasked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from connector.core.adoption import Choice
from connector.flows.adopt import adoption_of, compare
from connector.flows.adopt_apply import apply_adoption
from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.world import World


@pytest.fixture
def running(world: World) -> World:
    """In step, and what both had in common is settled."""
    b.invoice(world, account_id=b.account(world, "First Ltd", email="first@first.example"))
    for _ in range(2):
        world.sync()
    return world


def by_hand(world: World, name: str, email: str, metadata: Mapping[str, str] | None = None) -> str:
    """A customer somebody makes at Stripe, of which we hear."""
    given = {"name": name, "email": email, "metadata": metadata or {}}
    found = str(world.stripe_api("POST", "/v1/customers", given)["id"])
    world.sync()
    return found


def imported(world: World, name: str = "Acme GmbH", email: str = "AP@Acme.example") -> tuple[str, str]:
    """An account that an import brings, with an invoice that has to be billed."""
    account = b.account(world, name, email=email)
    invoice = b.invoice(world, account_id=account)
    world.sync()
    return account, invoice


def decide(world: World, choice: Choice) -> None:
    workspace = world.workspace
    assert workspace is not None
    adoption = adoption_of(workspace, compare(workspace))
    entries = tuple(replace(entry, choice=choice) for entry in adoption.entries)
    apply_adoption(workspace, replace(adoption, entries=entries))
    for _ in range(2):
        world.sync()


def test_an_import_whose_customer_somebody_made_at_stripe_is_kept_until_a_person_decides(running: World) -> None:
    theirs = by_hand(running, "ACME gmbh", "ap@acme.example")
    account, invoice = imported(running)
    assert b.at_stripe(running, "customers", account) == []
    code, reason = b.parked(running, "customer")[account]
    assert code == "customer.adopt_undecided"
    assert theirs in reason
    # its invoice waits, and everybody else goes on
    assert b.at_stripe(running, "invoices", invoice) == []
    decide(running, Choice.LINK)
    assert b.the_one(running, "customers", account)["id"] == theirs
    assert b.the_one(running, "invoices", invoice)["status"] == "open"
    b.assert_still(running)


def test_who_is_said_to_be_somebody_else_is_made_and_nobody_is_asked_again(running: World) -> None:
    theirs = by_hand(running, "Acme GmbH", "ap@acme.example")
    account, invoice = imported(running)
    decide(running, Choice.SEPARATE)
    assert b.the_one(running, "customers", account)["id"] != theirs
    assert b.the_one(running, "invoices", invoice)["status"] == "open"
    b.assert_still(running)


def test_the_two_may_come_in_one_pass(running: World) -> None:
    running.stripe_api("POST", "/v1/customers", {"name": "Acme GmbH", "email": "ap@acme.example"})
    account, _ = imported(running)
    assert b.parked(running, "customer")[account][0] == "customer.adopt_undecided"


def test_an_invoice_that_somebody_billed_at_stripe_already_is_not_billed_again(running: World) -> None:
    """The same amount for the same customer: a person says whether it is the same bill."""
    account = running.org.ids("Account")[0]
    customer = b.the_one(running, "customers", account)["id"]
    item = {"customer": customer, "amount": 10_000, "currency": "usd"}
    bill = running.stripe_api("POST", "/v1/invoices", {"customer": customer, "currency": "usd"})
    running.stripe_api("POST", "/v1/invoiceitems", {**item, "invoice": bill["id"]})
    running.stripe_api("POST", f"/v1/invoices/{bill['id']}/finalize", {"auto_advance": "false"})
    running.sync()
    invoice, dearer = (
        b.invoice(running, b.Item(subtotal=amount), account_id=account) for amount in ("100.00", "101.00")
    )
    running.sync()
    assert b.at_stripe(running, "invoices", invoice) == []
    assert bill["id"] in b.parked(running, "invoice")[invoice][1]
    assert b.the_one(running, "invoices", dearer)["status"] == "open"


@pytest.mark.parametrize("why", ["deleted", "renamed", "another org's"])
def test_what_is_no_stranger_any_more_keeps_nobody(running: World, why: str) -> None:
    """Seen as it is now, though no event told."""
    mark = {"salesforce_org": "00D000000000999AAA", "salesforce_id": "001000000000001AAA"}
    theirs = by_hand(running, "Acme GmbH", "ap@acme.example", mark if why == "another org's" else None)
    if why == "deleted":
        running.account._engine.collections["customer"].remove(theirs)
    if why == "renamed":
        running.stripe_api("POST", f"/v1/customers/{theirs}", {"name": "Other", "email": "o@other.example"})
    account, invoice = imported(running)
    running.sync()
    assert len(b.at_stripe(running, "customers", account)) == 1
    assert b.the_one(running, "invoices", invoice)["status"] == "open"


@pytest.mark.parametrize("how", ["deleted", "deleted unheard", "another org's", "another account's"])
def test_who_was_kept_is_made_by_itself_once_the_other_is_gone_or_somebodys(running: World, how: str) -> None:
    theirs = by_hand(running, "Acme GmbH", "ap@acme.example")
    account, invoice = imported(running)
    assert b.parked(running, "customer")[account][0] == "customer.adopt_undecided"
    if how == "deleted":
        running.stripe_api("DELETE", f"/v1/customers/{theirs}")
    elif how == "deleted unheard":
        running.account._engine.collections["customer"].remove(theirs)
    elif how == "another org's":
        mark = {"salesforce_org": "00D000000000999AAA", "salesforce_id": "001000000000001AAA"}
        running.stripe_api("POST", f"/v1/customers/{theirs}", {"metadata": mark})
    else:
        twin = b.account(running, "Acme GmbH", email="ap@acme.example", Stripe_Id__c=theirs)
        b.invoice(running, account_id=twin)
        running.sync()
    running.clock.advance(timedelta(hours=1, seconds=1))
    for _ in range(2):
        running.sync()
    assert b.the_one(running, "customers", account)["id"] != theirs
    assert b.the_one(running, "invoices", invoice)["status"] == "open"
    b.assert_still(running)


def test_who_was_kept_stays_kept_while_one_of_them_is_left(running: World) -> None:
    first, second = (by_hand(running, "Acme GmbH", "ap@acme.example") for _ in range(2))
    account, _ = imported(running)
    running.stripe_api("DELETE", f"/v1/customers/{first}")
    running.clock.advance(timedelta(hours=1, seconds=1))
    running.sync()
    assert b.at_stripe(running, "customers", account) == []
    reason = b.parked(running, "customer")[account][1]
    assert second in reason
    assert first not in reason


def test_an_invoice_that_was_kept_is_billed_once_the_bill_made_by_hand_is_void(running: World) -> None:
    account = running.org.ids("Account")[0]
    customer = b.the_one(running, "customers", account)["id"]
    bill = running.stripe_api("POST", "/v1/invoices", {"customer": customer, "currency": "usd"})
    item = {"customer": customer, "amount": 10_000, "currency": "usd", "invoice": bill["id"]}
    running.stripe_api("POST", "/v1/invoiceitems", item)
    running.stripe_api("POST", f"/v1/invoices/{bill['id']}/finalize", {"auto_advance": "false"})
    running.sync()
    invoice = b.invoice(running, b.Item(subtotal="100.00"), account_id=account)
    running.sync()
    assert b.at_stripe(running, "invoices", invoice) == []
    running.stripe_api("POST", f"/v1/invoices/{bill['id']}/void")
    running.clock.advance(timedelta(hours=1, seconds=1))
    running.sync()
    assert b.the_one(running, "invoices", invoice)["status"] == "open"


def test_a_value_that_many_share_says_nothing(running: World) -> None:
    for number in range(11):
        running.stripe_api("POST", "/v1/customers", {"name": "Walk-in", "email": f"{number}@example.org"})
    running.clock.advance(timedelta(seconds=1))
    running.sync()
    account, _ = imported(running, "Walk-in", "me@walk.example")
    assert len(b.at_stripe(running, "customers", account)) == 1


def test_where_nobody_is_a_stranger_a_birth_costs_no_call_more(running: World) -> None:
    account = running.org.ids("Account")[0]
    before = running.account.counters["requests"]
    b.invoice(running, account_id=account)
    running.sync()
    first = running.account.counters["requests"] - before
    by_hand(running, "Somebody", "else@example.org")
    before = running.account.counters["requests"]
    b.invoice(running, account_id=account)
    running.sync()
    assert running.account.counters["requests"] - before == first
