"""What `setup salesforce` prints: the plan before, the outcome after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.flows.setup_salesforce_plan import State, What

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from connector.core.metadata import OrgState
    from connector.flows.setup_salesforce import SetupReport
    from connector.flows.setup_salesforce_plan import SetupPlan, Step

_MARKS: Final = {State.PRESENT: "=", State.HIDDEN: "=", State.CREATE: "+", State.CHANGE: "~", State.BLOCKED: "!"}
_STYLES: Final = {
    State.PRESENT: "dim",
    State.HIDDEN: "dim",
    State.CREATE: "green",
    State.CHANGE: "yellow",
    State.BLOCKED: "red",
}


def answer_of(report: SetupReport, *, api_calls: int) -> dict[str, Any]:
    org, left = report.org, report.after or report.plan
    return {
        "org": {"org_id": org.org_id, "name": org.org_name, "is_sandbox": org.is_sandbox},
        "signed_in": org.signed_in.username,
        "user": org.assignee_name,
        "validated": report.plan.validated,
        "changes": [step.as_dict() for step in report.plan.changes],
        "blocked": [step.as_dict() for step in left.blocked],
        "steps": [step.as_dict() for step in report.plan.steps],
        "applied": report.after is not None,
        "deploy_id": report.deploy_id,
        "api_calls": {"salesforce": api_calls, "stripe": 0},
    }


def print_plan(console: Console, org: OrgState, plan: SetupPlan) -> None:
    kind = "sandbox" if org.is_sandbox else "production"
    console.print(f"Salesforce org {org.org_name} ({kind}, {org.org_id}), signed in as {org.signed_in.username}")
    _print_steps(console, plan.steps)
    if plan.validated:
        console.print("Salesforce has tried this deployment and changed nothing.")
    elif plan.components:
        console.print("Salesforce has not tried this deployment: what stands in the way comes first.")


def _print_steps(console: Console, steps: Sequence[Step]) -> None:
    for place, step in enumerate(steps):
        console.print(f"{_MARKS[step.state]} {step.what} {step.name}: {step.detail}", style=_STYLES[step.state])
        # neighbours with one remedy are mended together: it is said once, below the last of them
        if step.remedy and (place + 1 == len(steps) or steps[place + 1].remedy != step.remedy):
            console.print(f"    fix: {step.remedy}")


def print_outcome(console: Console, report: SetupReport, *, applying: bool) -> None:
    plan = report.plan
    if report.after is not None:
        _print_done(console, report)
    elif plan.blocked:
        console.print(
            f"Nothing was changed: {_count(len(plan.blocked), 'point')} to settle first, marked with !", style="red"
        )
    elif not plan.changes:
        console.print("Nothing to do: the org has everything.", style="green")
    elif not applying:
        console.print(f"Would change: {_summary(plan)}. Do it with connector setup salesforce --apply")


def _print_done(console: Console, report: SetupReport) -> None:
    assert report.after is not None
    console.print(f"Done: {_summary(report.plan)}.", style="green")
    if report.deploy_id is not None:
        console.print(f"Deployment {report.deploy_id}; Setup, Deployment Status shows it.")
    left = [*report.after.blocked, *report.after.changes]
    _print_steps(console, left)
    if not left:
        console.print("Looked at again: the org has everything.")


def _summary(plan: SetupPlan) -> str:
    parts = []
    fields = len(plan.components.fields)
    if fields:
        parts.append(f"create {_count(fields, 'field')}")
    parts += [f"{step.state} permission set {step.name}" for step in plan.changes if step.what is What.PERMISSION_SET]
    parts += [f"assign it to {step.name}" for step in plan.changes if step.what is What.ASSIGNMENT]
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
