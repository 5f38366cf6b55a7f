"""`connector plan`: what a pass would write, record by record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli.exits import Exit
from connector.cli.options import as_utc, common, selection

if TYPE_CHECKING:
    from datetime import datetime

    from connector.cli.output import Output


@click.command(short_help="Show what a pass would write; write nothing.")
@selection
@click.option("--out", "out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan for `apply`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@common
def plan(output: Output, *, out: Path | None, detailed_exitcode: bool, **selected: Any) -> int:
    """Show what a pass would write, money-moving lines last; nothing is written."""
    return show_plan(output, out=out, detailed_exitcode=detailed_exitcode, **selected)


def show_plan(
    output: Output,
    *,
    kinds: tuple[str, ...],
    since: datetime | None,
    only_ids: tuple[str, ...],
    out: Path | None = None,
    detailed_exitcode: bool = False,
) -> int:
    """Also `sync --dry-run`."""
    from connector.cli.plan_file import masked, save_plan
    from connector.cli.plan_view import print_plan
    from connector.cli.session import chosen_keys, chosen_kinds, opened, stopped_kinds
    from connector.flows.plan import make_plan

    with opened(output) as session:
        made = masked(
            make_plan(
                session.app.workspace,
                kinds=chosen_kinds(session, kinds),
                since=as_utc(since),
                only=chosen_keys(session, only_ids),
            )
        )
        session.progress.close()
        stopped = stopped_kinds(session)
        sha256 = None if out is None else save_plan(made, out)
        saved = None if out is None else {"file": str(out), "sha256": sha256}
        answer = {
            "plan": made.as_dict(),
            "totals": made.totals(),
            "api_calls": made.calls(),
            "stopped_kinds": dict(stopped),
            "saved": saved,
            "seconds": session.seconds(),
        }
        currencies = session.app.workspace.policy.currencies
        output.result(
            answer,
            human=lambda console: print_plan(console, made, currencies=currencies, stopped=stopped, saved=saved),
        )
    if stopped:
        return Exit.FAILED
    return Exit.CHANGES if detailed_exitcode and made.entries else Exit.OK
