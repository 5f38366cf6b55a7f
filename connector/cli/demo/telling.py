"""The demo's words: part of the result for people, of the progress with --json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(slots=True, kw_only=True)
class Telling:
    console: Console

    def chapter(self, title: str) -> None:
        self.console.print(f"\n▸ {title}", style="bold cyan")

    def line(self, text: str, style: str | None = None) -> None:
        self.console.print(f"  {text}", style=style)
