"""How much a pass may do before a brake stops it, for people and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from connector.config.brake_limits import BrakeSettings


def brakes_answer(brakes: BrakeSettings, *, files: Iterable[object]) -> dict[str, Any]:
    """Part of `config show --json`."""
    limits = [
        {"name": name, "value": value, "source": brakes.sources.get(name, "default")}
        for name, value in brakes.numbers().items()
    ]
    return {"files": [str(file) for file in files], "limits": limits}


def print_brakes(console: Console, answer: dict[str, Any]) -> None:
    console.print(f"\nBrakes ({', '.join(answer['files'])})", style="bold")
    width = max(len(row["name"]) for row in answer["limits"])
    for row in answer["limits"]:
        console.print(f"{row['name']:<{width}}  {row['value']:>8}  {row['source']}")
