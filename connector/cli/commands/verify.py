"""`connector verify`: is everything installed, allowed and configured that the two systems need?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from connector.cli.output import Output

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True, short_help="What is installed, what is missing, and what to click.")
@click.option("--profile", metavar="P", help="What Stripe's package is in this org; --list names all profiles.")
@click.option("--only", multiple=True, metavar="ID", help="Look at this check only (repeatable; 'SF-PKG-*' works).")
@click.option("--skip", multiple=True, metavar="ID", help="Leave this check out (repeatable; 'SF-PKG-*' works).")
@click.option("--list", "list_", is_flag=True, help="List the checks and profiles; asks nobody.")
@click.option("--explain", metavar="ID", help="Say all about one check; asks nobody.")
@click.option("--junit", type=_FILE, metavar="F", help="Write a JUnit report, too.")
@click.option("--sarif", type=_FILE, metavar="F", help="Write a SARIF report, too.")
@click.option("--html", type=_FILE, metavar="F", help="Write a page to send to a colleague, too.")
@click.option(
    "--fail-on",
    type=click.Choice(["blocker", "error", "warning"]),
    default="error",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
@click.option("--strict", is_flag=True, help="What is unknown or not attested counts like a failure.")
@click.option("--watch", metavar="T", help="Look again every T (30s, 2m) until Ctrl-C; the bell rings on a change.")
@click.option("--redact/--no-redact", default=None, help="Hide names of people and records; without it, only in files.")
@click.option("--accept-packages", is_flag=True, help="Later runs compare with the packages as they are now.")
@common
@click.pass_context
def verify(context: click.Context, /, output: Output, **given: Any) -> int | None:
    """Look at the org, the account and this machine, and say what is missing, why it matters and what to click.

    Only reads. Exit code 1: a check failed at or above --fail-on, or nobody can say that a blocker holds.
    """
    if context.invoked_subcommand is not None:
        # What is printed, and how, is up to the command below, also when its arguments cannot be read.
        context.find_root().obj = None
        return None
    from connector.cli.verify import run

    return run.verify(output, run.Wishes(list_checks=given.pop("list_"), **given))


@verify.command()
@click.argument("check_id", metavar="ID")
@click.option("--by", required=True, metavar="NAME", help="Who looked.")
@click.option("--note", default="", metavar="TEXT", help="What was seen.")
@click.option(
    "--expires", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Until when it counts; at most a year."
)
@click.option("--withdraw", is_flag=True, help="Take the attestation back.")
@common
def attest(output: Output, **given: Any) -> int:
    """Say that a person looked at a check no API can read. Counts until --expires, or until the package is upgraded."""
    from connector.cli.verify.attest import attest as say

    return say(output, **given)


@verify.command()
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="So many runs.")
@common
def history(output: Output, *, limit: int) -> int:
    """Show earlier verifications, and what people attested."""
    from connector.cli.verify.history import history as past

    past(output, limit=limit)
    return Exit.OK
