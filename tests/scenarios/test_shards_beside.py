"""Shards that work beside each other and need the same parent at the same moment."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.brake import BrakeLimits, BrakeName, Limit, TrippedBrake
from connector.core.errors import Braked, LeaseLost, StoreAway, Superseded
from connector.core.model import Key, Side, Signal
from connector.flows.guard import FIRST_SYNC_DONE
from connector.flows.service import Window, drain_shard, read
from connector.flows.subject import shard_of
from connector.flows.sync import run_pass
from connector.sandbox.http import Response
from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.model import Operation
    from connector.flows.report import PassReport
    from connector.flows.workspace import Workspace
    from connector.ports import Settlement
    from connector.sandbox.http import Request
    from tests.support.world import World


class Meddled:
    """A store where something else happens before intents are stored, their links having been loaded, or before
    outcomes are.
    """

    def __init__(self, store: Any, meddle: Callable[[Any], None], *, at: str = "begin") -> None:
        self._store = store
        self._meddle = meddle
        self._at = at

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name != self._at:
            return method

        def meddled(*given: Any) -> Any:
            self._meddle(given[-1])
            return method(*given)

        return meddled


@pytest.fixture
def shared(world: World) -> tuple[int, int]:
    """The shard of a product, and another one, where a quote of it is signalled."""
    shards = world.open().shards
    sold = b.product(world)
    own = shard_of(sold, shards)
    while (other := shard_of(b.quote(world, b.Offer(product=sold)), shards)) == own:
        pass
    return own, other


def opened(world: World) -> tuple[Workspace, Window]:
    """Everything read and signalled, and nothing looked at."""
    assert world.workspace is not None
    window = Window(world.workspace)
    read(world.workspace, window)
    return world.workspace, window


def test_the_one_that_comes_second_looks_again_and_nothing_is_made_twice(world: World, shared: tuple[int, int]) -> None:
    workspace, window = opened(world)
    own, other = shared
    drained = []

    def meddle(operations: list[Operation]) -> None:
        if not drained and any((each.kind, each.action) == ("product", "update") for each in operations):
            drained.append(drain_shard(workspace, window, own))

    drain_shard(replace(workspace, store=Meddled(workspace.store, meddle)), window, other)  # type: ignore[arg-type]
    assert drained[0].writes == 1, "the mark, before this shard stored its intent to write it"
    world.sync()
    assert len(world.stripe_list("/v1/products")) == 1
    assert len(world.stripe_list("/v1/quotes")) == len(b.rows(world, "SBQQ__Quote__c"))
    b.assert_still(world)


def test_what_a_drain_left_in_doubt_is_ended_by_the_next_one_and_by_nobody_while_it_is_at_work(
    world: World, shared: tuple[int, int]
) -> None:
    """The database goes away before the outcome is stored, and the process lives on."""
    workspace, window = opened(world)
    own, other = shared
    held = workspace.store.leases.acquire("service", holder="here", lease_s=60)
    beside: list[int] = []

    def drain(shard: int, trace_id: str, meddle: Callable[[Any], None] | None = None) -> PassReport:
        store: Any = workspace.store.fenced(held).traced(trace_id)
        if meddle is not None:
            store = Meddled(store, meddle, at="settle")
        return drain_shard(replace(workspace, store=store), window, shard, trace_id=trace_id)

    def lose(_settlements: Any) -> None:
        if not beside and workspace.store.load_unresolved():
            beside.append(drain(own, "beside").recovered)
            raise StoreAway("no answer")

    with pytest.raises(StoreAway):
        drain(other, "lost", lose)
    assert beside == [0], "the product is this shard's, its birth under way in the other one"
    assert drain(own, "after").recovered > 0
    world.sync()
    assert len(world.stripe_list("/v1/products")) == 1
    b.assert_still(world)


def test_a_drain_ends_although_others_never_cease_to_signal(world: World) -> None:
    """What came meanwhile is the next one's, which asks first what was paused and counts for itself."""
    product = b.product(world)
    b.quote(world, b.Offer(product=product))
    world.sync()
    workspace, window = opened(world)
    [mate] = [each["id"] for each in world.stripe_list("/v1/products")]
    key, shard = Key(side=Side.STRIPE, kind="product", id=mate), shard_of(product, workspace.shards)
    told = 0

    def signal(_seen: Any = None) -> None:
        nonlocal told
        told += told < 5
        if told < 5:
            workspace.store.record_signals([Signal(key=key, cause="webhook")], [], shard_of=lambda _signal: shard)

    def drain(store: Any) -> int:
        return drain_shard(replace(workspace, store=store), window, shard).looked_at

    drain(workspace.store)
    signal()
    assert drain(Meddled(workspace.store, signal, at="forget_signals")) == 1
    assert told == 2, "once before, once while it was looked at"
    assert drain(workspace.store) == 1
    assert drain(workspace.store) == 0


def test_what_never_ends_is_told(world: World, shared: tuple[int, int]) -> None:
    workspace, window = opened(world)

    def never(_operations: list[Operation]) -> None:
        raise LeaseLost("another worker moved this link on")

    with pytest.raises(LeaseLost, match="moved this link on"):
        drain_shard(replace(workspace, store=Meddled(workspace.store, never)), window, shared[1])  # type: ignore[arg-type]


def test_a_worker_that_was_replaced_does_not_look_again(world: World, shared: tuple[int, int]) -> None:
    workspace, window = opened(world)
    looks = []

    def replaced(_operations: list[Operation]) -> None:
        looks.append(1)
        raise Superseded("held by another process now")

    with pytest.raises(Superseded):
        drain_shard(replace(workspace, store=Meddled(workspace.store, replaced)), window, shared[1])  # type: ignore[arg-type]
    assert len(looks) == 1


def rest(workspace: Workspace, window: Window) -> None:
    """As a service works, until all that it read has been worked off."""
    read(workspace, window)
    while any(workspace.store.count_signals().values()):
        for shard in range(workspace.shards):
            drain_shard(workspace, window, shard)


def sell(world: World) -> None:
    b.quote(world, b.Offer(product=b.product(world)))


def test_the_first_sync_of_a_service_ends_when_nothing_waits_any_more(world: World, shared: tuple[int, int]) -> None:
    """From then on the limit of what may be made is that of every day."""
    workspace, window = opened(world)
    assert workspace.store.load_note(FIRST_SYNC_DONE) is None
    rest(workspace, window)
    read(workspace, window)
    assert workspace.store.load_note(FIRST_SYNC_DONE) is not None
    for _ in range(3):
        sell(world)
    limited = replace(workspace, limits=BrakeLimits(creates=Limit(at_least=1, percent=1)))
    with pytest.raises(Braked, match="would be created"):
        rest(limited, Window(limited))


def test_processes_count_together_what_they_write_and_a_new_one_does_not_begin_anew(
    world: World, shared: tuple[int, int]
) -> None:
    workspace, window = opened(world)
    rest(workspace, window)
    rest(workspace, window)
    made = len(world.stripe_list("/v1/products"))
    limited = replace(workspace, limits=BrakeLimits(creates=Limit(at_least=6, percent=1)))

    def go_on() -> None:
        for _ in range(8):
            sell(world)
            # started a moment ago, and knows nothing of the others
            rest(limited, Window(limited))

    with pytest.raises(Braked, match="would be created"):
        go_on()
    assert 0 < len(world.stripe_list("/v1/products")) - made <= 6


def test_nothing_is_sent_again_either_while_a_brake_is_on(world: World, shared: tuple[int, int]) -> None:
    """A write that got no reply was begun before the brake: it is ended once a person has looked."""
    workspace, window = opened(world)
    sent: list[str] = []

    def lose_replies(request: Request) -> Response | None:
        if request.method != "POST" or request.path != "/v1/products":
            return None
        sent.append(request.path)
        return Response(status=502, headers={}, body=b"")

    world.account.faults = lose_replies
    drain_shard(workspace, window, shared[0])
    assert workspace.store.load_unresolved()
    world.clock.advance(timedelta(minutes=10))
    brake = TrippedBrake(
        name=BrakeName.MASS_VOID, subject="", tripped_at=world.clock.now(), observed="9 voids", allowed="5", plan={}
    )
    workspace.store.brakes.trip([brake])
    before = len(sent)
    with pytest.raises(Braked):
        drain_shard(workspace, window, shared[0])
    assert len(sent) == before
    world.account.faults = None
    workspace.store.brakes.release(BrakeName.MASS_VOID, "", by="ann", reason="looked", at=world.clock.now())
    world.sync()
    assert len(world.stripe_list("/v1/products")) == 1
    b.assert_still(world)


@pytest.mark.parametrize("action", ["create", "add_lines", "finalize", "update"])
def test_a_command_beside_a_service_leaves_alone_what_that_has_under_way(world: World, action: str) -> None:
    """What looks unfinished is at work: given up or sent again, it would be refused, or its end not stored."""
    world.open()
    invoice = b.invoice(world)
    workspace, window = opened(world)
    held = workspace.store.leases.acquire("service", holder="here", lease_s=60)
    beside: list[PassReport] = []

    def command(settlements: list[Settlement]) -> None:
        ended = [each.operation for each in settlements if each.operation is not None]
        if not beside and any((each.kind, each.action) == ("invoice", action) for each in ended):
            beside.append(run_pass(workspace))

    store: Any = workspace.store.fenced(held).traced("drain")
    serving = replace(workspace, store=Meddled(store, command, at="settle"))  # type: ignore[arg-type]
    for shard in range(workspace.shards):
        drain_shard(serving, window, shard, trace_id="drain")
    assert [each.recovered for each in beside] == [0]
    world.sync()
    assert b.parked(world, "invoice") == {}
    assert b.the_one(world, "invoices", invoice)["status"] == "open"
    b.assert_still(world)


class _Capture:
    """A store that takes no intent for a product, and keeps what it was given."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.intended: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def begin(self, links: Any, operations: Any) -> Any:
        if {each.kind for each in operations} != {"product"}:
            return self._store.begin(links, operations)
        self.intended.append((links, operations))
        raise StoreAway("no answer")


class _Between:
    """A store where something happens before it is asked the first time what is unresolved."""

    def __init__(self, store: Any, happens: Callable[[], None]) -> None:
        self._store = store
        self._happens = [happens]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def load_unresolved(self, *given: Any) -> Any:
        while self._happens:
            self._happens.pop()()
        return self._store.load_unresolved(*given)


def test_a_write_begun_while_a_drain_looks_for_leftovers_is_none(world: World, shared: tuple[int, int]) -> None:
    """Met on a busy machine: it was asked first who is at what, and what began after that seemed to be nobody's."""
    workspace, window = opened(world)
    own, other = shared
    held = workspace.store.leases.acquire("service", holder="here", lease_s=60)
    capture: Any = _Capture(workspace.store)
    with pytest.raises(StoreAway):
        drain_shard(replace(workspace, store=capture), window, other)
    [(links, operations)] = capture.intended
    assert [link.shard for link in links] == [own]
    maker: Any = workspace.store.fenced(held).traced("maker")
    begun: list[Operation] = []

    with ExitStack() as at_work:

        def begin() -> None:
            at_work.enter_context(window.working("maker"))
            begun.extend(maker.begin(links, operations))

        store: Any = _Between(workspace.store.fenced(held).traced("beside"), begin)
        report = drain_shard(replace(workspace, store=store), window, own, paused=workspace.kinds(), trace_id="beside")
    assert report.recovered == 0
    assert [each.id for each in workspace.store.load_unresolved()] == [each.id for each in begun]
