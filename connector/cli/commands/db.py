"""`connector db`: our own database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from connector.cli.output import Output


@click.group()
def db() -> None:
    """The database of this installation."""


@db.command()
@common
def check(output: Output) -> Exit:
    """Say which schema the database has, and whether this program can work with it. Changes nothing."""
    from connector.cli.session import process_settings
    from connector.runtime.clock import SystemClock
    from connector.store.look import look

    seen = look(process_settings().database_url, clock=SystemClock())
    answer = {
        "place": seen.place,
        "schema": seen.schema,
        "wanted": seen.wanted,
        "state": seen.state,
        "queue": seen.queue,
    }
    output.result(answer, human=lambda console: console.print(f"{seen.place}: {seen.words}"))
    return Exit.OK if seen.state == "current" else Exit.FAILED


@db.command()
@common
def upgrade(output: Output) -> None:
    """Bring the database to the schema of this program, in one transaction. Every other command does so, too."""
    from connector.cli.local import opened_store
    from connector.service.roles import is_shared
    from connector.store.tables import HEAD

    with opened_store(output) as local:
        place = local.store.place
        if is_shared(local.settings):
            local.store.queue.open()
    output.result({"place": place, "schema": HEAD}, human=lambda console: console.print(f"{place}: schema {HEAD}"))
