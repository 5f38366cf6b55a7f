"""`connector setup`: prepares a system for the connector; shows the change first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output
    from connector.core.endpoints import EndpointPlan
    from connector.core.metadata import OrgState
    from connector.flows.setup_salesforce_plan import SetupPlan


@click.group()
def setup() -> None:
    """Prepare Salesforce or Stripe for the connector; the change is shown first."""


@setup.command(short_help="Deploy the fields and the permission set, and assign it.")
@click.option("--plan", "plan_only", is_flag=True, help="Show what would change and change nothing (the default).")
@click.option("--apply", "apply_it", is_flag=True, help="Show it, then do it.")
@click.option("--user", metavar="USERNAME", help="Who gets the permission set; default: the integration user.")
@common
def salesforce(output: Output, *, plan_only: bool, apply_it: bool, user: str | None) -> int:
    """Deploy the custom fields and the permission set into the org, and assign it to the integration user.

    Fields that exist are compared and never altered. Salesforce tries the deployment before it is done. Safe to
    repeat: what is there already is left alone.
    """
    from connector.cli.session import process_settings, start_logs
    from connector.cli.setup_view import answer_of, print_outcome, print_plan
    from connector.cli.told import told
    from connector.flows.setup_salesforce import SetupReport, make_plan, set_up
    from connector.setting_up import open_salesforce_setup

    if plan_only and apply_it:
        raise click.UsageError("give --plan or --apply, not both")
    settings = process_settings()
    start_logs(output, settings)
    with (
        told(settings, output.command, changes=apply_it) as facts,
        open_salesforce_setup(settings, user=user) as opened,
    ):

        def show(org: OrgState, plan: SetupPlan) -> None:
            if not output.as_json:
                print_plan(output.console(), org, plan)

        if apply_it:
            report = set_up(opened.target, opened.metadata, show=show)
        else:
            org, plan = make_plan(opened.target, opened.metadata)
            show(org, plan)
            report = SetupReport(org=org, plan=plan)
        answer = answer_of(report, api_calls=opened.target.calls)
        facts.update(
            {"org_id": answer["org"]["org_id"], "applied": answer["applied"], "deploy_id": answer["deploy_id"]}
        )
        facts["changes"] = [f"{step['what']} {step['name']}" for step in answer["changes"]]

    def human(console: Console) -> None:
        print_outcome(console, report, applying=apply_it)

    output.result(answer, human=human)
    return Exit.FAILED if report.blocked else Exit.OK


@setup.command(short_help="Make or repair the webhook endpoint that sends us events.")
@click.option("--plan", "plan_only", is_flag=True, help="Show what would change and change nothing (the default).")
@click.option("--apply", "apply_it", is_flag=True, help="Show it, then do it.")
@click.option("--url", metavar="URL", help="Where events are to be sent; default: CONNECTOR_VERIFY__WEBHOOK_URL.")
@click.option(
    "--secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the signing secret of a new endpoint goes; default: stripe-webhook.secret in the home folder.",
)
@common
def stripe(output: Output, *, plan_only: bool, apply_it: bool, url: str | None, secret_file: Path | None) -> int:
    """Make or repair the webhook endpoint: switched on, of our API version, with exactly the events we handle.

    An endpoint of another API version is replaced and switched off; nothing is ever deleted. The signing secret of a
    new endpoint goes into a file that only you can read, and is printed nowhere. Safe to repeat.
    """
    from connector.cli.session import process_settings, start_logs
    from connector.cli.setup_stripe_view import answer_of, print_outcome, print_plan
    from connector.cli.told import told
    from connector.flows.setup_stripe import EndpointReport, make_plan, set_up_endpoint
    from connector.setting_up import open_stripe_setup

    if plan_only and apply_it:
        raise click.UsageError("give --plan or --apply, not both")
    settings = process_settings()
    start_logs(output, settings)
    with (
        told(settings, output.command, changes=apply_it) as facts,
        open_stripe_setup(settings, url=url, secret_file=secret_file) as opened,
    ):
        mode = "live" if opened.target.livemode else "test"

        def show(plan: EndpointPlan) -> None:
            if not output.as_json:
                print_plan(output.console(), plan, opened, mode=mode)

        if apply_it:
            report = set_up_endpoint(opened.target, opened.wanted, opened.secret_file, run_id=opened.run_id, show=show)
        else:
            report = EndpointReport(
                plan=make_plan(opened.target, opened.wanted, opened.secret_file, run_id=opened.run_id)
            )
            show(report.plan)
        path = opened.secret_file.path
        answer = answer_of(report, mode=mode, secret_file=path, api_calls=opened.target.calls)
        facts.update({"url": answer["url"], "applied": answer["applied"]})
        facts["changes"] = [f"{change['action']} {change['endpoint'] or ''}".strip() for change in answer["changes"]]

    def human(console: Console) -> None:
        print_outcome(console, report, secret_file=path, applying=apply_it)

    output.result(answer, human=human)
    return Exit.OK
