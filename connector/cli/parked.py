"""What waits for a person: parked records, counted per reason, with an example of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from connector.core.model import Link
    from connector.ports import Store

_PAGE: Final = 1000


def parked_groups(store: Store, kinds: Iterable[str]) -> list[dict[str, Any]]:
    """One entry per reason code, most records first."""
    groups: dict[str, list[Any]] = {}
    for kind in kinds:
        for link in _parked(store, kind):
            group = groups.setdefault(link.reason_code or f"{kind}.parked", [link, 0])
            group[1] += 1
    ordered = sorted(groups.items(), key=lambda item: (-item[1][1], item[0]))
    return [
        {"code": code, "count": count, "example": {"kind": link.kind, "id": link.born.id, "reason": link.reason}}
        for code, (link, count) in ordered
    ]


def _parked(store: Store, kind: str) -> Iterator[Link]:
    after = ""
    while page := store.load_links_in(kind=kind, states=["parked"], limit=_PAGE, after_born_id=after):
        yield from page
        after = page[-1].born.id


def print_parked(console: Console, groups: Iterable[dict[str, Any]]) -> None:
    """Nothing when nothing is parked."""
    groups = list(groups)
    if groups:
        console.print("Parked: nothing more is written for these until a person corrects them", style="bold")
    for group in groups:
        example = group["example"]
        console.print(f"  {group['code']}  ({group['count']})", style="yellow")
        console.print(f"    e.g. {example['kind']} {example['id']}: {example['reason']}")
