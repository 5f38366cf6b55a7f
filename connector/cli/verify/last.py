"""The last whole verification, as `status` tells it: was everything ready, and what is open since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from connector.ports.verifying import VerifyMemory

#: checks named on the screen; `verify history --json` has all
_SHOWN = 6


def last_verification(memory: VerifyMemory) -> dict[str, Any] | None:
    """None when nothing was ever verified."""
    runs = memory.load_verifications(1)
    if not runs:
        return None
    report = runs[0].report
    return {
        "at": runs[0].at.isoformat(timespec="seconds"),
        "profile": runs[0].profile,
        "ready": report["summary"]["ready"],
        "open": {
            check["id"]: {"outcome": check["outcome"], "since": check["since"]}
            for check in report["checks"]
            if check["open"] and check["outcome"] != "warn"
        },
    }


def print_last(console: Console, last: dict[str, Any] | None) -> None:
    if last is None:
        console.print("Never verified: `connector verify` says what is missing and what to click.")
        return
    when = last["at"][:16].replace("T", " ")
    words = [f"{name} ({how['outcome']}{_since(how['since'])})" for name, how in last["open"].items()]
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    told = f": {', '.join(words[:_SHOWN])}{more}" if words else ""
    style = "" if last["ready"] else "bold red"
    console.print(f"Verified {when} (UTC): {'ready' if last['ready'] else 'not ready'}{told}", style=style)


def _since(moment: str | None) -> str:
    return "" if moment is None else f" since {moment[:10]}"
