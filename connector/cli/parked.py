"""What waits for a person: parked records, in groups of one normalised cause, with an example of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.core.conditions import Group, group_of
from connector.flows.parked import load_parked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from connector.core.model import Link
    from connector.ports import Store


def parked_groups(store: Store, kinds: Iterable[str]) -> list[dict[str, Any]]:
    """One entry per cause, most records first."""
    return groups_of(load_parked(store, kinds))


def groups_of(links: Iterable[Link]) -> list[dict[str, Any]]:
    """As `parked_groups`, of these parked links."""
    groups: dict[Group, list[Link]] = {}
    for link in links:
        groups.setdefault(group_of(link), []).append(link)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [_group(group, members) for group, members in ordered]


def _group(group: Group, members: list[Link]) -> dict[str, Any]:
    example = members[0]
    since = [link.parked_at for link in members if link.parked_at is not None]
    looks = [moment for link in members if link.condition is not None and (moment := link.condition.look_at)]
    return {
        "group": group.id,
        "kind": group.kind,
        "code": group.code,
        "condition": {
            "type": group.type,
            "subject": group.subject,
            "wanted": None if example.condition is None else example.condition.wanted,
        },
        "count": len(members),
        "on_both_sides": sum(link.mate_id is not None for link in members),
        "since": min(since).isoformat() if since else None,
        "next_look": min(looks).isoformat() if looks else None,
        "example": {"kind": example.kind, "id": example.born.id, "reason": example.reason},
    }


def print_parked(console: Console, groups: Iterable[dict[str, Any]]) -> None:
    """Nothing when nothing is parked."""
    groups = list(groups)
    if groups:
        console.print("Parked: nothing more is written for these until a person corrects them", style="bold")
    for group in groups:
        example = group["example"]
        console.print(f"  {group['code']}  ({group['count']})", style="yellow")
        console.print(f"    e.g. {example['kind']} {example['id']}: {example['reason']}")
    if groups:
        console.print("  `connector parked list` says what would release them", style="dim")
