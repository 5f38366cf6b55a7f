"""What `setup stripe` prints: the plan before, the outcome after. Never a signing secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.endpoints import Action

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from connector.core.endpoints import Change, EndpointPlan
    from connector.flows.setup_stripe import EndpointReport
    from connector.setting_up import StripeSetup

_MARKS: Final = {Action.CREATE: "+", Action.UPDATE: "~", Action.DISABLE: "-"}
_STYLES: Final = {Action.CREATE: "green", Action.UPDATE: "yellow", Action.DISABLE: "red"}


def setting_line(secret_file: Path) -> str:
    """What to add to `.env` so that deliveries of the new endpoint can be verified."""
    return f"CONNECTOR_STRIPE__WEBHOOK_SECRETS=file:{secret_file}"


def answer_of(report: EndpointReport, *, mode: str, secret_file: Path, api_calls: int) -> dict[str, Any]:
    ids = {done.change.idempotency_key: done.endpoint_id for done in report.written}
    return {
        "mode": mode,
        "url": report.plan.wanted.url,
        "api_version": report.plan.wanted.api_version,
        "events": list(report.plan.wanted.events),
        "changes": [_change(change, ids.get(change.idempotency_key)) for change in report.plan.changes],
        "applied": bool(report.written),
        "secret_file": str(secret_file) if report.stored else None,
        "setting": setting_line(secret_file) if report.stored else None,
        "api_calls": {"salesforce": 0, "stripe": api_calls},
    }


def print_plan(console: Console, plan: EndpointPlan, opened: StripeSetup, *, mode: str) -> None:
    console.print(f"Stripe account of the key {opened.target.key_hint} ({mode} mode), endpoint {plan.wanted.url}")
    for change in plan.changes:
        _print_change(console, change)
    if plan.creates:
        # said before anything is written: a run that is stopped half way must not hide where the secret is
        console.print(f"    its signing secret goes into {opened.secret_file.path}, and is shown nowhere else")
        if opened.secret_file.is_taken():
            console.print("    ! that file holds something already: name another with --secret-file", style="red")


def print_outcome(console: Console, report: EndpointReport, *, secret_file: Path, applying: bool) -> None:
    plan = report.plan
    if not plan.changes:
        console.print(
            f"Nothing to do: one endpoint sends us the {len(plan.wanted.events)} events we handle.", style="green"
        )
        return
    if not applying:
        console.print(f"Would change: {_summary(plan)}. Do it with connector setup stripe --apply")
        return
    console.print(f"Done: {_summary(plan)}.", style="green")
    if report.stored:
        console.print(f"The signing secret is in {secret_file}, which only you can read.")
        console.print("Add this line to .env (after a comma where a secret stands there already):")
        console.print(f"    {setting_line(secret_file)}")


def _print_change(console: Console, change: Change) -> None:
    name = change.wanted.url if change.endpoint is None else change.endpoint.id
    console.print(
        f"{_MARKS[change.action]} {change.action} endpoint {name}: {change.why}", style=_STYLES[change.action]
    )
    if change.endpoint is None:
        console.print(f"    + api_version = {change.wanted.api_version}")
        console.print(f"    + {len(change.wanted.events)} events: {', '.join(change.wanted.events)}")
    if change.enable:
        console.print("    ~ switched on")
    if change.add_events:
        console.print(f"    + events {', '.join(change.add_events)}")
    if change.remove_events:
        console.print(f"    - events {', '.join(change.remove_events)}")


def _summary(plan: EndpointPlan) -> str:
    return ", ".join(
        f"{change.action} {'an endpoint' if change.endpoint is None else change.endpoint.id}" for change in plan.changes
    )


def _change(change: Change, written_id: str | None) -> dict[str, Any]:
    return {
        "action": change.action.value,
        "endpoint": written_id if change.endpoint is None else change.endpoint.id,
        "why": change.why,
        "enable": change.enable,
        "add_events": list(change.add_events if change.endpoint is not None else change.wanted.events),
        "remove_events": list(change.remove_events),
    }
