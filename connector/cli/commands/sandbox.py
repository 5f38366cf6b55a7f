"""`connector sandbox`: the simulated Salesforce org and Stripe account."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli.options import common

if TYPE_CHECKING:
    from connector.cli.output import Output


def _list_orgs(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Prints every org with what is planted in it, and ends."""
    if not wanted or context.resilient_parsing:
        return
    from connector.sandbox.salesforce.scenarios import SCENARIOS

    width = max(len(scenario.name) for scenario in SCENARIOS)
    for scenario in SCENARIOS:
        click.echo(f"{scenario.name:{width}}  {scenario.description}")
    context.exit()


@click.group()
def sandbox() -> None:
    """The simulated Salesforce org and Stripe account."""


@sandbox.command()
@click.option("--salesforce-port", type=click.IntRange(0, 65535), default=0, help="Port of the org; 0: any free one.")
@click.option("--stripe-port", type=click.IntRange(0, 65535), default=0, help="Port of the account; 0: any free one.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same data.")
@click.option("--scale", type=click.IntRange(0), default=1, show_default=True, help="Multiplies the data; 0: empty.")
@click.option("--latency-ms", type=click.IntRange(0), default=0, show_default=True, help="Waits before every answer.")
@click.option(
    "--state", "state_file", type=click.Path(dir_okay=False, path_type=Path), help="Keeps the state in this file."
)
@click.option(
    "--stripe-rate",
    type=click.IntRange(0),
    default=25,
    show_default=True,
    help="Requests per second of the account and of one endpoint; 0: no limit.",
)
@click.option(
    "--daily-calls",
    type=click.IntRange(1),
    default=5_000_000,
    show_default=True,
    help="API calls of the rolling day the org allows everybody together.",
)
@click.option(
    "--both", is_flag=True, help="The Stripe account holds most of the org's records already, unmarked: try `adopt`."
)
@click.option("--org", default="demo", show_default=True, help="Which org: healthy, or with named defects.")
@click.option(
    "--list-orgs", is_flag=True, is_eager=True, expose_value=False, callback=_list_orgs, help="List the orgs."
)
@common
def serve(output: Output, *, stripe_rate: int, **given: Any) -> None:
    """Serve both on loopback until Ctrl-C; the first line of stdout says where, as JSON."""
    from connector.sandbox.server import SandboxOptions, run

    options = SandboxOptions(stripe_rate_per_second=stripe_rate or None, **given)
    output.note("serving a simulated Salesforce org and Stripe account; Ctrl-C ends it")
    try:
        run(options, out=sys.stdout)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.UsageError(f"cannot listen or write: {error}") from error
