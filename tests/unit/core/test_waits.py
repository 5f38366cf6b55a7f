"""Who waits for whom: circles are named with every member, and waits that nothing will end."""

from __future__ import annotations

from typing import Any

from connector.core.model import Key, Link, LinkState, Severity, Side
from connector.core.waits import CYCLE, STUCK, chain_of, cycles, findings_of, stuck


def _key(name: str, kind: str = "invoice") -> Key:
    return Key(side=Side.SALESFORCE, kind=kind, id=name)


def _waits(name: str, on: str) -> Link:
    return Link(born=_key(name), state=LinkState.WAITING, waiting_on=_key(on))


def _parents(*links: Link) -> dict[Key, Link]:
    return {link.born: link for link in links}


def _stuck(*links: Link, stopped: dict[str, str] | None = None, **parents: Link) -> Any:
    waiting = [link for link in links if link.state is LinkState.WAITING]
    return stuck(waiting, _parents(*links, *parents.values()), stopped or {})


def test_a_circle_is_found_once_and_begins_with_its_smallest_key() -> None:
    ring = [_waits("b", "c"), _waits("c", "a"), _waits("a", "b")]
    outside = _waits("z", "b")
    assert cycles([outside, *ring], _parents(*ring)) == [(_key("a"), _key("b"), _key("c"))]


def test_a_record_that_waits_for_itself_is_a_circle() -> None:
    link = _waits("a", "a")
    assert cycles([link], _parents(link)) == [(_key("a"),)]


def test_a_circle_is_an_error_that_names_every_member() -> None:
    ring = [_waits("a", "b"), _waits("b", "a")]
    [finding] = findings_of(cycles(ring, _parents(*ring)), [])
    assert (finding.code, finding.severity, finding.count) == (CYCLE, Severity.ERROR, 2)
    assert finding.observed.endswith("salesforce invoice a → salesforce invoice b → salesforce invoice a")


def test_who_waits_for_a_circle_is_not_told_twice() -> None:
    ring = [_waits("a", "b"), _waits("b", "a")]
    assert _stuck(_waits("z", "a"), *ring) == []


def test_a_parked_parent_is_told_with_its_reason_and_the_whole_chain() -> None:
    parent = Link(born=_key("root"), state=LinkState.PARKED, reason="no e-mail address")
    [found] = _stuck(_waits("child", "middle"), _waits("middle", "root"), root=parent)
    assert (found.root, found.why) == (_key("root"), "it is parked: no e-mail address")
    assert sorted(len(keys) for keys in found.chains) == [2, 3]
    [finding] = findings_of([], [found])
    assert (finding.code, finding.subject, finding.count) == (STUCK, "root", 2)
    assert "salesforce invoice child → salesforce invoice middle → salesforce invoice root" in finding.observed


def test_a_parent_nobody_follows_and_one_that_is_not_there() -> None:
    closed = Link(born=_key("closed"), state=LinkState.CLOSED, reason="discarded by kim")
    found = _stuck(_waits("a", "closed"), _waits("b", "nowhere"), closed=closed)
    assert [(item.root.id, item.why) for item in found] == [
        ("closed", "it is closed: discarded by kim"),
        ("nowhere", "it is not mirrored"),
    ]


def test_a_kind_that_must_not_run_is_the_reason_whatever_the_link_says() -> None:
    parent = Link(born=_key("root"))
    [found] = _stuck(_waits("a", "root"), stopped={"invoice": "a field is hidden"}, root=parent)
    assert found.why == "invoice must not run: a field is hidden"


def test_a_parent_that_is_being_made_is_only_a_matter_of_time() -> None:
    parent = Link(born=_key("root"), state=LinkState.OPEN)
    assert _stuck(_waits("a", "root"), root=parent) == []


def test_a_parent_known_by_its_mate_is_followed_by_its_own_key() -> None:
    there = Key(side=Side.STRIPE, kind="invoice", id="in_1")
    parent = Link(born=_key("root"), mate_id="in_1", state=LinkState.PARKED, reason="x")
    child = Link(born=_key("a"), state=LinkState.WAITING, waiting_on=there)
    keys, end = chain_of(child, {there: parent})
    assert (keys, end) == ((_key("a"), _key("root")), parent)


def test_a_long_list_is_shortened_and_counted() -> None:
    parent = Link(born=_key("root"), state=LinkState.PARKED, reason="x")
    [finding] = findings_of([], _stuck(*(_waits(f"c{n:03d}", "root") for n in range(100)), root=parent))
    assert finding.count == 100
    assert "and 80 more" in finding.observed
