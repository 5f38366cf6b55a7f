"""`connector demo`: the main job, with nothing to sign up for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output


@click.command(short_help="Try everything: two simulated systems, mirrored both ways.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same data.")
@click.option("--scale", type=click.IntRange(1), default=1, show_default=True, help="Multiplies the data.")
@click.option(
    "--keep",
    "home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".demo"),
    show_default=True,
    help="Folder of the demo's settings and state, emptied at every start.",
)
@click.option(
    "--service",
    is_flag=True,
    help="Run the service instead of single passes, and watch edits on both sides arrive live.",
)
@click.option(
    "--poll",
    "poll_s",
    type=click.IntRange(5),
    default=15,
    show_default=True,
    help="With --service: seconds between two looks at both systems.",
)
@common
def demo(output: Output, *, seed: int, scale: int, home: Path, service: bool, poll_s: int) -> int:
    """Mirror a simulated Salesforce org and Stripe account, both ways, over real HTTP."""
    if service:
        return _live(output, seed=seed, scale=scale, home=home, poll_s=poll_s)
    from connector.cli.demo.story import run_demo
    from connector.cli.findings import print_findings
    from connector.cli.parked import print_parked
    from connector.cli.report_view import print_kinds

    answer = run_demo(output, seed=seed, scale=scale, home=home)

    def human(console: Console) -> None:
        console.print()
        print_kinds(console, answer["kinds"])
        console.print(
            "mirrored: new pairs · updated: pairs one side of which changed later · parked: a person is needed"
        )
        console.print()
        print_parked(console, answer["parked"])
        print_findings(console, answer["findings"])
        calls = answer["api_calls"]
        console.print(
            f"\nsecond pass: {answer['second_pass_writes']} writes · API calls {calls['salesforce']} Salesforce / "
            f"{calls['stripe']} Stripe · {answer['seconds']} s",
            style="bold",
        )
        console.print(f"Settings, state and the sandbox's log are in {home}; both systems have ended with the demo.")

    output.result(answer, human=human)
    return Exit.FAILED if answer["second_pass_writes"] else Exit.OK


def _live(output: Output, *, seed: int, scale: int, home: Path, poll_s: int) -> int:
    from connector.cli.demo.live import run_live_demo

    answer = run_live_demo(output, seed=seed, scale=scale, home=home, poll_s=poll_s)
    output.result(
        answer,
        human=lambda console: console.print(
            f"\nSettings, state and the logs of both processes are in {home}; all have ended with the demo."
        ),
    )
    return Exit.FAILED if answer["quiet_writes"] or answer["exit_code"] else Exit.OK
