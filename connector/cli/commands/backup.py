"""`connector backup`: our database as one file, while the service works on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output


@click.command(short_help="Keep the database in a file, also while the service runs.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write over a file of this name, once the new one is whole.")
@common
def backup(output: Output, *, file: Path, force: bool) -> int:
    """Write the whole database into FILE, as it is at one moment, and try that it can be restored.

    SQLite or PostgreSQL, while the service works on; nothing is asked of either system. The file holds names and
    addresses of your customers, and no secrets: only its owner may read it. Exit code 1 when the audit trail in it
    was tampered with; the file is written all the same.
    """
    from connector.cli.backup_view import contents, print_contents
    from connector.cli.session import process_settings, start_logs
    from connector.keeping import make_backup
    from connector.runtime.clock import SystemClock

    settings = process_settings()
    start_logs(output, settings)
    kept = make_backup(settings, file, clock=SystemClock(), force=force)
    answer = {"file": str(file), "bytes": file.stat().st_size, **contents(kept.manifest, kept.trail)}

    def human(console: Console) -> None:
        console.print(f"{file}, {answer['bytes']} bytes: written, restored into a throw-away database, and whole there")
        print_contents(console, answer)

    output.result(answer, human=human)
    return Exit.OK if kept.trail.fault_count == 0 else Exit.FAILED
