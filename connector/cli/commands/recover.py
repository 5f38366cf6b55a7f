"""`connector recover`: links everything again after the database was lost, restored, or not the only one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output
    from connector.flows.rebuild import KindRebuild

#: records that could not be linked and are shown per kind; `--json` holds all
_SHOWN: Final = 10


@click.command(short_help="Link everything again after a database was lost or restored.")
@click.option("--plan", "plan_only", is_flag=True, help="Show what would be linked and store nothing.")
@click.option("--reason", default="", metavar="TEXT", help="What happened to the database; kept with your name.")
@click.option("--by", metavar="NAME", help="Who decides; default: the user of this machine.")
@common
def recover(output: Output, *, plan_only: bool, reason: str, by: str | None) -> int:
    """List both systems whole and link every pair again by the marks it carries; write to neither system.

    Needed when the database was restored from a backup, was emptied, or is a second one for the same two systems:
    until then no pass writes anything. Safe to repeat. What differs between the two systems is left to the next
    pass: a field's owner wins, amounts wait for a person.
    """
    from connector.cli.brakes import print_brakes
    from connector.cli.person import person
    from connector.cli.session import opened
    from connector.cli.work import recorded
    from connector.flows.rebuild import plan_rebuild, rebuild

    name = person(by)
    with opened(output) as session:
        workspace = session.app.workspace
        if plan_only:
            found = plan_rebuild(workspace)
        else:
            with recorded(session) as facts:
                found = rebuild(workspace, by=name, reason=reason or "connector recover")
                facts.update({"relinked": sum(each.relinked for each in found.values())})
        session.progress.close()
        left = [] if plan_only else list(workspace.store.brakes.load_open())
        answer: dict[str, Any] = {
            "kinds": {kind: _answer(each) for kind, each in found.items()},
            "stored": not plan_only,
            "open_brakes": [brake.name for brake in left],
            "api_calls": session.api_calls(),
            "seconds": session.seconds(),
        }

        def human(console: Console) -> None:
            _print(console, answer)
            print_brakes(console, left, currencies=workspace.policy.currencies)

        output.result(answer, human=human)
        unlinked = any(each.unlinked for each in found.values())
        return Exit.FAILED if unlinked or left else Exit.OK


def _answer(found: KindRebuild) -> dict[str, Any]:
    return {
        "known": found.known,
        "relinked": found.relinked,
        "one_sided": found.one_sided,
        "differing": dict(sorted(found.differing.items())),
        "unlinked": [{"id": record_id, "reason": reason} for record_id, reason in found.unlinked],
    }


def _print(console: Console, answer: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("kind")
    for title in ("known", "linked again", "on one side only", "not linked"):
        table.add_column(title, justify="right")
    for kind, each in answer["kinds"].items():
        numbers = (each["known"], each["relinked"], each["one_sided"], len(each["unlinked"]))
        table.add_row(kind, *(str(number) for number in numbers))
    console.print(table)
    for kind, each in answer["kinds"].items():
        if each["differing"]:
            texts = ", ".join(f"{field} ({number})" for field, number in each["differing"].items())
            console.print(f"- {kind}: the two sides differ in {texts}", style="yellow")
        for row in each["unlinked"][:_SHOWN]:
            console.print(f"! {kind} {row['id']} {row['reason']}", style="red")
        if len(each["unlinked"]) > _SHOWN:
            console.print(f"  … and {len(each['unlinked']) - _SHOWN} more", style="dim")
    calls = answer["api_calls"]
    done = "Linked again" if answer["stored"] else "Nothing was stored; `connector recover` links again"
    console.print(
        f"{done} · API calls {calls['salesforce']} Salesforce / {calls['stripe']} Stripe · {answer['seconds']} s",
        style="bold",
    )
    if answer["stored"]:
        console.print("Next: `connector plan` shows what differs, `connector sync --once` works it off.")
