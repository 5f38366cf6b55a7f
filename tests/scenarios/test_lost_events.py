"""Nobody read Stripe's events for so long that some are gone: everything is looked at, and people are told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from connector.core.model import Severity
from tests.support import builders as b

if TYPE_CHECKING:
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
