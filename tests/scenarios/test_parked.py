"""Parked records: what blocks them is stored, they release themselves, and they delay nobody."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.config.mapping_loader import load_pack
from connector.core.brake import BrakeName
from connector.core.conditions import group_of
from connector.core.errors import UsageError
from connector.core.model import ConditionType, Link, LinkState
from connector.flows import by_hand
from connector.flows.parked import load_parked
from tests.support import builders as b
from tests.support.recovering import refused, resume
from tests.support.stripe import error
from tests.support.world import PACK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.sandbox.http import Request, Response
    from tests.support.world import World

SAID = by_hand.Said(by="kim", reason="looked at it")


class Rule:
    """A validation rule that can be switched off: no marker on products of this family."""

    def __init__(self, world: World, family: str = "Secret", text: str = 'Product "{}" must not be shared') -> None:
        self.is_on = True
        world.org.add_validation_rule("Product2", lambda row: not self.refuses(row, family), text)

    def refuses(self, row: Any, family: str) -> bool:
        return self.is_on and row.get("Family") == family and row.get("Stripe_Id__c") is not None


def parked_links(world: World) -> list[Link]:
    assert world.workspace is not None
    return list(load_parked(world.workspace.store, world.pack.kinds))


def the_parked(world: World) -> Link:
    [link] = parked_links(world)
    return link


def sold(world: World, count: int, **fields: Any) -> list[str]:
    """Products somebody wants: each on a line of one invoice."""
    products = [b.product(world, f"Seat {number}", **fields) for number in range(count)]
    b.invoice(world, *(b.Item(product=product) for product in products))
    return products


def invoice_on_hold(world: World, account: str) -> str:
    """In a status the org has and the mapping does not know."""
    known = world.org.picklist("blng__Invoice__c", "blng__InvoiceStatus__c")
    world.org.define_picklist("blng__Invoice__c", "blng__InvoiceStatus__c", (*known, "On Hold"))
    invoice = b.invoice(world, account_id=account)
    world.org.update("blng__Invoice__c", invoice, {"blng__InvoiceStatus__c": "On Hold"})
    return invoice


def writes(world: World) -> tuple[int, int]:
    return world.org.counters["writes"], world.account.counters["writes"]


def rows_written(world: World) -> Counter[str]:
    """From now on, how often a collection of rows is sent to Salesforce."""
    seen: Counter[str] = Counter()

    def watch(request: Request) -> Response | None:
        if request.method == "PATCH":
            seen[request.path] += 1
        return None

    world.org.faults = watch
    return seen


def refuse_new(world: World, resource: str) -> None:
    """Stripe refuses every new one of these."""

    def fault(request: Request) -> Response | None:
        is_new = (request.method, request.path) == ("POST", f"/v1/{resource}")
        return error(400, code="parameter_invalid_empty") if is_new else None

    world.account.faults = fault


# -- a validation rule ----------------------------------------------------------------------------------------------


def test_a_rule_parks_its_records_as_one_group_that_says_what_would_release_it(world: World) -> None:
    Rule(world, text="Product 17 must not be shared")
    secret = sold(world, 3, Family="Secret")
    world.sync()
    links = parked_links(world)
    assert {link.born.id for link in links} == set(secret)
    [group] = {group_of(link) for link in links}
    assert (group.kind, group.code) == ("product", "product.refused.FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert (group.type, group.subject) == ("validation_rule", "Product … must not be shared")
    assert all(link.parked_at is not None and link.condition is not None for link in links)


def test_a_rule_that_still_fires_is_not_tried_in_a_hot_loop(world: World) -> None:
    """An hour, then two, then four: one record of the group each time."""
    Rule(world)
    sold(world, 3, Family="Secret")
    # read within the second of its last edit, a record is looked at once more
    world.clock.advance(timedelta(seconds=1))
    world.sync()
    tried = rows_written(world)
    per_hour = []
    for _ in range(12):
        before = sum(tried.values())
        for _ in range(4):
            world.sync()
            world.clock.advance(timedelta(minutes=15))
        per_hour.append(sum(tried.values()) - before)
    assert sum(per_hour) == 3
    assert max(per_hour) == 1
    assert len(parked_links(world)) == 3


def test_when_the_rule_no_longer_fires_the_whole_group_goes_on_by_itself(world: World) -> None:
    rule = Rule(world)
    secret = sold(world, 3, Family="Secret")
    # read within the second of its last edit, a record is looked at once more
    world.clock.advance(timedelta(seconds=1))
    world.sync()
    rule.is_on = False
    world.sync()
    assert len(parked_links(world)) == 3
    world.clock.advance(timedelta(hours=1))
    world.sync()
    assert parked_links(world) == []
    assert all(world.org.get("Product2", product)["Stripe_Id__c"] for product in secret)
    b.assert_still(world)


def test_one_record_put_right_by_hand_does_not_send_the_others_through(world: World) -> None:
    """What a person corrected says nothing about the rest: they would all be refused once more."""
    Rule(world)
    secret = sold(world, 3, Family="Secret")
    world.sync()
    tried = rows_written(world)
    world.org.update("Product2", secret[0], {"Family": "Public"})
    world.sync()
    assert {link.born.id for link in parked_links(world)} == set(secret[1:])
    assert sum(tried.values()) == 1


# -- the other sorts ------------------------------------------------------------------------------------------------


def test_a_value_mapped_meanwhile_releases_its_records(make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_world(pack_folder=b.pack_with(tmp_path, "invoice", ("    Error: absent\n", "")))
    invoice = b.invoice(world, account_id=b.account(world))
    world.org.update("blng__Invoice__c", invoice, {"blng__InvoiceStatus__c": "Error"})
    world.sync()
    link = the_parked(world)
    assert link.condition is not None
    assert (link.condition.type, link.condition.subject) == (ConditionType.VALUE_UNMAPPED, "status Error")
    world.close()
    world.pack = load_pack(PACK)
    assert refused(world) == [BrakeName.MAPPING_CHANGED]
    resume(world, BrakeName.MAPPING_CHANGED)
    world.sync()
    assert parked_links(world) == []


def test_an_active_product_releases_the_quote_that_sells_it(world: World) -> None:
    product = b.product(world)
    b.invoice(world, b.Item(product=product))
    world.sync()
    world.org.update("Product2", product, {"IsActive": False})
    quote = b.quote(world, b.Offer(product=product))
    world.sync()
    link = the_parked(world)
    assert link.condition is not None
    assert (link.born.id, link.condition.type) == (quote, ConditionType.PARENT_MISSING)
    world.org.update("Product2", product, {"IsActive": True})
    world.sync()
    assert parked_links(world) == []
    assert b.the_one(world, "quotes", quote)["status"] == "open"
    b.assert_still(world)


def test_a_field_that_may_be_written_again_releases_its_records_in_the_next_process(world: World) -> None:
    product = b.product(world)
    world.open()
    b.invoice(world, b.Item(product=product))
    world.org.make_read_only("Product2", "Stripe_Id__c")
    world.sync()
    link = the_parked(world)
    assert link.condition is not None
    assert (link.condition.type, link.condition.subject) == (ConditionType.FIELD_NOT_WRITABLE, "Stripe_Id__c")
    world.close()
    # the next process sees that it may not be written, and stops the kind
    world.sync()
    assert len(parked_links(world)) == 1
    world.org.restore_field("Product2", "Stripe_Id__c")
    world.close()
    world.sync()
    assert parked_links(world) == []
    assert world.org.get("Product2", product)["Stripe_Id__c"]


def test_an_unknown_picklist_value_parks_that_record_only(world: World) -> None:
    account = b.account(world)
    odd, good = invoice_on_hold(world, account), b.invoice(world, account_id=account)
    world.sync()
    assert set(b.parked(world, "invoice")) == {odd}
    assert b.the_one(world, "invoices", good)["status"] == "open"


# -- nobody is delayed ------------------------------------------------------------------------------------------------


def _cost(world: World, poison: Callable[[World], None]) -> tuple[int, int, int]:
    """Calls to each side, and records still parked, of a first pass over many products."""
    count = 400
    poison(world)
    for number in range(count):
        b.product(world, f"Seat {number}", Family="Secret" if number == count // 2 else "Public")
    world.open()
    assert world.workspace is not None
    before = world.workspace.salesforce.calls, world.workspace.stripe.calls  # type: ignore[attr-defined]
    world.sync()
    after = world.workspace.salesforce.calls, world.workspace.stripe.calls  # type: ignore[attr-defined]
    return after[0] - before[0], after[1] - before[1], len(parked_links(world))


@pytest.mark.parametrize("side", ["salesforce", "stripe"])
def test_one_poisoned_record_costs_its_neighbours_next_to_nothing(make_world: Callable[..., World], side: str) -> None:
    def at_stripe(world: World) -> None:
        def fault(request: Request) -> Response | None:
            is_poison = request.path == "/v1/products" and b"Seat+200&" in request.body + b"&"
            return error(400, code="parameter_invalid_empty") if request.method == "POST" and is_poison else None

        world.account.faults = fault

    def in_salesforce(world: World) -> None:
        Rule(world)

    clean, poisoned = make_world(), make_world()
    salesforce, stripe, none = _cost(clean, lambda _world: None)
    salesforce_poisoned, stripe_poisoned, parked = _cost(poisoned, in_salesforce if side == "salesforce" else at_stripe)
    assert (none, parked) == (0, 1)
    assert salesforce_poisoned <= 1.2 * salesforce
    assert stripe_poisoned <= 1.2 * stripe


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_looking_again_decides_anew_and_sends_nothing_old(world: World) -> None:
    refuse_new(world, "products")
    product = b.product(world, "Old name")
    b.invoice(world, b.Item(product=product))
    world.sync()
    link = the_parked(world)
    world.account.faults = None
    world.org.update("Product2", product, {"Name": "New name"})
    assert world.workspace is not None
    plan = by_hand.preview(world.workspace, [link])
    assert ("product", "create") in {(entry.kind, entry.action) for entry in plan.entries}
    by_hand.retry(world.workspace, [link], SAID)
    assert b.the_one(world, "products", product)["name"] == "New name"
    events = [row["event"] for row in world.workspace.store.load_audit(link.born)]
    assert "parked retry by kim: looked at it" in events


def test_what_is_still_refused_stays_parked_after_a_retry(world: World) -> None:
    Rule(world)
    sold(world, 1, Family="Secret")
    world.sync()
    link = the_parked(world)
    assert world.workspace is not None
    by_hand.retry(world.workspace, [link], SAID)
    again = the_parked(world)
    assert (again.parked_at, again.condition) == (link.parked_at, link.condition)


def _discarded(world: World) -> tuple[str, Rule]:
    rule = Rule(world)
    [product] = sold(world, 1, Family="Secret")
    world.sync()
    assert world.workspace is not None
    by_hand.discard(world.workspace, [the_parked(world)], SAID)
    return product, rule


def test_a_discarded_record_stays_out_though_nothing_blocks_it_any_more(world: World) -> None:
    product, rule = _discarded(world)
    rule.is_on = False
    before = writes(world)
    world.org.update("Product2", product, {"Family": "nothing the mapping reads"})
    for _ in range(3):
        world.sync()
        world.clock.advance(timedelta(days=1))
    assert world.org.get("Product2", product)["Stripe_Id__c"] is None
    assert writes(world)[1] == before[1]
    assert world.workspace is not None
    [link] = world.workspace.store.load_links_in(kind="product")
    assert (link.state, link.reason_code) == (LinkState.CLOSED, "discarded")
    assert link.reason == "discarded by kim: looked at it"


def test_it_comes_back_when_it_changes_where_it_was_born(world: World) -> None:
    product, rule = _discarded(world)
    rule.is_on = False
    world.org.update("Product2", product, {"Name": "Seat, renamed"})
    world.sync()
    assert world.org.get("Product2", product)["Stripe_Id__c"]
    assert b.the_one(world, "products", product)["name"] == "Seat, renamed"
    b.assert_still(world)


def test_a_discarded_parent_is_not_made_for_its_children(world: World) -> None:
    """They wait, and it is said what for."""
    account = b.account(world)
    first = b.invoice(world, account_id=account)
    refuse_new(world, "customers")
    world.sync()
    assert world.workspace is not None
    by_hand.discard(world.workspace, [the_parked(world)], SAID)
    world.account.faults = None
    second = b.invoice(world, account_id=account)
    world.sync()
    assert world.stripe_list("/v1/customers") == []
    [finding] = b.findings(world)["waiting.stuck"]
    assert (finding.subject, finding.count) == (account, 2)
    assert first in finding.observed
    assert second in finding.observed
    assert "discarded by kim" in finding.observed


def test_what_is_not_parked_any_more_is_refused_by_name(world: World) -> None:
    Rule(world)
    [product] = sold(world, 1, Family="Secret")
    world.sync()
    link = the_parked(world)
    assert world.workspace is not None
    by_hand.discard(world.workspace, [link], SAID)
    with pytest.raises(UsageError, match="it is closed, not parked"):
        by_hand.choose(world.workspace, [link.born], [])
    with pytest.raises(UsageError, match="nothing is parked for it"):
        by_hand.choose(world.workspace, [], [group_of(link).id])
    assert product


# -- who waits --------------------------------------------------------------------------------------------------------


def test_a_wait_for_a_parked_parent_is_told_with_its_reason_until_it_is_over(world: World) -> None:
    refuse_new(world, "customers")
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    [finding] = b.findings(world)["waiting.stuck"]
    assert finding.subject == account
    assert "it is parked: stripe refused customer.create" in finding.observed
    world.account.faults = None
    world.org.update("Account", account, {"Phone": "+49 30 1"})
    world.sync()
    assert "waiting.stuck" not in b.findings(world)


def test_a_look_in_vain_is_counted(world: World) -> None:
    Rule(world)
    sold(world, 1, Family="Secret")
    world.sync()
    link = the_parked(world)
    world.clock.advance(timedelta(hours=1))
    world.sync()
    again = the_parked(world)
    assert link.condition is not None
    assert again.condition is not None
    assert (link.condition.looks, again.condition.looks) == (0, 1)
