"""Options every command takes, and the Output they make."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from connector.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Any]


def common(command: Command) -> Command:
    """Adds --json, --no-color and --debug; the command receives them as `output`."""

    @click.option(
        "--json", "as_json", is_flag=True, help="Print the result as one JSON object, the last line of stdout."
    )
    @click.option("--no-color", is_flag=True, help="Print without colours (so does the NO_COLOR variable).")
    @click.option("--debug", is_flag=True, help="Log more, and a traceback when the program itself fails.")
    @click.pass_context
    @functools.wraps(command)
    def wrapped(context: click.Context, /, *, as_json: bool, no_color: bool, debug: bool, **given: Any) -> Any:
        name = context.command_path.removeprefix("connector ")
        output = Output(command=name, as_json=as_json, no_color=no_color, debug=debug)
        context.find_root().obj = output
        return command(output, **given)

    return wrapped


def selection(command: Command) -> Command:
    """Adds what narrows a pass or a plan: --kind, --since, --only."""
    for option in (
        click.option("--only", "only_ids", multiple=True, metavar="ID", help="Look at this record only (repeatable)."),
        click.option(
            "--since",
            type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
            help="Look at everything changed since this date (UTC), whatever was read before.",
        ),
        click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Work on this kind only (repeatable)."),
    ):
        command = option(command)
    return command


def as_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
