"""What a person types finds the records meant, and nothing that does not exist."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from connector.core.model import Key, Side
from connector.flows.lookup import keys_for, keys_numbered
from connector.flows.plan import make_plan
from connector.flows.show import show
from tests.support import builders as b

if TYPE_CHECKING:
    from tests.support.world import World


def _invoice(world: World) -> tuple[Key, str]:
    """A mirrored invoice of 12.5 dinars."""
    invoice = b.invoice(world, b.Item(subtotal="12.50"), code="KWD")
    world.sync()
    mate = b.the_one(world, "invoices", invoice)
    return Key(side=Side.SALESFORCE, kind="invoice", id=invoice), str(mate["id"])


def test_either_id_of_a_pair_finds_its_kind(world: World) -> None:
    born, mate = _invoice(world)
    assert world.workspace is not None
    assert keys_for(world.workspace, born.id) == [born]
    assert [key.kind for key in keys_for(world.workspace, mate)] == ["invoice"]


def test_a_record_without_a_link_is_found_under_its_own_kind_only(world: World) -> None:
    workspace = world.open()
    account = b.account(world)
    assert keys_for(workspace, account) == [Key(side=Side.SALESFORCE, kind="customer", id=account)]
    stranger = world.stripe_api("POST", "/v1/customers", {"name": "Stranger"})["id"]
    assert keys_for(workspace, stranger) == [Key(side=Side.STRIPE, kind="customer", id=stranger)]


@pytest.mark.parametrize(
    "unknown", ["cus_doesnotexist", "in_doesnotexist", "pi_doesnotexist", "xyz_doesnotexist", "001000000000000AAA"]
)
def test_an_id_no_system_knows_means_nothing(world: World, unknown: str) -> None:
    """Not even something deleted: a pass over it would tell a story about five records that never were."""
    assert keys_for(world.open(), unknown) == []


def test_a_signal_about_a_misnamed_payment_does_not_stop_the_passes_after_it(world: World) -> None:
    workspace = world.open()
    world.sync(only=[Key(side=Side.STRIPE, kind="payment", id="cus_doesnotexist")])
    assert workspace.store.count_signals() == {}


def test_a_document_is_found_by_its_number(world: World) -> None:
    born, _ = _invoice(world)
    assert world.workspace is not None
    (row,) = b.rows(world, "blng__Invoice__c")
    assert keys_numbered(world.workspace, row["Name"]) == [born]
    assert keys_numbered(world.workspace, row["Name"] + "0") == []


def test_amounts_are_named_with_their_currency(world: World) -> None:
    born, mate = _invoice(world)
    assert world.workspace is not None
    (link,) = show(world.workspace, [born])["links"]
    assert (link["mate"], link["currency"]) == (mate, "kwd")
    assert link["fields"]["total"] == {"salesforce": 12500, "stripe": 12500}
    assert {"total", "remaining"} <= set(link["amounts"])
    assert link["salesforce"]["id"] == born.id


def test_a_plan_for_one_unmirrored_record_says_why(world: World) -> None:
    invoice = b.invoice(world, dated=date(2026, 9, 1))
    workspace = world.open()
    plan = make_plan(workspace, only=keys_for(workspace, invoice))
    assert plan.not_mirrored == {"invoice": {"before go-live": 1}}


def test_a_plan_calls_a_quote_by_its_number(world: World) -> None:
    quote = b.quote(world)
    (entry,) = [entry for entry in make_plan(world.open()).entries if entry.kind == "quote"]
    assert entry.label == world.org.get("SBQQ__Quote__c", quote)["Name"] != quote
