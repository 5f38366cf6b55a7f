"""What a pass did: its JSON answer, its table, its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.cli.certificate_view import print_certificate, print_standing
from connector.cli.exits import Exit
from connector.cli.findings import grouped, need_a_person, print_findings
from connector.cli.held_view import held_back, print_held
from connector.cli.parked import parked_groups, print_parked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from connector.cli.session import Session
    from connector.flows.report import PassReport


def answer_of(session: Session, report: PassReport) -> dict[str, Any]:
    """Part of every `--json` answer of a command that writes."""
    from connector.cli.session import all_findings, stopped_kinds

    return {
        "kinds": report.as_dict(),
        "writes": report.writes,
        "looked_at": report.looked_at,
        "recovered": report.recovered,
        "stopped_at": report.stopped_at,
        "stopped_kinds": dict(stopped_kinds(session)),
        "held_back": held_back(session.app.workspace.store),
        "short_of_calls": sorted(report.short_of_calls),
        "parked": parked_groups(session.app.workspace.store, session.app.workspace.pack.kinds),
        "findings": grouped(all_findings(session)),
        "api_calls": session.api_calls(),
        "seconds": session.seconds(),
    }


def exit_of_pass(session: Session, report: PassReport) -> Exit:
    """FAILED when a person is needed, RETRY when something is put off, else OK."""
    from connector.cli.session import all_findings

    workspace = session.app.workspace
    if workspace.stopped_kinds or need_a_person(all_findings(session)):
        return Exit.FAILED
    put_off = any(count.delayed or count.held for count in report.kinds.values())
    return Exit.RETRY if put_off or report.short_of_calls else Exit.OK


def print_report(console: Console, answer: dict[str, Any]) -> None:
    if answer["kinds"]:
        print_kinds(console, answer["kinds"])
    else:
        console.print("Nothing has changed on either side since the last pass.")
    print_not_mirrored(console, {kind: count.get("not_mirrored", {}) for kind, count in answer["kinds"].items()})
    for kind, reason in answer["stopped_kinds"].items():
        console.print(f"! {kind} must not run: {reason}", style="bold red")
    print_held(console, answer["held_back"])
    if answer["short_of_calls"]:
        kinds = ", ".join(answer["short_of_calls"])
        console.print(f"Salesforce's calls of the day run short: {kinds} wait, money goes on", style="yellow")
    print_parked(console, answer["parked"])
    print_findings(console, answer["findings"])
    if answer.get("sweep"):
        print_certificate(console, answer["sweep"])
    if "certificate" in answer:
        print_standing(console, answer["certificate"])
    calls = answer["api_calls"]
    recovered = f" · {answer['recovered']} operations recovered" if answer["recovered"] else ""
    console.print(
        f"{answer['looked_at']} records looked at · {answer['writes']} writes{recovered} · "
        f"API calls {calls['salesforce']} Salesforce / {calls['stripe']} Stripe · {answer['seconds']} s",
        style="bold",
    )


def print_not_mirrored(console: Console, counts: Mapping[str, Mapping[str, int]]) -> None:
    """A line per kind: reason and number of records."""
    for kind, reasons in counts.items():
        if reasons:
            texts = ", ".join(f"{reason} ({number})" for reason, number in reasons.items())
            console.print(f"- {kind} not mirrored: {texts}", style="dim")


def print_kinds(console: Console, kinds: dict[str, dict[str, Any]]) -> None:
    """The table per kind."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = ("created", "updated", "waiting", "parked")
    table.add_column("kind")
    for title in ("mirrored", "updated", "waiting", "parked"):
        table.add_column(title, justify="right")
    for kind, count in kinds.items():
        table.add_row(kind, *(str(count[column]) for column in columns))
    console.print(table)
