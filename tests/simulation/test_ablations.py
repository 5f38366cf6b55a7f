"""Each rule of recovery taken away in turn: the oracle must notice, else it proves nothing (architecture.md 4).

The same story every time: the process dies when Stripe has carried out a create and the reply is not
read yet. With all rules in place it ends well; with one of them broken it must not.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from connector.core import settle
from connector.core.model import Side
from connector.flows import recover
from connector.stripe.writes import Writer
from tests.simulation.test_death import build, oracle, run_to_rest
from tests.support import builders as b
from tests.support.killing import Fate, Killed

if TYPE_CHECKING:
    from pathlib import Path

    from connector.core.model import Applied, Link, Operation
    from tests.support.world import World

CREATES = ["/v1/customers", "/v1/products", "/v1/invoices"]
#: an invoice has a second guard: Stripe refuses its number the second time, and its mark is found by the poll
UNGUARDED = ["/v1/customers", "/v1/products"]
NEXT_HOUR, KEYS_PRUNED = timedelta(hours=1), timedelta(days=3)


def _dies_before_the_reply(folder: Path, path: str) -> World:
    """Stripe has made the record; we do not know."""
    world = build(folder)
    alive = build(folder / "alive")
    alive.sync()
    alive.close()
    world.fate = Fate(alive.fate.moments.index(f"after POST {path}") + 1)
    with pytest.raises(Killed):
        world.sync()
    world.close()
    return world


def _ends_well(world: World) -> None:
    """The oracle of the death tests; and what people edited arrives, and nobody is told of edits nobody made."""
    run_to_rest(world)
    oracle(world)
    for customer in world.stripe_list("/v1/customers"):
        account = world.org.get("Account", customer["metadata"]["salesforce_id"])
        assert customer["name"] == account["Name"], "an edit was lost"
    assert not [code for code in b.findings(world) if code.startswith("drift.")], "somebody else's edit was made up"
    world.close()


def _is_caught(world: World) -> None:
    with pytest.raises(AssertionError, match=r"doubled|an edit was lost|made up"):
        _ends_well(world)
    world.close()


@pytest.mark.parametrize("later", [NEXT_HOUR, KEYS_PRUNED], ids=["keys live", "keys pruned"])
@pytest.mark.parametrize("path", CREATES)
def test_with_all_rules_the_story_ends_well(tmp_path: Path, path: str, later: timedelta) -> None:
    world = _dies_before_the_reply(tmp_path, path)
    world.org.update("Account", world.org.ids("Account")[0], {"Name": "Acme SE"})
    world.clock.advance(later)
    _ends_well(world)


@pytest.mark.parametrize("path", UNGUARDED)
def test_a_key_of_the_process_instead_of_the_intent_is_caught(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = _dies_before_the_reply(tmp_path, path)
    plan, fresh = Writer._plan, count()

    def with_a_key_of_its_own(self: Writer, operation: Operation) -> Any:
        step, call = plan(self, operation)
        if call.idempotency_key is not None:
            object.__setattr__(call, "idempotency_key", f"random-{next(fresh)}")
        return step, call

    monkeypatch.setattr(Writer, "_plan", with_a_key_of_its_own)
    world.clock.advance(NEXT_HOUR)
    _is_caught(world)


@pytest.mark.parametrize("path", UNGUARDED)
def test_no_look_up_once_the_key_is_pruned_is_caught(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = _dies_before_the_reply(tmp_path, path)
    monkeypatch.setattr(recover, "may_resend", lambda *_: True)
    world.clock.advance(KEYS_PRUNED)
    _is_caught(world)


@pytest.mark.parametrize("later", [NEXT_HOUR, KEYS_PRUNED], ids=["keys live", "keys pruned"])
def test_settling_from_a_later_read_is_caught(
    tmp_path: Path, later: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = _dies_before_the_reply(tmp_path, "/v1/customers")
    world.org.update("Account", world.org.ids("Account")[0], {"Name": "Acme SE"})
    applied = settle.applied

    def from_a_later_read(mapping: Any, link: Link, operation: Operation, outcome: Applied, context: Any) -> Link:
        settled = applied(mapping, link, operation, outcome, context)
        if (operation.kind, operation.action) == ("customer", "create"):
            now = world.org.get("Account", link.born.id)["Name"]
            there = world.stripe_api("GET", f"/v1/customers/{outcome.target_id}")["name"]
            object.__setattr__(settled, "shadow", {**settled.shadow, "name": (now, there)})
        return settled

    monkeypatch.setattr(settle, "applied", from_a_later_read)
    world.clock.advance(later)
    _is_caught(world)


def test_one_shadow_for_both_sides_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe keeps no shipping name without an address: remembered as if it did, the copy looks edited."""
    applied = settle.applied

    def shared(mapping: Any, link: Link, operation: Operation, outcome: Applied, context: Any) -> Link:
        settled = applied(mapping, link, operation, outcome, context)
        if operation.target is Side.STRIPE:
            one = {name: (pair[0], pair[0]) for name, pair in settled.shadow.items()}
            object.__setattr__(settled, "shadow", one)
        return settled

    monkeypatch.setattr(settle, "applied", shared)
    _is_caught(build(tmp_path))
