"""A verification in a terminal: one line per check, the details of what is open, what is left at the end."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from connector.cli.verify.words import SYMBOLS, counts, how_long, label, news, side_words, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
_EVIDENCE_MAX: Final = 5
_INDENT: Final = "     "
#: below this a line is not wrapped any more, it only gets worse
_NARROWEST: Final = 40


def print_report(console: Console, report: Report) -> None:
    width = max(_NARROWEST, console.width)
    for name in ("Salesforce", "Stripe"):
        _print_side(console, name, report[name.lower()], width)
    if report["profile"]["title"]:
        console.print(f"Profile     {report['profile']['id']}: {report['profile']['title']}", style="dim")
    unreached = _unreached(report)
    for topic, checks in groupby(report["checks"], key=lambda check: check["topic"]):
        console.print()
        console.print(topic, style="bold")
        for check in checks:
            _print_check(console, check, report, width, brief=check["side"] in unreached)
    console.print()
    _print_closing(console, report, width)


def _print_side(console: Console, name: str, side: Mapping[str, Any] | None, width: int) -> None:
    reached = side is not None and side["reached"]
    for line in _wrapped(f"{name:<11} {side_words(name, side)}", width, " " * 12):
        console.print(line, style="bold" if reached else "bold magenta")
    if side is not None and not reached:
        _print_detail(console, "Fix", side["fix"] or "", width)


def _unreached(report: Report) -> set[str]:
    """Sides nobody could look at: their checks need not repeat why."""
    return {side for side in ("salesforce", "stripe") if report[side] is not None and not report[side]["reached"]}


def _print_check(console: Console, check: Mapping[str, Any], report: Report, width: int, *, brief: bool) -> None:
    style = _style(check)
    brief = brief and check["outcome"] == "unknown"
    words = "" if brief else f": {check['observed']}"
    marks = "  ".join(part for part in (label(check), how_long(check, report)) if part)
    line = f" {SYMBOLS[check['outcome']]} {check['id']:<11} {check['title']}{words}"
    room = width - len(marks) - 2 if marks else width
    rows = list(_wrapped(line, room, " " * 15))
    for number, row in enumerate(rows):
        text = Text(row, style=style)
        if number == 0 and marks:
            text.append(" " * max(2, min(width, 110) - len(row) - len(marks)) + marks, style=f"bold {style}")
        console.print(text)
    if check["accepted"] is not None:
        risk = check["accepted"]
        words = f"{risk['owner']}, until {risk['expires']}: {risk['reason']}"
        _print_detail(console, "Accepted", words, width)
    elif check["open"] and not brief:
        _print_details(console, check, width)


def _print_details(console: Console, check: Mapping[str, Any], width: int) -> None:
    if check["outcome"] == "crashed":
        _print_detail(console, "Fix", "this is a bug of connector: report it with this line", width)
        return
    if check["lapsed"] is not None:
        risk = check["lapsed"]
        words = f"was accepted by {risk['owner']} until {risk['expires']}, which has passed ({risk['where']})"
        _print_detail(console, "Accepted", words, width)
    _print_detail(console, "Expected", check["expected"], width)
    _print_detail(console, "Why", check["why"], width)
    _print_detail(console, "Fix", check["fix"], width)
    if check["link"]:
        _print_detail(console, "Setup", check["link"], width)
    if check["attest"]:
        _print_detail(console, "Look at", check["attest"], width)
        _print_detail(
            console, "Then", f"connector verify attest {check['id']} --by NAME --note TEXT --expires DAY", width
        )
    evidence: Sequence[str] = check["evidence"]
    asked = "Asked" if check["outcome"] == "unknown" else "Seen"
    for number, fact in enumerate(evidence[:_EVIDENCE_MAX]):
        _print_detail(console, asked if number == 0 else "", fact, width)
    if len(evidence) > _EVIDENCE_MAX:
        _print_detail(console, "", f"… and {len(evidence) - _EVIDENCE_MAX} more (--json and --html have all)", width)


def _print_detail(console: Console, name: str, words: str, width: int) -> None:
    for line in _wrapped(f"{_INDENT}{name:<9} {words}", width, " " * 15):
        text = Text(line)
        text.stylize("bold", 0, len(_INDENT) + len(name))
        console.print(text)


def _print_closing(console: Console, report: Report, width: int) -> None:
    summary = report["summary"]
    first, *rest = verdict(report)
    ready = summary["ready"] and bool(report["checks"])
    style = "bold green" if ready else "bold red" if summary["fails"] else "bold yellow"
    console.print(f"{SYMBOLS['pass'] if ready else SYMBOLS['fail'] if summary['fails'] else '?'} {first}.", style=style)
    for line in rest:
        for row in _wrapped(f"  {line}", width, "    "):
            console.print(row)
    calls = " and ".join(f"{number} {side.capitalize()}" for side, number in summary["api_calls"].items())
    took = f"{summary['seconds']:.1f} s" + (f", {calls} calls" if calls else "")
    for row in _wrapped(f"{counts(report)}      {took}", width, "  "):
        console.print(row)
    if news(report):
        for row in _wrapped(news(report), width, "  "):
            console.print(row, style="bold")
    if summary["without_memory"]:
        for row in _wrapped(f"Without memory: {summary['without_memory']}", width, "  "):
            console.print(row, style="yellow")


def _style(check: Mapping[str, Any]) -> str:
    if check["accepted"] is not None:
        return "dim"
    if check["outcome"] == "fail":
        return {"blocker": "bold red", "error": "red"}.get(check["severity"], "yellow")
    return _STYLES[check["outcome"]]


def _wrapped(words: str, width: int, indent: str) -> Iterator[str]:
    """At least one line; a long word (an address) is never broken."""
    yield from textwrap.wrap(
        words, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
        drop_whitespace=True, replace_whitespace=True,
    ) or [""]  # fmt: skip
