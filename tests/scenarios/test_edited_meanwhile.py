"""A document that somebody edits in Salesforce while it is being made at Stripe, or after it was shown to the customer:
the customer, the currency, the days. What is made says what Salesforce says by then, and what cannot follow is told.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from connector.sandbox.http import Response
from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.sandbox.http import Request
    from tests.support.world import World

QUOTE = "SBQQ__Quote__c"


def _presented(world: World, **fields: Any) -> tuple[str, str]:
    """A presented quote and its open Stripe quote."""
    quote = b.quote(world, **fields)
    world.sync()
    mate = b.the_one(world, "quotes", quote)
    assert mate["status"] == "open"
    return quote, str(mate["id"])


def _stripe(world: World, mate: str) -> dict[str, Any]:
    return world.stripe_api("GET", f"/v1/quotes/{mate}")


def _stop_at(world: World, step: str) -> None:
    """Stripe takes no call of this step for now: the draft stays one."""

    def faults(request: Request) -> Response | None:
        return Response(status=429, headers={}, body=b"{}") if request.path.endswith(step) else None

    world.account.faults = faults


def _go_on(world: World) -> None:
    world.account.faults = None
    world.clock.advance(timedelta(hours=1))
    world.sync()


# -- quotes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["price", "account", "currency"])
def test_what_is_accepted_in_salesforce_but_is_not_what_was_presented_bills_nobody(
    make_world: Callable[..., World], tmp_path: Path, what: str
) -> None:
    pack = b.pack_with(tmp_path, "quote", ("on_accept: cancel", "on_accept: bill_in_stripe"))
    world = make_world(pack_folder=pack)
    quote, mate = _presented(world)
    _offer_differently(world, quote, what)
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Accepted"})
    world.sync()
    assert _stripe(world, mate)["status"] == "open"
    assert b.parked(world, "quote")[quote][0] == "quote.changed_after_final"
    assert world.stripe_list("/v1/invoices") == []
    b.assert_still(world)


def _offer_differently(world: World, quote: str, what: str) -> None:
    if what == "account":
        world.org.update(QUOTE, quote, {"SBQQ__Account__c": b.account(world, "Somebody else")})
    elif what == "currency":
        world.org.update(QUOTE, quote, {"CurrencyIsoCode": "EUR"})
    else:
        [line] = b.rows(world, "SBQQ__QuoteLine__c")
        world.org.update("SBQQ__QuoteLine__c", line["Id"], {"SBQQ__NetPrice__c": Decimal("150.00")})


@pytest.mark.parametrize("what", ["account", "currency"])
def test_an_open_quote_for_another_account_or_in_other_money_parks_until_it_is_presented_again(
    world: World, what: str
) -> None:
    quote, mate = _presented(world)
    _offer_differently(world, quote, what)
    world.sync()
    assert b.parked(world, "quote")[quote][0] == "quote.changed_after_final"
    for status in ("Draft", "Presented"):
        world.org.update(QUOTE, quote, {"SBQQ__Status__c": status})
        world.sync()
    newest = b.at_stripe(world, "quotes", quote)[0]
    assert (newest["status"], _stripe(world, mate)["status"]) == ("open", "canceled")
    customer = world.stripe_api("GET", f"/v1/customers/{newest['customer']}")
    assert customer["name"] == ("Somebody else" if what == "account" else "Acme GmbH")
    assert newest["currency"] == ("eur" if what == "currency" else "usd")
    assert b.parked(world, "quote") == {}
    b.assert_still(world)


@pytest.mark.parametrize("what", ["account", "currency"])
def test_a_draft_for_another_account_or_in_other_money_is_made_anew(world: World, what: str) -> None:
    _stop_at(world, "/finalize")
    quote = b.quote(world)
    world.sync()
    [draft] = b.at_stripe(world, "quotes", quote)
    assert draft["status"] == "draft"
    _offer_differently(world, quote, what)
    _go_on(world)
    newest, oldest = b.at_stripe(world, "quotes", quote)
    assert (newest["status"], oldest["status"], oldest["id"]) == ("open", "canceled", draft["id"])
    customer = world.stripe_api("GET", f"/v1/customers/{newest['customer']}")
    assert customer["name"] == ("Somebody else" if what == "account" else "Acme GmbH")
    assert newest["currency"] == ("eur" if what == "currency" else "usd")
    b.assert_still(world)


def test_a_quote_that_goes_along_with_a_merged_account_stays_as_it_was_presented(world: World) -> None:
    lost, kept = b.account(world, "Lost"), b.account(world, "Kept")
    quote, mate = _presented(world, account_id=lost)
    b.quote(world, account_id=kept)
    world.sync()
    world.org.merge("Account", kept, lost)
    world.sync()
    world.sync()
    assert world.org.get(QUOTE, quote)["SBQQ__Account__c"] == kept
    assert (_stripe(world, mate)["status"], b.parked(world, "quote")) == ("open", {})
