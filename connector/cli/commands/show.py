"""`connector show`: everything known about one id of either system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output


@click.command()
@click.argument("record_id", metavar="ID")
@common
def show(output: Output, *, record_id: str) -> int:
    """Show the pair ID belongs to: both records as they are now, the link, its history and findings."""
    from connector.cli.session import checked_id, opened
    from connector.flows.show import show as show_flow
    from connector.runtime.redaction import mask_contact

    full = checked_id(record_id, hint="ID")
    with opened(output) as session:
        answer = mask_contact(show_flow(session.app.workspace, full), "")
    known = bool(answer.get("links"))
    output.result(answer, human=lambda console: _print(console, answer))
    return Exit.OK if known else Exit.FAILED


def _print(console: Console, answer: dict[str, Any]) -> None:
    if not answer["links"]:
        console.print(f"{answer['id']} is not mirrored: no link, as far as this database knows")
    for link in answer["links"]:
        console.print(f"{link['kind']}: {link['born']} ↔ {link['mate'] or 'no mate yet'}", style="bold")
        reason = f": {link['reason']}" if link["reason"] else ""
        console.print(f"  state {link['state']}{reason}, revision {link['revision']}")
        for name, pair in link["fields"].items():
            console.print(f"  {name:<20} Salesforce {pair['salesforce']!r}  Stripe {pair['stripe']!r}")
        for side in ("salesforce", "stripe"):
            record = link[side]
            if record is not None:
                console.print(f"  {side} {record['id']}{' (deleted)' if record['deleted'] else ''}", style="bold")
                for name, value in record["fields"].items():
                    if value is not None and name != "attributes":
                        console.print(f"    {name} = {_plain(value)}")
        for row in link["history"]:
            console.print("  " + "  ".join(str(value) for value in row.values() if value is not None), style="dim")
        for finding in link["findings"]:
            console.print(f"  {finding['severity']} {finding['code']}: {finding['observed']}", style="yellow")
            console.print(f"    fix: {finding['remedy']}")


def _plain(value: Any) -> str:
    from connector.cli.output import to_json

    return value if isinstance(value, str) else to_json(value).strip('"')
