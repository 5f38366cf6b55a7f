"""`connector status`: one screen about this installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from connector.cli.output import Output

_STATES = ("open", "waiting", "parked", "closed")


@click.command(short_help="What is mirrored, what waits, what needs a person.")
@common
def status(output: Output) -> int:
    """Show what is mirrored, what waits, what needs a person, and the last runs."""
    from dataclasses import asdict

    from connector.cli.findings import grouped, need_a_person
    from connector.cli.parked import parked_groups
    from connector.cli.session import all_findings, opened, stopped_kinds
    from connector.cli.verify.last import last_verification
    from connector.verification import open_memory

    with opened(output) as session:
        store = session.app.workspace.store
        findings = all_findings(session)
        with open_memory(session.app.settings) as memory:
            verified = last_verification(memory)
        answer = {
            "identity": asdict(session.app.identity),
            "links": {kind: dict(states) for kind, states in store.count_links().items()},
            "signals": dict(store.count_signals()),
            "stopped_kinds": dict(stopped_kinds(session)),
            "parked": parked_groups(store, session.app.workspace.pack.kinds),
            "findings": grouped(findings),
            "verified": verified,
            "runs": [dict(row) for row in store.load_runs(5)],
        }
        output.result(answer, human=lambda console: _print(console, answer))
        return Exit.FAILED if answer["stopped_kinds"] or need_a_person(findings) else Exit.OK


def _print(console: Console, answer: dict[str, Any]) -> None:
    from rich.table import Table

    from connector.cli.findings import print_findings
    from connector.cli.parked import print_parked
    from connector.cli.verify.last import print_last

    identity = answer["identity"]
    console.print(
        f"Salesforce {identity['org_id']} ({'sandbox' if identity['is_sandbox'] else 'production'})  ·  "
        f"Stripe {identity['account_id']} ({'live' if identity['livemode'] else 'test'})",
        style="bold",
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("kind")
    for title in (*_STATES, "signals"):
        table.add_column(title, justify="right")
    for kind in dict.fromkeys([*answer["links"], *answer["signals"]]):
        states = answer["links"].get(kind, {})
        numbers = [states.get(state, 0) for state in _STATES]
        table.add_row(kind, *(str(number) for number in (*numbers, answer["signals"].get(kind, 0))))
    if table.rows:
        console.print(table)
    else:
        console.print("Nothing is mirrored yet: `connector plan` shows what `connector sync --once` would do.")
    for kind, reason in answer["stopped_kinds"].items():
        console.print(f"! {kind} must not run: {reason}", style="bold red")
    print_last(console, answer["verified"])
    print_parked(console, answer["parked"])
    print_findings(console, answer["findings"])
    if answer["runs"]:
        console.print("Last runs (UTC)", style="bold")
    for run in answer["runs"]:
        console.print(f"  {run_line(run)}")


def run_line(run: Mapping[str, Any]) -> str:
    """When, which command, how it ended, what it did."""
    summary = run["summary"] or {}
    started = f"{str(run['started_at'])[:19]}  {run['command']:<6}"
    if run["finished_at"] is None:
        return f"{started} did not end: it runs, or it was killed; the next run recovers what it left"
    parts = [str(summary.get("outcome", "done"))]
    for name, words in (
        ("looked_at", "looked at"),
        ("writes", "writes"),
        ("recovered", "recovered"),
        ("refused", "refused"),
    ):
        if name in summary and (summary[name] or name in ("looked_at", "writes")):
            parts.append(f"{summary[name]} {words}")
    if "duration_ms" in summary:
        parts.append(f"{summary['duration_ms']} ms")
    return f"{started} {', '.join(parts)}" + (f": {summary['error']}" if summary.get("error") else "")
