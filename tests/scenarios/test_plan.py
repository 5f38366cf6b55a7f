"""plan: what a pass would write, without writing; apply: exactly what was approved."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from connector.core.errors import UsageError
from connector.core.plan import Plan
from connector.flows.apply import apply_plan
from connector.flows.plan import make_plan
from connector.sandbox.http import Response
from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


def _plan(world: World) -> Plan:
    return make_plan(world.workspace or world.open())


def _kept(plan: Plan) -> Plan:
    """The plan as it comes back from its file."""
    return Plan.from_dict(json.loads(json.dumps(plan.as_dict())))


def _new_business(world: World) -> tuple[str, str, str]:
    account = b.account(world)
    seat = b.product(world)
    invoice = b.invoice(world, b.Item(subtotal="100.00", tax="19.00", product=seat), account_id=account)
    return account, seat, invoice


def test_a_parent_that_is_needed_after_all_is_not_counted_as_left_out(world: World) -> None:
    _new_business(world)
    b.account(world, "Nobody needs it")
    assert dict(_plan(world).not_mirrored["customer"]) == {"not needed": 1}
    assert b.not_mirrored(world.sync(), "customer") == {"not needed": 1}


def test_a_plan_writes_nothing_anywhere(world: World) -> None:
    _new_business(world)
    workspace = world.open()
    _plan(world)
    assert (world.org.counters["writes"], world.account.counters["writes"]) == (0, 0)
    assert workspace.store.load_links_in() == []
    assert workspace.store.count_signals() == {}


def test_parents_come_first_money_comes_last_with_totals_per_currency(world: World) -> None:
    account, seat, invoice = _new_business(world)
    yen = b.invoice(world, b.Item(subtotal="5000"), account_id=account, code="JPY")
    plan = _plan(world)
    assert [(entry.kind, entry.action) for entry in plan.entries] == [
        ("product", "create"),
        ("customer", "create"),
        ("invoice", "create"),
        ("invoice", "create"),
    ]
    assert {entry.id for entry in plan.entries} == {account, seat, invoice, yen}
    assert plan.totals() == {"usd": 11_900, "jpy": 5_000}
    assert [entry.moves_money for entry in plan.entries] == [False, False, True, True]


def test_what_moves_money_stands_below_what_does_not_whatever_was_found_first(world: World) -> None:
    """Cheques are planned after invoices; one whose mark was emptied only gets it again."""
    account, _, invoice = _new_business(world)
    world.sync()
    cheque = b.offline_payment(world, {invoice: "40.00"}, account_id=account)
    world.sync()
    world.org.update("blng__Payment__c", cheque, {"Stripe_Id__c": None})
    b.invoice(world, account_id=account)
    found = [(entry.kind, entry.action, entry.moves_money) for entry in _plan(world).entries]
    assert found == [("offline_payment", "update", False), ("invoice", "create", True)]


def test_an_invoice_shows_every_line_it_would_bill(world: World) -> None:
    seat = b.product(world)
    items = [b.Item(subtotal=f"{number}.00", tax="0.19", name=f"Line {number:02}") for number in range(1, 13)]
    items[0] = b.Item(subtotal="100.00", tax="19.00", name="Line 01", quantity="2.5", product=seat)
    b.invoice(world, *items)
    entry = next(entry for entry in _kept(_plan(world)).entries if entry.kind == "invoice")
    assert [line.description for line in entry.lines] == [item.name for item in items]
    first = entry.lines[0]
    assert (first.quantity, first.amount_minor, first.tax_minor, first.product) == ("2.5", 10_000, 1_900, seat)
    assert sum(line.amount_minor + line.tax_minor for line in entry.lines) == entry.amount_minor


def test_a_quote_shows_every_line_it_would_offer(world: World) -> None:
    b.quote(world)
    entry = next(entry for entry in _kept(_plan(world)).entries if entry.kind == "quote")
    assert [line.amount_minor for line in entry.lines] == [10_000]
    assert entry.amount_minor == 10_000


def test_ids_that_do_not_exist_yet_are_symbolic(world: World) -> None:
    account, _, invoice = _new_business(world)
    entry = next(entry for entry in _plan(world).entries if entry.id == invoice)
    assert {change.field: change.new for change in entry.changes}["customer"] == f"{{customer {account}}}"


def test_the_digest_is_the_same_before_and_after_the_parents_were_made(world: World) -> None:
    account, seat, invoice = _new_business(world)
    before = {entry.id: entry.digest for entry in _plan(world).entries}
    world.sync(kinds=["product", "customer"])
    b.invoice(world, account_id=account)
    after = {entry.id: entry.digest for entry in _plan(world).entries}
    assert after[invoice] == before[invoice]
    assert seat not in after


def test_a_planned_update_shows_old_and_new(world: World) -> None:
    _, seat, _ = _new_business(world)
    world.sync()
    world.org.update("Product2", seat, {"Name": "Renamed"})
    [entry] = _plan(world).entries
    assert [(change.field, change.old, change.new) for change in entry.changes] == [
        ("name", "Platform seat", "Renamed")
    ]
    assert (entry.kind, entry.target, entry.moves_money) == ("product", "stripe", False)


def test_a_void_is_destructive_and_last(world: World) -> None:
    account, _, invoice = _new_business(world)
    world.sync()
    world.org.update("blng__Invoice__c", invoice, {"blng__InvoiceStatus__c": "Cancelled"})
    world.org.update("Account", account, {"Name": "Renamed"})
    plan = _plan(world)
    assert [(entry.kind, entry.action) for entry in plan.entries] == [("customer", "update"), ("invoice", "void")]
    assert plan.entries[-1].destructive


def test_what_parks_or_is_not_mirrored_is_listed_with_its_reason(world: World) -> None:
    quote = b.quote(world, expires_in_days=-1)
    b.invoice(world, b.Item(subtotal="0"))
    plan = _plan(world)
    [(key, reason)] = plan.parked
    assert key == f"quote {quote}"
    assert "has passed" in reason
    assert plan.not_mirrored["invoice"] == {"zero": 1}


def test_a_plan_after_a_pass_is_empty(world: World) -> None:
    _new_business(world)
    world.sync()
    world.sync()
    assert _plan(world).entries == ()


def test_apply_does_what_was_approved(world: World) -> None:
    account, _, invoice = _new_business(world)
    plan = _kept(_plan(world))
    assert world.workspace is not None
    report, refused = apply_plan(world.workspace, plan, by="ann")
    assert refused == []
    assert report.of("invoice").created == 1
    assert b.the_one(world, "invoices", invoice)["status"] == "open"
    assert b.the_one(world, "customers", account)
    b.assert_still(world)


def test_apply_refuses_what_changed_since_and_does_the_rest(world: World) -> None:
    _, _, first = _new_business(world)
    second = b.invoice(world, b.Item(subtotal="10.00"))
    plan = _kept(_plan(world))
    b.add_lines(world, second, [b.Item(subtotal="5.00")])
    world.org.update("blng__Invoice__c", second, {"blng__DueDate__c": "2027-01-31"})
    assert world.workspace is not None
    _, refused = apply_plan(world.workspace, plan, by="ann")
    assert [key for key, _ in refused] == [f"invoice {second}"]
    assert b.at_stripe(world, "invoices", second) == []
    assert b.the_one(world, "invoices", first)["status"] == "open"


def test_apply_refuses_other_lines_of_the_same_invoice(world: World) -> None:
    """The lines are added in a later step of the life that was approved: they are part of what was approved."""
    account = b.account(world)
    invoice = b.invoice(world, b.Item(subtotal="10.00"), account_id=account)
    plan = _kept(_plan(world))
    b.add_lines(world, invoice, [b.Item(subtotal="990.00")])
    assert world.workspace is not None
    _, refused = apply_plan(world.workspace, plan, by="ann")
    assert [key for key, _ in refused] == [f"invoice {invoice}"]
    assert world.stripe_list("/v1/invoices") == []


@pytest.mark.parametrize("document", ["invoice", "quote"])
def test_apply_refuses_a_document_that_sells_a_product_that_was_refused(world: World, document: str) -> None:
    """A pass makes the parents its records need: here it would make a product nobody approved."""
    seat = b.product(world)
    if document == "invoice":
        record = b.invoice(world, b.Item(subtotal="100.00", product=seat))
    else:
        record = b.quote(world, b.Offer(product=seat))
    plan = _kept(_plan(world))
    world.org.update("Product2", seat, {"Name": "Something else"})
    assert world.workspace is not None
    _, refused = apply_plan(world.workspace, plan, by="ann")
    assert {key for key, _ in refused} == {f"product {seat}", f"{document} {record}"}
    assert b.at_stripe(world, "products", seat) == []
    assert b.at_stripe(world, f"{document}s", record) == []


def test_apply_refuses_what_is_done_already(world: World) -> None:
    _, _, invoice = _new_business(world)
    plan = _kept(_plan(world))
    world.sync()
    assert world.workspace is not None
    report, refused = apply_plan(world.workspace, plan, by="ann")
    assert f"invoice {invoice}" in [key for key, _ in refused]
    assert report.writes == 0
    assert len(b.at_stripe(world, "invoices", invoice)) == 1


def test_apply_refuses_a_kind_that_must_not_run_now_and_does_the_rest(world: World) -> None:
    """With the invoice goes its customer, which nothing else needs."""
    account, seat, invoice = _new_business(world)
    plan = _kept(_plan(world))
    world.close()
    world.org.hide_field("blng__Invoice__c", "blng__DueDate__c")
    report, refused = apply_plan(world.open(), plan, by="ann")
    reasons = dict(refused)
    assert reasons.keys() == {f"customer {account}", f"invoice {invoice}"}
    assert "blng__DueDate__c" in reasons[f"invoice {invoice}"]
    assert world.stripe_list("/v1/invoices") == []
    assert b.the_one(world, "products", seat)
    assert report.of("invoice").writes == 0


@pytest.mark.parametrize(
    ("field", "words"),
    [("org_id", "Salesforce org"), ("account_id", "Stripe account"), ("pack_digest", "mapping pack")],
)
def test_apply_refuses_a_plan_made_elsewhere_or_by_another_mapping(world: World, field: str, words: str) -> None:
    _new_business(world)
    plan = replace(_kept(_plan(world)), **{field: "another"})
    assert world.workspace is not None
    with pytest.raises(UsageError, match=f"it is for {words} another"):
        apply_plan(world.workspace, plan, by="ann")
    assert (world.org.counters["writes"], world.account.counters["writes"]) == (0, 0)


def test_a_due_date_that_moves_with_the_clock_is_no_other_plan(world: World) -> None:
    """What is overdue is due an hour from now, whenever now is."""
    invoice = b.invoice(world, due_in_days=-10)
    plan = _kept(_plan(world))
    world.clock.advance(timedelta(minutes=10))
    assert world.workspace is not None
    _, refused = apply_plan(world.workspace, plan, by="ann")
    assert refused == []
    assert b.the_one(world, "invoices", invoice)["status"] == "open"


def test_apply_refuses_the_plan_of_another_org(world: World, make_world: Callable[..., World]) -> None:
    _new_business(world)
    plan = _plan(world)
    other = make_world(seed=2)
    with pytest.raises(UsageError, match="Salesforce org"):
        apply_plan(other.open(), plan, by="ann")


def test_a_planned_cheque_names_its_amount_and_is_bound_to_its_invoice(world: World) -> None:
    account = b.account(world)
    first, second = (b.invoice(world, account_id=account) for _ in range(2))
    world.sync()
    cheque = b.offline_payment(world, {first: "40.00"}, account_id=account)
    plan = _kept(_plan(world))
    [entry] = [entry for entry in plan.entries if entry.kind == "offline_payment"]
    assert (entry.id, entry.action, entry.amount_minor, entry.moves_money) == (cheque, "create", 4_000, True)
    b.allocate(world, cheque, first, "40.00", way="Unallocation")
    b.allocate(world, cheque, second, "40.00")
    assert world.workspace is not None
    _, refused = apply_plan(world.workspace, plan, by="ann")
    assert f"offline_payment {cheque}" in [key for key, _ in refused]
    assert world.stripe_list("/v1/payment_records") == []


def test_a_quote_whose_last_step_was_lost_is_planned_with_its_amount(world: World) -> None:
    """Its process died, or Stripe was away: the draft is there, and only the finalising is left."""
    b.quote(world)
    world.account.faults = lambda request: (
        Response(status=503, headers={}, body=b"") if request.path.endswith("/finalize") else None
    )
    world.sync()
    world.account.faults = None
    world.clock.advance(timedelta(hours=1))
    [entry] = [entry for entry in make_plan(world.workspace).entries if entry.kind == "quote"]
    assert entry.action == "finalize"
    assert entry.amount_minor is not None
    assert entry.amount_minor > 0
