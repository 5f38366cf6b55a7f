"""`connector resume`: a person has looked at what tripped a brake, and lets it through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from connector.cli.output import Output
    from connector.cli.session import Session
    from connector.core.brake import TrippedBrake

#: a shard that failed is left alone for five minutes at most
_GOES_ON = "No other brake is open: a service that runs goes on within five minutes; else `connector sync --once`."


@click.command(short_help="Show what stopped the connector; let it through with a reason.")
@click.argument("brake", required=False)
@click.option("--reason", metavar="TEXT", help="Why it may go on; kept with your name. Without it, only shows.")
@click.option("--by", metavar="NAME", help="Who decides; default: the user of this machine.")
@common
def resume(output: Output, *, brake: str | None, reason: str | None, by: str | None) -> int:
    """Show the open brakes with what would have been written, or release BRAKE with a reason.

    BRAKE is written as it is shown, e.g. `mass_void` or "listing_shrank stripe invoice"; it may be left out when
    one is open. A release covers what was shown, for a day: what is more, or other, trips again.
    """
    from connector.cli.brakes import brake_answer, print_brakes
    from connector.cli.session import opened

    if reason is not None and not reason.strip():
        raise click.UsageError("--reason is empty: say why it may go on")
    with opened(output) as session:
        store = session.app.workspace.store
        found = list(store.brakes.load_open())
        released = [] if reason is None else [_release(session, _chosen(found, brake), reason.strip(), by)]
        left = list(store.brakes.load_open())
        shown = left if brake is None or reason is not None else [_chosen(found, brake)]
        answer: dict[str, Any] = {
            "open": [brake_answer(each) for each in left],
            "released": [brake_answer(each) for each in released],
        }

        def human(console: Console) -> None:
            for each in released:
                console.print(
                    f"Released {_label(each)}: what was shown may be written by the next pass.", style="green"
                )
            print_brakes(console, shown, currencies=session.app.workspace.policy.currencies, entries_max=20)
            if not shown:
                console.print("No brake is open." if not released else _GOES_ON)

        output.result(answer, human=human)
        return Exit.FAILED if left else Exit.OK


def _chosen(found: Sequence[TrippedBrake], given: str | None) -> TrippedBrake:
    """Raises click's usage error when it does not name exactly one open brake."""
    if given is None:
        matching = list(found)
    else:
        wanted = " ".join(given.split())
        matching = [brake for brake in found if _label(brake) == wanted] or [
            brake for brake in found if brake.name == wanted
        ]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(f'"{_label(brake)}"' for brake in found) or "none"
    if not matching:
        raise click.UsageError(f"{given!r} is no open brake; open: {names}" if given else "no brake is open")
    raise click.UsageError(f"say which brake; open: {names}")


def _release(session: Session, brake: TrippedBrake, reason: str, by: str | None) -> TrippedBrake:
    from connector.cli.person import person
    from connector.core.brake import BrakeName

    if brake.name == BrakeName.STORE_RESTORED:
        raise click.UsageError(
            "this database may not know what it wrote: only `connector recover` ends that, by linking everything again"
        )
    workspace, name = session.app.workspace, person(by)
    now = workspace.clock.now()
    workspace.store.brakes.release(brake.name, brake.subject, by=name, reason=reason, at=now)
    from dataclasses import replace

    return replace(brake, released_at=now, released_by=name, release_reason=reason)


def _label(brake: TrippedBrake) -> str:
    from connector.cli.brakes import label

    return label(brake)
