"""`connector parked`: what is parked and why; look again, or leave it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connector.cli.options import common

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.cli.output import Output

_GROUP_HELP = "All records of this group, as `parked list` names it (repeatable)."


@click.group()
def parked() -> None:
    """Records that wait for a person: what blocks them, look again, leave them out."""


def _by_hand(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what every decision of a person needs."""
    for option in (
        click.option("--yes", is_flag=True, help="Do it without asking; needed where nobody can answer."),
        click.option("--by", metavar="NAME", help="Who decides; default: the user of this machine."),
        click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the audit trail."),
        click.option("--group", "groups", multiple=True, metavar="GROUP", help=_GROUP_HELP),
        click.argument("record_ids", metavar="[ID]...", nargs=-1),
    ):
        command = option(command)
    return command


@parked.command(name="list", short_help="What is parked, grouped by its cause, and what waits in vain.")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="This kind only (repeatable).")
@click.option("--code", "codes", multiple=True, metavar="CODE", help="This code only, * for any part (repeatable).")
@click.option("--older-than", metavar="AGE", help="Parked for longer than this: 45m, 12h, 7d, 2w.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a line of CSV for each parked record instead.")
@common
def list_(
    output: Output, *, kinds: tuple[str, ...], codes: tuple[str, ...], older_than: str | None, as_csv: bool
) -> int:
    """Show the groups of parked records, most records first, and what waits for something that will not come."""
    from connector.cli.parked_work import age_of, list_groups, list_table
    from connector.cli.session import chosen_kinds, opened

    if as_csv and output.as_json:
        raise click.UsageError("--csv and --json are two answers: choose one")
    age = None if older_than is None else age_of(older_than)
    with opened(output) as session:
        chosen = chosen_kinds(session, kinds)
        return (list_table if as_csv else list_groups)(session, kinds=chosen, codes=codes, older_than=age)


@parked.command(short_help="All about one parked record, or the records of one group.")
@click.argument("what", metavar="ID|GROUP")
@common
def show(output: Output, *, what: str) -> int:
    """Show what blocks a record or a group, since when, what would release it and what waits for it."""
    from connector.cli.parked_work import show_parked
    from connector.cli.session import opened

    with opened(output) as session:
        return show_parked(session, what)


@parked.command(short_help="Look again now, and write what is left to do.")
@_by_hand
@common
def retry(output: Output, **given: Any) -> int:
    """Look at parked records again: both systems are read and everything is decided anew.

    Nothing that was refused is sent again as it was. What would be written is shown first, with its money.
    """
    return _decide(output, given, do="retry")


@parked.command(short_help="Leave records out until they change where they were born.")
@_by_hand
@common
def discard(output: Output, **given: Any) -> int:
    """Close parked records: nothing is written for them any more, what exists on the other side stays as it is.

    A discarded record comes back by itself when anything the mapping reads of it changes in the system it was
    born in. What waits for it goes on waiting.
    """
    return _decide(output, given, do="discard")


def _decide(output: Output, given: dict[str, Any], *, do: str) -> int:
    from connector.cli.parked_work import Decided, discard_parked, retry_parked
    from connector.cli.session import opened

    if not given["record_ids"] and not given["groups"]:
        raise click.UsageError("name records by their ids, or groups with --group; `connector parked list` shows both")
    if not given["reason"].strip():
        raise click.UsageError("say why: --reason 'the rule was changed'")
    decided = Decided(**given)
    with opened(output) as session:
        return retry_parked(session, decided) if do == "retry" else discard_parked(session, decided)
