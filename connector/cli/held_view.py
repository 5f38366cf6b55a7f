"""What failed and is tried again by itself: how many records, why, and when the next attempt may be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.model import FailureClass
from connector.core.retry import read_failed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from connector.ports import Store

_WORDS: Final = {
    FailureClass.UNREACHABLE: "cannot be reached",
    FailureClass.TRANSIENT: "is in trouble",
    FailureClass.ROW_LOCK: "has the record locked",
    FailureClass.THROTTLED: "asks to wait",
    FailureClass.QUOTA: "has used up the day's calls",
    FailureClass.AMBIGUOUS: "gave no trustworthy answer",
}


def held_back(store: Store) -> list[dict[str, Any]]:
    """One entry per kind and failure, the next attempt first; part of documented `--json` answers."""
    return [
        {"kind": each.kind, "code": each.code, "count": each.count, "next_attempt_at": each.next_at.isoformat()}
        for each in store.load_held_back()
    ]


def print_held(console: Console, groups: Iterable[dict[str, Any]]) -> None:
    """Nothing when nothing is held back."""
    groups = list(groups)
    if not groups:
        return
    total, first = sum(group["count"] for group in groups), _minute(groups[0]["next_attempt_at"])
    console.print(f"Held back after a failure: {total}, tried again by the passes from {first} on", style="bold")
    for group in groups:
        failed = read_failed(group["code"])
        why = f"{failed.to.value} {_WORDS[failed.failure]} ({failed.code})"
        console.print(f"  {group['kind']}  {group['count']}  {why}, next {_minute(group['next_attempt_at'])}")


def _minute(moment: str) -> str:
    return f"{moment[:19].replace('T', ' ')} UTC"
