"""quote, with `mirror_drafts`: what is not presented yet is a draft at Stripe, and follows its quote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.world import World

QUOTE = "SBQQ__Quote__c"


def _draft_pack(tmp_path: Path) -> Path:
    return b.pack_with(
        tmp_path,
        "quote",
        ("    Draft: absent\n", "    Draft: draft\n"),
        ("mirror_drafts: false", "mirror_drafts: true"),
    )


def test_a_draft_is_mirrored_as_a_draft_by_setting(make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_world(pack_folder=_draft_pack(tmp_path))
    quote = b.quote(world, status="Draft")
    world.sync()
    found = b.the_one(world, "quotes", quote)
    assert (found["status"], found["amount_total"]) == ("draft", 10_000)
    assert world.org.get(QUOTE, quote)["Stripe_Status__c"] == "draft"
    b.assert_still(world)
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Presented"})
    world.sync()
    assert b.the_one(world, "quotes", quote)["status"] == "open"
    b.assert_still(world)


def test_a_draft_whose_lines_move_follows_them(make_world: Callable[..., World], tmp_path: Path) -> None:
    """A draft is not a promise yet: the copy is made anew with what the quote says now."""
    world = make_world(pack_folder=_draft_pack(tmp_path))
    quote = b.quote(world, status="Draft")
    world.sync()
    [line] = world.org.ids("SBQQ__QuoteLine__c")
    world.org.update("SBQQ__QuoteLine__c", line, {"SBQQ__NetPrice__c": 80})
    world.sync()
    live = [found for found in b.at_stripe(world, "quotes", quote) if found["status"] == "draft"]
    assert [found["amount_total"] for found in live] == [8_000]
    b.assert_still(world)
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Presented"})
    world.sync()
    live = [found for found in b.at_stripe(world, "quotes", quote) if found["status"] != "canceled"]
    assert [(found["status"], found["amount_total"]) for found in live] == [("open", 8_000)]
    assert b.parked(world, "quote") == {}
    b.assert_still(world)


def test_a_presented_quote_moved_back_to_draft_is_a_draft_again(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(pack_folder=_draft_pack(tmp_path))
    quote = b.quote(world)
    world.sync()
    first = b.the_one(world, "quotes", quote)["id"]
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Draft"})
    world.sync()
    again, old = b.at_stripe(world, "quotes", quote)
    assert (old["id"], old["status"], again["status"]) == (first, "canceled", "draft")
    b.assert_still(world)


def test_a_draft_that_is_denied_is_cancelled(make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_world(pack_folder=_draft_pack(tmp_path))
    quote = b.quote(world, status="Draft")
    world.sync()
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Denied"})
    world.sync()
    assert b.the_one(world, "quotes", quote)["status"] == "canceled"
    b.assert_still(world)
