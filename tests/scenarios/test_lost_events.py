"""Nobody read Stripe's events for so long that some are gone: everything is looked at, and people are told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from connector.core.model import Severity
from tests.support import builders as b

if TYPE_CHECKING:
    from connector.sandbox.http import Request, Response
    from tests.support.world import World


def test_a_month_without_a_pass_is_told_once_and_made_up_for(world: World) -> None:
    invoice = b.invoice(world)
    world.sync()
    b.pay(world, b.the_one(world, "invoices", invoice)["id"])
    world.close()
    world.clock.advance(timedelta(days=40))
    world.sync()
    [finding] = b.findings(world)["stripe.events_gap"]
    assert (finding.severity, finding.subject, finding.count) == (Severity.WARNING, world.account.id, 1)
    assert len(b.rows(world, "blng__Payment__c")) == 1
    world.sync()
    assert "stripe.events_gap" not in b.findings(world)
    b.assert_still(world)


def test_a_short_absence_is_no_gap(world: World) -> None:
    b.invoice(world)
    world.sync()
    world.clock.advance(timedelta(days=20))
    world.sync()
    assert "stripe.events_gap" not in b.findings(world)


def test_a_quote_that_runs_out_without_an_event_is_read_again(world: World) -> None:
    """No event is certain: a quote that was open when its last day ended is looked at."""
    quote = b.quote(world, expires_in_days=5)
    for _ in range(4):
        report = world.sync()
        world.clock.advance(timedelta(minutes=10))
    assert report.looked_at == 0

    def tell_nothing_of_quotes(request: Request, response: Response) -> Response | None:
        if request.path != "/v1/events":
            return None
        page = json.loads(response.body)
        told = [event for event in page["data"] if not event["type"].startswith("quote.")]
        return replace(response, body=json.dumps({**page, "data": told}).encode())

    world.account.faults_after = tell_nothing_of_quotes
    world.clock.advance(timedelta(days=6))
    world.sync()
    assert world.org.get("SBQQ__Quote__c", quote)["Stripe_Status__c"] == "canceled"
    b.assert_still(world)
