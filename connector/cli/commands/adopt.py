"""`connector adopt`: links what both systems held before they were joined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from connector.cli.output import Output


@click.command(short_help="Link records that both systems held before they were joined.")
@click.option("--plan", "planning", is_flag=True, help="Compare both systems and show what is the same; write nothing.")
@click.option("--out", "out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan for `--apply`.")
@click.option(
    "--apply",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Link and mark what this plan says; nothing is created.",
)
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    metavar="ID=ID",
    help="These two are the same: a Salesforce id and a Stripe id of a suggestion (repeatable).",
)
@common
def adopt(output: Output, *, planning: bool, out: Path | None, file: Path | None, accepted: tuple[str, ...]) -> int:
    """Link records that both systems held before they were joined, so that none is made a second time.

    First `--plan --out FILE`; edit `choice` in FILE (link, separate, undecided) or name pairs with `--accept`; then
    `--apply FILE`. What nobody decides is kept from being made until somebody does.
    """
    if planning == (file is not None):
        raise click.UsageError("say --plan, or --apply FILE")
    if file is not None and out is not None:
        raise click.UsageError("--out goes with --plan")
    pairs = [_pair(text) for text in accepted]
    return _apply(output, file, pairs) if file is not None else _plan(output, out, pairs)


def _pair(text: str) -> tuple[str, str]:
    """(Salesforce id, Stripe id), whichever came first."""
    from connector.cli.record_id import full_id

    ids = [full_id(part) for part in text.split("=")]
    stripe = [each for each in ids if each is not None and "_" in each]
    salesforce = [each for each in ids if each is not None and "_" not in each]
    if len(ids) != 2 or len(stripe) != 1 or len(salesforce) != 1:
        raise click.BadParameter(f"{text!r} is not a Salesforce id and a Stripe id joined by =", param_hint="--accept")
    return salesforce[0], stripe[0]


def _plan(output: Output, out: Path | None, accepted: list[tuple[str, str]]) -> int:
    from connector.cli.adopt_file import masked, save_adoption, with_accepted
    from connector.cli.adopt_view import answer_of, print_adoption
    from connector.cli.session import opened
    from connector.core.adoption import Choice
    from connector.flows.adopt import adoption_of, compare

    with opened(output) as session:
        workspace = session.app.workspace
        # whose an invoice is may hang on what was accepted: so it is compared with that in mind
        choices = {(kind, *pair): Choice.LINK for kind in workspace.pack.kinds for pair in accepted}
        adoption = with_accepted(masked(adoption_of(workspace, compare(workspace, choices=choices))), accepted)
        session.progress.close()
        saved = None if out is None else {"file": str(out), "sha256": save_adoption(adoption, out)}
        currencies = workspace.policy.currencies
        answer = {**answer_of(adoption), "saved": saved, "seconds": session.seconds()}
        output.result(
            answer, human=lambda console: print_adoption(console, adoption, currencies=currencies, saved=saved)
        )
    return Exit.OK


def _apply(output: Output, file: Path, accepted: list[tuple[str, str]]) -> int:
    from connector.cli.adopt_file import load_adoption, with_accepted
    from connector.cli.adopt_view import answer_of_applied, print_applied
    from connector.cli.session import opened
    from connector.cli.work import recorded
    from connector.flows.adopt_apply import apply_adoption

    adoption = with_accepted(load_adoption(file), accepted)
    with opened(output) as session:
        with recorded(session) as facts:
            done = apply_adoption(session.app.workspace, adoption)
            facts.update(done.report.facts(refused=len(done.refused), api_calls=session.api_calls()))
        answer = {**answer_of_applied(done), "api_calls": session.api_calls(), "seconds": session.seconds()}
        output.result(answer, human=lambda console: print_applied(console, answer))
    return Exit.FAILED if done.refused or done.held or done.not_marked else Exit.OK
