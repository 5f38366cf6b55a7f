"""A plan for people, as terraform prints one: a diff per record, dangerous lines last and red."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from connector.cli.report_view import print_not_mirrored
from connector.core.money import format_minor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console

    from connector.core.currencies import CurrencyTable
    from connector.core.plan import FieldChange, Plan, PlanEntry, PlanLine

_LONGEST_VALUE: Final = 100
_LONGEST_DESCRIPTION: Final = 60
#: lines of one document that are shown; `--json` and the saved plan hold all
_LINES_MAX: Final = 10
#: how Stripe names parameters that are moments, and a number that only a moment can be there (September 2001)
_MOMENTS: Final = ("_at", "_date", ".start", ".end")
_MOMENTS_FROM: Final = 1_000_000_000
_OTHER_SIDE: Final = {"salesforce": "Stripe", "stripe": "Salesforce"}
_NAMES: Final = {"salesforce": "Salesforce", "stripe": "Stripe"}


def print_plan(
    console: Console,
    plan: Plan,
    *,
    currencies: CurrencyTable,
    stopped: Mapping[str, str],
    saved: Mapping[str, Any] | None = None,
    entries_max: int | None = None,
) -> None:
    """`entries_max` shortens the list to so many entries per kind and action, and says what was left out."""
    shown, left_out = _shorten(plan, entries_max)
    for entry in shown:
        _print_entry(console, entry, currencies)
    for (kind, action), count in left_out.items():
        console.print(f"  … and {count} more: {action} {kind}", style="dim")
    for title, pairs in (("waits", plan.waiting), ("parked", plan.parked)):
        for key, reason in pairs[: entries_max or len(pairs)]:
            console.print(f"- {title}  {key}: {reason}", style="yellow" if title == "parked" else "dim")
        if entries_max is not None and len(pairs) > entries_max:
            console.print(f"  … and {len(pairs) - entries_max} more: {title}", style="dim")
    print_not_mirrored(console, plan.not_mirrored)
    for kind, reason in stopped.items():
        console.print(f"! {kind} must not run: {reason}", style="bold red")
    _print_summary(console, plan, currencies)
    if saved is not None:
        console.print(f"Saved {saved['file']} (sha256 {saved['sha256'][:8]}…). Apply: connector apply {saved['file']}")


def _shorten(plan: Plan, entries_max: int | None) -> tuple[list[PlanEntry], dict[tuple[str, str], int]]:
    if entries_max is None:
        return list(plan.entries), {}
    seen: Counter[tuple[str, str]] = Counter()
    shown = []
    for entry in plan.entries:
        seen[entry.kind, entry.action] += 1
        if seen[entry.kind, entry.action] <= entries_max:
            shown.append(entry)
    return shown, {pair: count - entries_max for pair, count in seen.items() if count > entries_max}


def _print_entry(console: Console, entry: PlanEntry, currencies: CurrencyTable) -> None:
    sign = "-" if entry.destructive else "+" if entry.action == "create" else "~"
    red = entry.destructive or entry.moves_money
    style = "red" if red else "green" if sign == "+" else "yellow"
    target = entry.target_id or "new"
    arrow = f"{_OTHER_SIDE[entry.target]} → {_NAMES[entry.target]} {entry.kind} ({target})"
    console.print(f'# {entry.kind} {entry.id} "{entry.label}"  {arrow}', style="dim")
    amount = ""
    if entry.amount_minor is not None and entry.currency is not None:
        amount = f"  {format_minor(entry.amount_minor, entry.currency, currencies)}"
    flags = "".join([" [moves money]" if entry.moves_money else "", " [destructive]" if entry.destructive else ""])
    console.print(f"{sign} {entry.action} {entry.kind}{amount}{flags}", style=style)
    for change in entry.changes:
        console.print(f"    {_change(change, entry)}", style=style if red else None)
    if entry.lines and entry.currency is not None:
        for text in _lines(entry.lines, partial(format_minor, currency=entry.currency, table=currencies)):
            console.print(f"    {text}", style=style if red else None)


def _lines(lines: Sequence[PlanLine], money: Callable[[int], str]) -> Iterator[str]:
    """The first lines in columns, and what all of them come to when some are left out."""
    yield f"{len(lines)} line{'s' * (len(lines) > 1)}:"
    rows = [(_what(line), money(line.amount_minor), line.tax_minor) for line in lines[:_LINES_MAX]]
    widest, longest = max(len(what) for what, _, _ in rows), max(len(amount) for _, amount, _ in rows)
    for what, amount, tax_minor in rows:
        yield f"  {what:<{widest}}  {amount:>{longest}}{_tax(tax_minor, money)}"
    if len(lines) > _LINES_MAX:
        amount = money(sum(line.amount_minor for line in lines))
        tax = _tax(sum(line.tax_minor for line in lines), money)
        yield f"  … and {len(lines) - _LINES_MAX} more, in all {amount}{tax}"


def _what(line: PlanLine) -> str:
    text = " ".join(line.description.split())
    text = text if line.quantity in (None, "1") else f"{line.quantity} x {text}"
    return text if len(text) <= _LONGEST_DESCRIPTION else text[: _LONGEST_DESCRIPTION - 1] + "…"


def _tax(tax_minor: int, money: Callable[[int], str]) -> str:
    return f" + tax {money(tax_minor)}" if tax_minor else ""


def _change(change: FieldChange, entry: PlanEntry) -> str:
    new, old = _value(change.new, change.field), _value(change.old, change.field)
    if entry.action == "create" or change.old is None:
        return f"+ {change.field} = {new}"
    return f"~ {change.field}: {old} → {new}"


def _value(value: Any, field: str) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, int) and value > _MOMENTS_FROM and field.endswith(_MOMENTS):
        # Stripe's seconds since 1970 say nothing to people.
        return f"{text}  # {datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M} UTC"
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _print_summary(console: Console, plan: Plan, currencies: CurrencyTable) -> None:
    works = Counter((entry.action, entry.kind) for entry in plan.entries)
    parts = [f"{action} {count} {kind}{'s' * (count > 1)}" for (action, kind), count in works.items()] or ["no changes"]
    parts += [f"{len(plan.waiting)} waiting"] * bool(plan.waiting) + [f"{len(plan.parked)} parked"] * bool(plan.parked)
    calls = plan.calls()
    console.print(f"Plan: {', '.join(parts)}", style="bold")
    for work, totals in _money(plan).items():
        amounts = ", ".join(format_minor(minor, currency, currencies) for currency, minor in sorted(totals.items()))
        console.print(f"Money: {work} {amounts}", style="bold red")
    console.print(
        f"Calls that write ≈ {calls['salesforce']} Salesforce (up to 200 rows each) / {calls['stripe']} Stripe",
        style="bold",
    )


def _money(plan: Plan) -> dict[str, dict[str, int]]:
    """What is done with money -> currency -> minor units: what is billed and what is voided are never added up."""
    money: dict[str, dict[str, int]] = {}
    for entry in plan.entries:
        if entry.moves_money and entry.amount_minor is not None and entry.currency is not None:
            totals = money.setdefault(f"{entry.action} {entry.kind}", {})
            totals[entry.currency] = totals.get(entry.currency, 0) + entry.amount_minor
    return money
