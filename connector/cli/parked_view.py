"""Parked records for people: groups, one record, and what a decision about them would do."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from connector.cli.plan_view import print_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from connector.core.currencies import CurrencyTable
    from connector.core.plan import Plan

#: entries of one kind and action that a preview lists; the summary counts all
_LISTED: Final = 5


def print_list(console: Console, answer: Mapping[str, Any], *, now: datetime) -> None:
    if not answer["groups"]:
        console.print("Nothing is parked.")
    for group in answer["groups"]:
        _print_title(console, group)
        _print_cause(console, group, now=now)
        example = group["example"]
        console.print(f"    e.g. {example['kind']} {example['id']}: {example['reason']}")
    for wait in answer["waiting_in_vain"]:
        console.print(f"{wait['count']} waiting for {wait['on']}", style="bold yellow")
        console.print(f"    {wait['why']}")
        console.print(f"    {' → '.join(wait['chain'])}", style="dim")
    for circle in answer["circles"]:
        console.print(f"These wait for each other: {' → '.join([*circle, circle[0]])}", style="bold red")
    if answer["groups"]:
        console.print(
            "Next: `connector parked show GROUP`, then `connector parked retry --group GROUP --reason ...` once it is "
            "corrected, or `connector parked discard`",
            style="dim",
        )


def _print_title(console: Console, group: Mapping[str, Any]) -> None:
    console.print(f"{group['group']}  {group['code']}  ({group['count']})", style="bold yellow")


def _print_cause(console: Console, group: Mapping[str, Any], *, now: datetime | None) -> None:
    condition = group["condition"]
    about = f": {condition['subject']}" if condition["subject"] else ""
    console.print(f"    {condition['type'].replace('_', ' ')}{about}")
    if condition["wanted"]:
        console.print(f"    released when {condition['wanted']}")
    times = []
    if group["since"] is not None:
        times.append(f"since {_moment(group['since'])}")
    if group["next_look"] is not None:
        soon = now is not None and datetime.fromisoformat(group["next_look"]) <= now
        times.append(
            f"looked at again {'by the next pass' if soon else 'by itself after ' + _moment(group['next_look'])}"
        )
    if times:
        console.print(f"    {', '.join(times)}", style="dim")


def _moment(text: str) -> str:
    return f"{text[:16].replace('T', ' ')} UTC"


def print_shown(console: Console, answer: Mapping[str, Any]) -> None:
    for group in answer["groups"]:
        _print_title(console, group)
        _print_cause(console, group, now=None)
    for record in answer["records"]:
        mate = f" ↔ {record['mate']}" if record["mate"] else ""
        since = "" if record["since"] is None else f", since {_moment(record['since'])}"
        console.print(f"{record['kind']} {record['id']}{mate}{since}", style="bold")
        console.print(f"  {record['reason']}")
        if record["released_by"]:
            console.print(f"  looked at again when {record['released_by']} changes")
        if record["looks"]:
            console.print(f"  looked at by itself {record['looks']} times in vain", style="dim")
        for chain in record["waiting_for_it"]:
            console.print(f"  waits for it: {' → '.join(chain)}", style="yellow")
        if len(answer["records"]) == 1:
            for row in record["history"]:
                console.print(f"  {row['at'][:19]}  {row['event']}", style="dim")
    if answer["more"]:
        console.print(f"… and {answer['more']} more", style="dim")


def print_preview(console: Console, preview: Mapping[str, Any], plan: Plan, currencies: CurrencyTable) -> None:
    print_plan(console, plan, currencies=currencies, stopped={}, entries_max=_LISTED)
    console.print(
        f"Looking again at {preview['chosen']} parked records: {preview['writes']} writes begin, "
        f"{len(preview['parked'])} stay parked, {len(preview['waiting'])} wait",
        style="bold",
    )


def print_discard(console: Console, preview: Mapping[str, Any]) -> None:
    for group in preview["groups"]:
        _print_title(console, group)
        console.print(f"    e.g. {group['example']['kind']} {group['example']['id']}: {group['example']['reason']}")
    console.print(f"Leaving out {preview['chosen']} records until they change where they were born", style="bold")
    for title, keys in (
        ("exist on both sides; what is there stays as it is", preview["on_both_sides"]),
        ("wait for them, and will go on waiting", preview["waiting_for_them"]),
    ):
        if keys:
            more = f" and {len(keys) - _LISTED} more" if len(keys) > _LISTED else ""
            console.print(f"  {len(keys)} {title}: {', '.join(keys[:_LISTED])}{more}", style="yellow")
