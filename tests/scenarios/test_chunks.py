"""A drain in chunks: what one still has to write in Salesforce goes out with what the next begins at Stripe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector.core.errors import Interrupted, Transient
from connector.core.model import Side
from connector.flows import chunks
from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


@pytest.fixture(autouse=True)
def _chunks_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 2)


def _rounds_of(world: World) -> list[list[str]]:
    """What was sent in each round of writes, as method and path."""
    rounds: list[list[str]] = [[]]
    for moment in world.fate.moments:
        if moment == "before begin":
            rounds.append([])
        elif moment.startswith(("before POST /v1/invoices", "before PATCH")):
            rounds[-1].append(moment.removeprefix("before "))
    return rounds


def test_stripe_creates_while_salesforce_takes_what_the_chunk_before_made(world: World) -> None:
    account = b.account(world)
    for _ in range(6):
        b.invoice(world, account_id=account)
    world.sync()
    both = [
        sent
        for sent in _rounds_of(world)
        if any(each.startswith("PATCH") for each in sent) and sent.count("POST /v1/invoices") == 2
    ]
    assert len(both) >= 2, "the second and the third chunk are created while the one before them is written back"
    b.assert_still(world)


def test_an_invoice_is_written_back_once_and_after_it_was_finalised(world: World) -> None:
    invoices = [b.invoice(world) for _ in range(5)]
    report = world.sync()
    assert report.of("invoice").created == 5
    for each in invoices:
        finalised = b.the_one(world, "invoices", each)
        mirrored = world.org.get("blng__Invoice__c", each)
        assert (mirrored["Stripe_Id__c"], mirrored["Stripe_Status__c"]) == (finalised["id"], "open")
    b.assert_still(world)


def test_a_chunk_that_cannot_be_read_leaves_the_one_before_it_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writes it left are done before the error ends the pass."""
    account = b.account(world)
    invoices = [b.invoice(world, account_id=account) for _ in range(4)]
    read = chunks.fetch
    refused: list[int] = []

    def fetch(workspace: Any, subjects: Any) -> None:
        if any(subject.link.born.id in invoices[2:] for subject in subjects):
            refused.append(1)
            raise Transient("the line is dead", side=Side.SALESFORCE, action="fetch invoice")
        read(workspace, subjects)

    monkeypatch.setattr(chunks, "fetch", fetch)
    with pytest.raises(Transient, match="the line is dead"):
        world.sync()
    assert refused
    written = [world.org.get("blng__Invoice__c", each)["Stripe_Status__c"] for each in invoices]
    assert written == ["open", "open", None, None]
    monkeypatch.setattr(chunks, "fetch", read)
    world.sync()
    assert [b.the_one(world, "invoices", each)["status"] for each in invoices] == ["open"] * 4
    b.assert_still(world)


def _stop_at(place: int) -> Callable[[], bool]:
    asked = [0]

    def stop() -> bool:
        asked[0] += 1
        return asked[0] >= place

    return stop


def _begun_and_forgotten(world: World, invoices: list[str]) -> list[str]:
    """Invoices that are at Stripe and not written back, and that no signal brings back. Stripe's events would,
    if they were read: what is left undone does not rest on them.
    """
    assert world.workspace is not None
    signals = world.workspace.store.load_signals(shards=None, kinds=["invoice"], limit=100)
    waiting = {stored.signal.key.id for stored in signals}
    begun = [each for each in invoices if b.at_stripe(world, "invoices", each)]
    return [
        each
        for each in begun
        if each not in waiting and world.org.get("blng__Invoice__c", each)["Stripe_Status__c"] != "open"
    ]


@pytest.mark.parametrize("place", range(8, 25))
def test_an_interrupt_between_chunks_stops_both_and_forgets_neither(world: World, place: int) -> None:
    account = b.account(world)
    invoices = [b.invoice(world, account_id=account) for _ in range(5)]
    world.open(stop=_stop_at(place))
    with pytest.raises(Interrupted):
        world.sync()
    assert world.workspace is not None
    assert world.workspace.store.load_unresolved() == []
    assert _begun_and_forgotten(world, invoices) == []
    world.close()
    for _ in range(2):
        world.sync()
    for each in invoices:
        made = b.the_one(world, "invoices", each)
        assert (made["status"], world.org.get("blng__Invoice__c", each)["Stripe_Id__c"]) == ("open", made["id"])
    b.assert_still(world)
