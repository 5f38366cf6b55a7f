"""`connector status`: one screen about this installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from connector.cli.local import Local
    from connector.cli.output import Output
    from connector.core.brake import TrippedBrake

#: our own database is asked, nobody's quota
_SHORTEST_S = 1


@click.command(short_help="Is all well: what lags, waits, is parked, comes next, and needs a person.")
@click.option("--watch", "period", metavar="PERIOD", help="Look again every so often, until Ctrl-C: 5s, 1m.")
@common
def status(output: Output, *, period: str | None) -> int:
    """Show how it goes: health and why, each kind's lag, what waits, is parked or tried again, jobs, webhooks, the
    day's calls, the last runs.

    Asks our own database only, so it answers whatever the two systems do; what it says of them is what they told last.
    Exit code 1 when a person is needed.
    """
    from connector.cli.interrupt import stop_flag
    from connector.cli.local import opened_store
    from connector.cli.watching import period_s, repeat

    every_s = None if period is None else period_s(period, shortest_s=_SHORTEST_S)
    code = Exit.OK
    with opened_store(output) as local:

        def show() -> None:
            nonlocal code
            answer, brakes = answer_of(local)
            _clear_for(output, watching=every_s is not None)
            output.result(answer, human=lambda console: _print(console, answer, local, brakes))
            code = _code(answer)

        if every_s is None:
            show()
            return code
        with stop_flag(output) as stop:
            repeat(show, every_s, clock=local.clock, stop=stop)
        return code


def answer_of(local: Local) -> tuple[dict[str, Any], Sequence[TrippedBrake]]:
    """The answer as documented in docs/json.md, and the open brakes with what they would have written."""
    from dataclasses import asdict

    from connector.cli.brakes import brake_answer
    from connector.cli.certificate_view import standing_of
    from connector.cli.findings import grouped
    from connector.cli.held_view import held_back
    from connector.cli.parked import parked_groups
    from connector.cli.status_answer import service_answer
    from connector.cli.verify.last import last_verification
    from connector.config.retry_policies import load_retry_settings
    from connector.config.schedule import load_schedule
    from connector.core.health import Limits
    from connector.flows.connect import stopped_by
    from connector.runtime.moments import next_moment

    store, kinds, now = local.store, tuple(local.pack.kinds), local.clock.now()
    jobs = load_schedule(local.settings.run.schedule, kinds=kinds)
    retry = load_retry_settings(*local.settings.retry_files, kinds=local.pack.kinds)
    pulse, findings, identity = store.load_pulse(kinds), store.load_findings(), store.load_identity()
    answer = {
        "at": now,
        "identity": None if identity is None else asdict(identity),
        "service": service_answer(
            pulse, jobs, next_at={job.name: next_moment(job, now) for job in jobs}, limits=Limits(shares=retry.shares)
        ),
        "links": {kind: dict(states) for kind, states in store.count_links().items()},
        "signals": dict(store.count_signals()),
        "stopped_kinds": {kind: why for kind, why in stopped_by(findings, local.pack).items() if kind in kinds},
        "held_back": held_back(store),
        "parked": parked_groups(store, kinds),
        "findings": grouped(findings),
        "brakes": [brake_answer(brake) for brake in pulse.brakes],
        "verified": last_verification(store.verify_memory(None)),
        "certificate": standing_of(store, kinds=kinds, now=now, max_age_h=local.settings.sweep.certificate_max_age_h),
        "runs": [dict(row) for row in store.load_runs(5)],
    }
    return answer, pulse.brakes


def _code(answer: Mapping[str, Any]) -> Exit:
    from connector.cli.status_answer import is_degraded

    serious = any(group["severity"] in ("blocker", "error") for group in answer["findings"])
    needed = answer["stopped_kinds"] or answer["brakes"] or serious or is_degraded(answer["service"])
    return Exit.FAILED if needed else Exit.OK


def _clear_for(output: Output, *, watching: bool) -> None:
    import sys

    if watching and not output.as_json and sys.stdout.isatty():
        output.console().clear()


def _print(console: Console, answer: dict[str, Any], local: Local, brakes: Sequence[TrippedBrake]) -> None:
    from connector import __version__
    from connector.cli.brakes import print_brakes
    from connector.cli.certificate_view import print_standing
    from connector.cli.findings import print_findings
    from connector.cli.held_view import print_held
    from connector.cli.parked import print_parked
    from connector.cli.status_view import print_head, print_service, print_streams
    from connector.cli.verify.last import print_last
    from connector.core.currencies import counted_whole

    print_head(console, answer, version=__version__)
    print_brakes(console, brakes, currencies=counted_whole(local.settings.stripe.whole_unit_currencies))
    for kind, reason in answer["stopped_kinds"].items():
        console.print(f"! {kind} must not run: {reason}", style="bold red")
    print_streams(console, answer)
    print_service(console, answer["service"], now=answer["at"])
    print_last(console, answer["verified"])
    print_standing(console, answer["certificate"])
    print_held(console, answer["held_back"])
    print_parked(console, answer["parked"])
    print_findings(console, answer["findings"])
    if answer["runs"]:
        console.print("Last runs (UTC)", style="bold")
    for run in answer["runs"]:
        console.print(f"  {run_line(run)}")


def run_line(run: Mapping[str, Any]) -> str:
    """When, which command, how it ended, what it did."""
    summary = run["summary"] or {}
    started = f"{str(run['started_at'])[:19]}  {run['command']:<6}"
    if summary.get("by"):
        started += f" by {summary['by']}"
    if run["finished_at"] is None:
        return f"{started} did not end: it runs, or it was killed; the next run recovers what it left"
    parts = [str(summary.get("outcome", "done"))]
    for name, words in (
        ("looked_at", "looked at"),
        ("writes", "writes"),
        ("recovered", "recovered"),
        ("refused", "refused"),
    ):
        if name in summary and (summary[name] or name in ("looked_at", "writes")):
            parts.append(f"{summary[name]} {words}")
    if "duration_ms" in summary:
        parts.append(f"{summary['duration_ms']} ms")
    return f"{started} {', '.join(parts)}" + (f": {summary['error']}" if summary.get("error") else "")
