"""`connector sync`: one full pass, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connector.cli.exits import Exit
from connector.cli.options import as_utc, common, selection

if TYPE_CHECKING:
    from datetime import datetime

    from connector.cli.output import Output


@click.command(short_help="Read what changed, write what differs.")
@click.option("--once", is_flag=True, help="Run one full pass and end.")
@click.option("--dry-run", is_flag=True, help="Write nothing; the same as `connector plan`.")
@selection
@common
def sync(output: Output, *, once: bool, dry_run: bool, **selected: Any) -> int:
    """Bring both systems into step: read what changed, write what differs."""
    if dry_run:
        from connector.cli.commands.plan import show_plan

        return show_plan(output, **selected)
    if not once:
        raise click.UsageError("say --once for one full pass; running for ever comes with `connector run`")
    return run_once(output, **selected)


def run_once(output: Output, *, kinds: tuple[str, ...], since: datetime | None, only_ids: tuple[str, ...]) -> int:
    from connector.cli.report_view import answer_of, exit_of_pass, print_report
    from connector.cli.session import chosen_keys, chosen_kinds, opened
    from connector.cli.work import facts_of, recorded
    from connector.flows.sync import run_pass

    with opened(output) as session:
        wanted, keys = chosen_kinds(session, kinds), chosen_keys(session, only_ids)
        with recorded(session) as facts:
            report = run_pass(session.app.workspace, kinds=wanted, since=as_utc(since), only=keys)
            facts.update(facts_of(report, api_calls=session.api_calls()))
        answer = answer_of(session, report)
        output.result(answer, human=lambda console: print_report(console, answer))
        return exit_of_pass(session, report) if report.stopped_at is None else Exit.INTERRUPTED
