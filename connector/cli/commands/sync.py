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
@click.option("--sweep", is_flag=True, help="Compare everything afterwards and make a certificate.")
@click.option("--dry-run", is_flag=True, help="Write nothing; the same as `connector plan`.")
@selection
@common
def sync(output: Output, *, once: bool, dry_run: bool, sweep: bool, **selected: Any) -> int:
    """Bring both systems into step: read what changed, write what differs.

    With --sweep every record on both sides is compared afterwards, what no poll saw is made up for in a second pass,
    and a certificate says what still differs.
    """
    if sweep and (dry_run or selected["only_ids"]):
        raise click.UsageError("--sweep compares everything: it goes neither with --dry-run nor with --only")
    if dry_run:
        from connector.cli.commands.plan import show_plan

        return show_plan(output, **selected)
    if not once:
        raise click.UsageError("say --once for one full pass; running for ever comes with `connector run`")
    return run_once(output, sweep=sweep, **selected)


def run_once(
    output: Output, *, kinds: tuple[str, ...], since: datetime | None, only_ids: tuple[str, ...], sweep: bool = False
) -> int:
    from connector.cli.certificate_view import answer_of as certificate_answer
    from connector.cli.certificate_view import standing_of
    from connector.cli.report_view import answer_of, exit_of_pass, print_report
    from connector.cli.session import chosen_keys, chosen_kinds, opened
    from connector.cli.work import recorded
    from connector.core.pace import span_of
    from connector.flows.quota import remember
    from connector.flows.sweep.run import sweep_and_settle
    from connector.flows.sync import run_pass

    with opened(output) as session:
        workspace = session.app.workspace
        wanted, keys = chosen_kinds(session, kinds), chosen_keys(session, only_ids)
        with recorded(session) as facts:
            report = run_pass(workspace, kinds=wanted, since=as_utc(since), only=keys)
            certified = sweep_and_settle(workspace, report, kinds=wanted) if sweep else None
            facts.update(report.facts(api_calls=session.api_calls()))
            remember(workspace)
            workspace.store.pace.add(report.waited, began_at=span_of(workspace.clock.now()))
        made = None if certified is None else certificate_answer(*certified)
        standing = standing_of(
            workspace.store,
            kinds=tuple(workspace.pack.kinds),
            now=workspace.clock.now(),
            max_age_h=session.app.settings.sweep.certificate_max_age_h,
        )
        answer = {**answer_of(session, report), "certificate": standing, "sweep": made}
        output.result(answer, human=lambda console: print_report(console, answer))
        if report.stopped_at is not None:
            return Exit.INTERRUPTED
        code = exit_of_pass(session, report)
        is_open = certified is not None and not certified[1].is_complete
        return Exit.FAILED if is_open and code is Exit.OK else code
