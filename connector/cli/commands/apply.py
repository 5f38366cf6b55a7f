"""`connector apply`: carries out a saved plan, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output


@click.command(short_help="Carry out a saved plan, and nothing else.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@common
def apply(output: Output, *, file: Path) -> int:
    """Carry out the plan in FILE; plans again first and refuses every record whose plan differs now."""
    from connector.cli.person import person
    from connector.cli.plan_file import load_plan
    from connector.cli.report_view import answer_of, exit_of_pass, print_report
    from connector.cli.session import opened
    from connector.cli.work import recorded
    from connector.flows.apply import apply_plan

    approved = load_plan(file)
    with opened(output) as session:
        with recorded(session) as facts:
            report, refused = apply_plan(session.app.workspace, approved, by=person(None))
            facts.update(report.facts(refused=len(refused), api_calls=session.api_calls()))
        answer = answer_of(session, report)
        answer["refused"] = [{"key": key, "reason": reason} for key, reason in refused]

        def human(console: Console) -> None:
            for key, reason in refused:
                console.print(f"! refused {key}: {reason}", style="red")
            print_report(console, answer)

        output.result(answer, human=human)
        return Exit.FAILED if refused else exit_of_pass(session, report)
