"""A draft with more lines than a Stripe reply shows: filled once, whatever becomes of the extra read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import builders as b
from tests.support.stripe import error

if TYPE_CHECKING:
    from connector.sandbox.http import Request, Response
    from tests.support.world import World


@pytest.mark.parametrize("failing_reads", [0, 1])
def test_a_draft_is_filled_once(world: World, failing_reads: int) -> None:
    """A reply shows ten lines; the rest is read page by page, and that read may fail after the write was done."""
    left = [failing_reads]

    def fault(request: Request) -> Response | None:
        if request.method == "GET" and request.path.endswith("/lines") and left[0]:
            left[0] -= 1
            return error(403)
        return None

    world.account.faults = fault
    invoice = b.invoice(world, *(b.Item(subtotal=f"{number}.00", name=f"line {number}") for number in range(1, 13)))
    world.sync()
    world.sync()
    world.account.faults = None
    found = b.the_one(world, "invoices", invoice)
    assert left == [0]
    assert (found["status"], found["total"]) == ("open", 7_800)
    assert len(b.lines_of(world, found["id"])) == 12
    done = world.account.counters["operations"]
    assert [count for name, count in done.items() if "AddLines" in name] == [1]
