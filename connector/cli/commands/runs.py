"""`connector runs`: what commands and the service did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connector.cli.options import common

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output


@click.group()
def runs() -> None:
    """What commands and the service did."""


@runs.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="So many at most.")
@common
def list_runs(output: Output, *, limit: int) -> None:
    """List runs, the newest first."""
    from connector.cli.commands.status import run_line
    from connector.cli.local import opened_store

    with opened_store(output) as local:
        rows = [dict(row) for row in local.store.load_runs(limit)]

    def human(console: Console) -> None:
        for row in rows:
            console.print(f"{row['id']:>6}  {run_line(row)}")
        if not rows:
            console.print("nothing has run yet")

    output.result({"runs": rows}, human=human)


@runs.command()
@click.argument("run_id", type=int)
@common
def show(output: Output, *, run_id: int) -> None:
    """Show everything that is kept of one run."""
    from connector.cli.commands.status import run_line
    from connector.cli.local import opened_store

    with opened_store(output) as local:
        row = local.store.load_run(run_id)
    if row is None:
        raise click.UsageError(f"there is no run {run_id}; `connector runs list` shows them")

    def human(console: Console) -> None:
        console.print(f"run {run_id}  {run_line(row)}")
        if row["trace_id"]:
            console.print(f"  {'trace':<16} {row['trace_id']}")
        for name, value in sorted((row["summary"] or {}).items()):
            console.print(f"  {name:<16} {value}")

    output.result({"run": dict(row)}, human=human)
