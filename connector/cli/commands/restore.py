"""`connector restore`: a backup in the database's place, and nothing is written to either system until `recover`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output


@click.command(short_help="Put a backup in the database's place; then `recover`.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--plan", "plan_only", is_flag=True, help="Try the backup in a throw-away database; change nothing.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit trail with your name.")
@click.option("--by", metavar="NAME", help="Who decides; default: the user of this machine.")
@click.option("--force", is_flag=True, help="Replace a database that cannot be read, once nothing works on it.")
@common
def restore(output: Output, *, file: Path, plan_only: bool, reason: str, by: str | None, force: bool) -> int:
    """Put the backup FILE in the place of the database that the settings name, SQLite or PostgreSQL.

    Stop the service first. The present database is kept aside under another name. Whatever was done since the
    backup is not known to it, so every pass refuses to write until `connector recover` has linked everything again.
    Refused: a file that is not whole, a backup of other systems or of a newer program, a database somebody works on.
    """
    from connector.cli.backup_view import contents, print_contents
    from connector.cli.person import person
    from connector.cli.session import process_settings, start_logs
    from connector.keeping import Order, look_into
    from connector.keeping import restore as put_back
    from connector.runtime.clock import SystemClock

    name, clock = person(by), SystemClock()
    settings = process_settings()
    start_logs(output, settings)
    answer: dict[str, Any]
    if plan_only:
        kept = look_into(settings, file, clock=clock)
        trail = kept.trail
        answer = {"file": str(file), "restored": False, "aside": None, **contents(kept.manifest, trail)}
    else:
        done = put_back(settings, Order(path=file, by=name, reason=reason, force=force), clock=clock)
        trail = done.trail
        answer = {"file": str(file), "restored": True, "aside": done.aside, **contents(done.manifest, trail)}

    def human(console: Console) -> None:
        if plan_only:
            console.print(f"{file} is whole: it was restored into a throw-away database; nothing else was changed")
        else:
            console.print(f"Restored from {file}.")
            console.print(f"What was there before is kept: {done.aside}" if done.aside else "Nothing was there before.")
        print_contents(console, answer)
        if not plan_only:
            console.print(
                "Nothing is written to either system until everything is linked again: "
                "`connector recover --plan`, then `connector recover`.",
                style="bold",
            )

    output.result(answer, human=human)
    return Exit.OK if trail.fault_count == 0 else Exit.FAILED
