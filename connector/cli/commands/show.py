"""`connector show`: everything known about one record, by its id of either system or its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from connector.cli.output import Output


@click.command(short_help="Show everything known about one record.")
@click.argument("record_id", metavar="ID")
@common
def show(output: Output, *, record_id: str) -> int:
    """Show the pair ID belongs to: both records as they are now, the link, its history and findings.

    ID is a Salesforce id (15 or 18 characters), a Stripe id (in_..., cus_..., pi_...), or the number on
    a mirrored document (INV-0009). A record that is not mirrored is shown with the reason.
    """
    from connector.cli.record_view import print_records
    from connector.cli.session import keys_of, opened
    from connector.flows.plan import make_plan
    from connector.flows.show import show as show_flow
    from connector.runtime.redaction import mask_contact

    with opened(output) as session:
        workspace = session.app.workspace
        keys = keys_of(session, record_id)
        found = mask_contact(show_flow(workspace, keys), "")
        answer = {"id": record_id, **found, "why_not": []}
        if not found["links"]:
            plan = make_plan(workspace, only=keys)
            session.progress.close()
            answer["why_not"] = [
                *(f"{entry.kind}: the next pass will {entry.action} it" for entry in plan.entries),
                *(f"{key}: {reason}" for key, reason in (*plan.waiting, *plan.parked)),
                *(f"{kind}: {reason}" for kind, reasons in plan.not_mirrored.items() for reason in reasons),
            ]
    output.result(answer, human=lambda console: print_records(console, answer, workspace.policy.currencies))
    return Exit.OK if answer["links"] else Exit.FAILED
