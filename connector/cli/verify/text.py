"""A verification in a terminal: one line per check, the details of what is open, what is left at the end."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from connector.cli.verify.words import (
    SYMBOLS,
    counts,
    details,
    effort,
    how_long,
    label,
    news,
    side_words,
    unreached,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    Report = Mapping[str, Any]

_STYLES: Final = {
    "pass": "green",
    "warn": "yellow",
    "unknown": "magenta",
    "manual": "cyan",
    "not_applicable": "dim",
    "crashed": "bold red",
}
#: below this a line is not wrapped any more, it only gets worse
_NARROWEST: Final = 40
#: labels stand no further right than this, or nobody sees to which line they belong
_WIDEST: Final = 120
#: below this a label stands behind its title, not at the right
_ROOMY: Final = 90
_ENDLESS: Final = 10_000


def print_report(console: Console, report: Report) -> None:
    """The width is the terminal's; lines that go into a pipe are not broken."""
    page = _Page(
        console=console,
        report=report,
        width=max(_NARROWEST, console.width) if console.is_terminal or "COLUMNS" in os.environ else _ENDLESS,
        id_width=max((len(check["id"]) for check in report["checks"]), default=0),
    )
    page.print_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    console: Console
    report: Report
    width: int
    id_width: int

    def print_all(self) -> None:
        for name in ("Salesforce", "Stripe"):
            self._print_side(name, self.report[name.lower()])
        profile = self.report["profile"]
        self._lines(f"{'Profile':<11} {profile['id']}: {profile['title']}", 12, style="dim")
        for topic, checks in groupby(self.report["checks"], key=lambda check: check["topic"]):
            self.console.print()
            self.console.print(topic, style="bold")
            for check in checks:
                self._print_check(check)
        self.console.print()
        self._print_closing()

    def _print_side(self, name: str, side: Mapping[str, Any] | None) -> None:
        reached = side is not None and side["reached"]
        self._lines(f"{name:<11} {side_words(name, side)}", 12, style="bold" if reached else "bold magenta")
        if side is not None and not reached and side["fix"]:
            self._lines(f"{'':<11} Fix: {side['fix']}", 12)

    def _print_check(self, check: Mapping[str, Any]) -> None:
        style = _style(check)
        start = f" {SYMBOLS[check['outcome']]} {check['id']:<{self.id_width}}  "
        marks = "  ".join(part for part in (label(check), how_long(check, self.report)) if part)
        if not marks:
            self._print_quiet(check, start, style)
            return
        if self.width < _ROOMY:
            for row in self._wrap(f"{start}{check['title']} [{marks}]", len(start)):
                self.console.print(row, style=style)
            self._print_details(check, len(start))
            return
        title = self._wrap(f"{start}{check['title']}", len(start), room=self.width - len(marks) - 2)
        for number, row in enumerate(title):
            line = Text(row, style=style)
            if number == 0:
                gap = max(2, min(self.width, _WIDEST) - len(row) - len(marks))
                line.append(" " * gap + marks, style=f"bold {style}".replace("bold bold", "bold"))
            self.console.print(line)
        self._print_details(check, len(start))

    def _print_quiet(self, check: Mapping[str, Any], start: str, style: str) -> None:
        """In order, or not applicable: what was seen stands behind the title."""
        head = f"{start}{check['title']}"
        for number, row in enumerate(self._wrap(f"{head}: {check['observed']}", len(start))):
            line = Text(row)
            line.stylize("dim", len(head) if number == 0 else 0)
            line.stylize(style, 0, len(start) if style != "dim" else len(row))
            self.console.print(line)

    def _print_details(self, check: Mapping[str, Any], indent: int) -> None:
        for name, words in details(check, silent=unreached(self.report)):
            self._detail(name, words, indent)

    def _detail(self, name: str, words: str, indent: int) -> None:
        for number, row in enumerate(self._wrap(f"{'':<{indent}}{name:<9} {words}", indent + 10)):
            line = Text(row)
            if number == 0:
                line.stylize("bold", indent, indent + len(name))
            self.console.print(line)

    def _lines(self, words: str, indent: int, *, style: str = "") -> None:
        for row in self._wrap(words, indent):
            self.console.print(row, style=style)

    def _wrap(self, words: str, indent: int, *, room: int | None = None) -> list[str]:
        """At least one line; a long word (an address) is never broken."""
        width = self.width if room is None else room
        hang = indent if width - indent >= _NARROWEST // 2 else 5
        return textwrap.wrap(
            words, width, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False
        ) or [""]

    def _print_closing(self) -> None:
        summary = self.report["summary"]
        first, *rest = verdict(self.report)
        ready = summary["ready"] and bool(self.report["checks"])
        tone = "bold green" if ready else "bold red" if summary["fails"] else "bold yellow"
        sign = SYMBOLS["pass" if ready else "fail" if summary["fails"] else "unknown"]
        self._lines(f"{sign} {first}.", 2, style=tone)
        for line in rest:
            self._lines(f"  {line}", 4)
        self._lines(f"{counts(self.report)}      {effort(summary)}", 2)
        if news(self.report):
            self._lines(news(self.report), 2, style="bold")
        if summary["without_memory"]:
            self._lines(f"Without memory: {summary['without_memory']}", 2, style="yellow")


def _style(check: Mapping[str, Any]) -> str:
    if check["accepted"] is not None:
        return "dim"
    if check["outcome"] == "fail":
        return {"blocker": "bold red", "error": "red"}.get(check["severity"], "yellow")
    return _STYLES[check["outcome"]]
