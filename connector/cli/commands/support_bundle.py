"""`connector support-bundle`: one file for whoever helps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.options import common

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output


@click.command("support-bundle", short_help="One file for whoever helps, without secrets or customers' data.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; default: connector-support-DATE.zip in the working folder.",
)
@click.option(
    "--log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file the service's log goes to: its last lines are put in, with personal data hidden.",
)
@common
def support_bundle(output: Output, *, out: Path | None, log: Path | None) -> None:
    """Write what this installation knows of itself into a zip: versions, settings, schema, health, schedule, runs,
    what is parked and why, brakes, certificates. No secrets, no names, no amounts.

    Asks no system for anything. Works with a database that is damaged, or of another version, and with settings
    that are wrong: what could not be gathered says why.
    """
    from connector.cli.support.bundle import Bundle, log_lines, write_bundle
    from connector.runtime.clock import SystemClock

    clock = SystemClock()
    path = out or Path(f"connector-support-{clock.now():%Y%m%dT%H%M%SZ}.zip")
    bundle = Bundle(clock)
    parts = bundle.gather()
    lines = [] if log is None else log_lines(log)
    names = write_bundle(path, parts, log=lines, secrets=bundle.secrets())
    missing = {
        name: part["unavailable"] for name, part in parts.items() if isinstance(part, dict) and "unavailable" in part
    }

    def human(console: Console) -> None:
        console.print(f"{path}: {', '.join(names)}")
        for why in dict.fromkeys(missing.values()):
            concerned = ", ".join(name for name, each in missing.items() if each == why)
            console.print(f"  not gathered: {concerned}: {why}", style="yellow")
        console.print("Look through it before you hand it on.")

    output.result({"file": str(path), "parts": names, "unavailable": missing}, human=human)
