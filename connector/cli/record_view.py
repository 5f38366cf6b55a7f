"""One record and its mate for people: what was agreed side by side, both as they are now, what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.money import format_minor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from connector.core.currencies import CurrencyTable

_LONGEST_VALUE: Final = 60
#: of an operation's or a link's trace, what helps to find it in the two systems
_TRACES: Final = ("target", "outcome", "request_id", "reason", "error", "trace_id")


def print_records(console: Console, answer: Mapping[str, Any], currencies: CurrencyTable) -> None:
    """`answer` as `connector show --json` gives it (docs/json.md)."""
    if not answer["links"]:
        console.print(f"{answer['id']} is not mirrored", style="bold")
        for reason in answer["why_not"]:
            console.print(f"  {reason}")
    for link in answer["links"]:
        _print_link(console, link, currencies)
        for side, name in (("salesforce", "Salesforce"), ("stripe", "Stripe")):
            if link[side] is not None:
                _print_record(console, name, link[side])
        _print_history(console, link)
        for finding in link["findings"]:
            console.print(f"{finding['severity']} {finding['code']}: {finding['observed']}", style="yellow")
            console.print(f"  fix: {finding['remedy']}")


def _print_link(console: Console, link: Mapping[str, Any], currencies: CurrencyTable) -> None:
    from rich.table import Table

    console.print(f"{link['born']} ↔ {link['mate'] or 'no mate yet'}", style="bold")
    reason = f": {link['reason']}" if link["reason"] else ""
    console.print(f"state {link['state']}{reason}", style="yellow" if link["state"] in ("parked", "waiting") else None)
    if not link["fields"]:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("agreed last", "Salesforce", "Stripe", ""):
        table.add_column(title, overflow="fold")
    for name, pair in link["fields"].items():
        texts = [_agreed(name, pair[side], link, currencies) for side in ("salesforce", "stripe")]
        table.add_row(name, *texts, "" if pair["salesforce"] == pair["stripe"] else "≠")
    console.print(table)


def _agreed(name: str, value: Any, link: Mapping[str, Any], currencies: CurrencyTable) -> str:
    if value is None:
        return "-"
    if name in link["amounts"] and link["currency"] is not None and isinstance(value, int):
        return format_minor(value, link["currency"], currencies)
    return _short(value)


def _print_record(console: Console, name: str, record: Mapping[str, Any]) -> None:
    """Plain values only: what is nested (lines, addresses) would fill the screen, and is in `--json`."""
    console.print(f"{name} {record['id']} now{' (deleted)' if record['deleted'] else ''}", style="bold")
    fields = {key: value for key, value in record["fields"].items() if key != "attributes"}
    plain = {key: value for key, value in fields.items() if value is not None and not isinstance(value, (dict, list))}
    for key, value in plain.items():
        console.print(f"  {key} = {_short(value)}")
    nested = [key for key, value in fields.items() if value and isinstance(value, (dict, list))]
    if nested:
        console.print(f"  in --json: {', '.join(nested)}", style="dim")


def _print_history(console: Console, link: Mapping[str, Any]) -> None:
    if link["history"]:
        console.print("History (UTC)", style="bold")
    for row in link["history"]:
        detail = row.get("detail") or {}
        trace = "  ".join(
            str(detail[name]) for name in _TRACES if detail.get(name) and detail[name] not in row["event"]
        )
        console.print(f"  {str(row['at'])[:19]}  {row['event']}  {trace}".rstrip())


def _short(value: Any) -> str:
    from connector.cli.output import to_json

    text = value if isinstance(value, str) else to_json(value).strip('"')
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
