"""What changed: the whole truth table of one field, and why a pair of values is remembered."""

from __future__ import annotations

from typing import Any

import pytest

from connector.core.codecs import BUILT_IN
from connector.core.diff import diff, judge, moved
from connector.core.mapping import FieldRule, Owner
from connector.core.model import Change, Side, Verdict

SALESFORCE, STRIPE = Side.SALESFORCE, Side.STRIPE
PUSH, DRIFT, CONFLICT = Verdict.PUSH, Verdict.DRIFT, Verdict.CONFLICT


def _rule(owner: Owner = Owner.SALESFORCE, **changes: Any) -> FieldRule:
    text = BUILT_IN["text"]
    settings: dict[str, Any] = {
        "name": "name",
        "salesforce": "Name",
        "stripe": "name",
        "salesforce_codec": text,
        "stripe_codec": text,
    }
    return FieldRule(owner=owner, **(settings | changes))


#: owner, what moved since the values (a, a) were seen -> verdict and target
TABLE = [
    (Owner.SALESFORCE, "neither", None),
    (Owner.SALESFORCE, "salesforce", (PUSH, STRIPE)),
    (Owner.SALESFORCE, "stripe", (DRIFT, STRIPE)),
    (Owner.SALESFORCE, "both", (PUSH, STRIPE)),
    (Owner.STRIPE, "neither", None),
    (Owner.STRIPE, "salesforce", (DRIFT, SALESFORCE)),
    (Owner.STRIPE, "stripe", (PUSH, SALESFORCE)),
    (Owner.STRIPE, "both", (PUSH, SALESFORCE)),
    (Owner.EITHER, "neither", None),
    (Owner.EITHER, "salesforce", (PUSH, STRIPE)),
    (Owner.EITHER, "stripe", (PUSH, SALESFORCE)),
    (Owner.EITHER, "both", (CONFLICT, STRIPE)),
]
MOVES = {"neither": ("a", "a"), "salesforce": ("b", "a"), "stripe": ("a", "b"), "both": ("b", "c")}


@pytest.mark.parametrize(("owner", "what", "verdict"), TABLE)
def test_a_field_seen_before(owner: Owner, what: str, verdict: object) -> None:
    x, y = MOVES[what]
    assert judge(_rule(owner), x, y, ("a", "a")) == verdict


@pytest.mark.parametrize(("owner", "what", "verdict"), TABLE)
def test_a_field_whose_sides_were_seen_to_differ(owner: Owner, what: str, verdict: object) -> None:
    """Stripe trims, Salesforce rounds: the two forms of one value are each compared with their own past."""
    x, y = MOVES[what]
    assert judge(_rule(owner), x, f"{y}'", ("a", "a'")) == verdict


@pytest.mark.parametrize("owner", list(Owner))
def test_sides_that_agree_need_nothing_whatever_was_seen(owner: Owner) -> None:
    for seen in (None, ("a", "a"), ("b", "a"), ("a", "b"), ("b", "c")):
        assert judge(_rule(owner), "a", "a", seen) is None


@pytest.mark.parametrize(("prefer", "target"), [(SALESFORCE, STRIPE), (STRIPE, SALESFORCE)])
def test_either_with_a_preference_settles_a_double_edit(prefer: Side, target: Side) -> None:
    assert judge(_rule(Owner.EITHER, prefer=prefer), "b", "c", ("a", "a")) == (PUSH, target)
    assert judge(_rule(Owner.EITHER, prefer=prefer), "b", "c", None) == (PUSH, target)


@pytest.mark.parametrize(
    ("owner", "x", "y", "verdict"),
    [
        (Owner.SALESFORCE, "x", "y", (PUSH, STRIPE)),
        (Owner.SALESFORCE, None, "y", (PUSH, STRIPE)),
        (Owner.STRIPE, "x", "y", (PUSH, SALESFORCE)),
        (Owner.STRIPE, "x", None, (PUSH, SALESFORCE)),
        (Owner.EITHER, None, "y", (PUSH, SALESFORCE)),
        (Owner.EITHER, "x", None, (PUSH, STRIPE)),
        (Owner.EITHER, "x", "y", (CONFLICT, STRIPE)),
    ],
)
def test_first_sight(owner: Owner, x: str | None, y: str | None, verdict: object) -> None:
    """Nothing is remembered: the owner is right, and between equals an empty side takes the filled one."""
    assert judge(_rule(owner), x, y, None) == verdict


@pytest.mark.parametrize(
    ("owner", "x", "y", "copy"), [(Owner.SALESFORCE, "a", "b", STRIPE), (Owner.STRIPE, "b", "a", SALESFORCE)]
)
def test_on_drift_revert_puts_the_copy_right(owner: Owner, x: str, y: str, copy: Side) -> None:
    assert judge(_rule(owner, on_drift="revert"), x, y, ("a", "a")) == (PUSH, copy)


@pytest.mark.parametrize("owner", list(Owner))
@pytest.mark.parametrize("seen", [None, ("a", "a"), ("b", "c")])
def test_a_checked_field_is_never_pushed(owner: Owner, seen: tuple[str, str] | None) -> None:
    assert judge(_rule(owner, check=True), "b", "c", seen) == (CONFLICT, STRIPE)


def test_diff_names_the_moved_fields_in_the_order_of_the_rules() -> None:
    rules = [_rule(name=name) for name in ("b", "a", "same", "once", "one_sided")]
    rules[3] = _rule(name="once", create_only=True)
    salesforce = {"a": "2", "b": "2", "same": "1", "once": "2", "one_sided": "2"}
    stripe = {"a": "1", "b": "1", "same": "1", "once": "1"}
    changes = diff(rules, salesforce=salesforce, stripe=stripe, shadow=dict.fromkeys(salesforce, ("1", "1")))
    assert changes == tuple(
        Change(field=name, verdict=PUSH, target=STRIPE, salesforce="2", stripe="1") for name in ("b", "a")
    )


def test_moved_compares_a_side_with_its_own_past_only() -> None:
    rules = [_rule(name="a"), _rule(name="once", create_only=True)]
    shadow = {"a": ("x", "x'")}
    assert not moved(rules, SALESFORCE, {"a": "x", "once": "new"}, shadow)
    assert not moved(rules, STRIPE, {"a": "x'"}, shadow)
    assert moved(rules, SALESFORCE, {"a": "y"}, shadow)
    assert moved(rules, STRIPE, {"a": "x"}, shadow)
    assert moved(rules, SALESFORCE, {"a": "x"}, {}), "never seen counts as moved"


def _rounds(*, pair: bool) -> list[tuple[Verdict, Side]]:
    """Twenty passes over a field that Stripe keeps trimmed and Salesforce keeps as typed."""
    rule = _rule(Owner.EITHER, prefer=SALESFORCE)
    salesforce, stripe = "Acme ", "Acme"
    seen = (salesforce, stripe) if pair else (stripe, stripe)
    pushes = []
    for _ in range(20):
        verdict = judge(rule, salesforce, stripe, seen)
        if verdict is None:
            continue
        pushes.append(verdict)
        # what is pushed is stored in each system's own form; then one value, or both, are remembered
        sent = salesforce
        seen = (salesforce, stripe) if pair else (sent.strip(), sent.strip())
    return pushes


def test_with_one_shared_value_a_copy_would_ping_pong() -> None:
    """The ablation: the same field, remembered once and remembered per side."""
    assert len(_rounds(pair=False)) == 20
    assert _rounds(pair=True) == []
