"""`connector schedule`: what the service does by itself, when, and what people stopped for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from connector.cli.options import common

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from rich.console import Console

    from connector.cli.local import Local
    from connector.cli.output import Output
    from connector.core.schedule import ScheduledJob


@click.group()
def schedule() -> None:
    """What the service does by itself, and when."""


@schedule.command("list")
@common
def list_jobs(output: Output) -> None:
    """Show every job: when it comes next, how it ended last, whether it is paused."""
    from connector.cli.local import opened_store

    with opened_store(output) as local:
        answer = {"jobs": [_row(local, job) for job in _jobs(local)], "paused": _pauses(local)}
    output.result(answer, human=lambda console: _print(console, answer))


@schedule.command()
@click.argument("subject")
@click.option("--reason", required=True, help="Why; people see it wherever the pause shows.")
@click.option("--by", metavar="NAME", help="Who says so; default: the user of this machine.")
@click.option("--for", "for_minutes", type=click.IntRange(1, 43_200), help="Minutes after which it goes on by itself.")
@common
def pause(output: Output, *, subject: str, reason: str, by: str | None, for_minutes: int | None) -> None:
    """Stop a job, a kind, or everything (`all`). Webhooks are taken in all the same."""
    from connector.cli.local import opened_store
    from connector.cli.person import person
    from connector.core.service import Pause

    with opened_store(output) as local:
        _require_subject(local, subject)
        now = local.clock.now()
        until = None if for_minutes is None else now + timedelta(minutes=for_minutes)
        local.store.schedule.pause(Pause(subject=subject, reason=reason, person=person(by), since=now, until=until))
        answer = {"paused": _pauses(local)}
    output.result(answer, human=lambda console: console.print(f"{subject} is paused{_until(until)}: {reason}"))


@schedule.command()
@click.argument("subject")
@click.option("--by", metavar="NAME", help="Who says so; default: the user of this machine.")
@common
def resume(output: Output, *, subject: str, by: str | None) -> None:
    """Let a paused job or kind go on."""
    from connector.cli.local import opened_store
    from connector.cli.person import person

    with opened_store(output) as local:
        _require_subject(local, subject)
        was_paused = local.store.schedule.unpause(subject, by=person(by))
        answer = {"resumed": was_paused, "paused": _pauses(local)}
    words = f"{subject} goes on" if was_paused else f"{subject} was not paused"
    output.result(answer, human=lambda console: console.print(words))


@schedule.command("run")
@click.argument("subject")
@click.option("--by", metavar="NAME", help="Who says so; default: the user of this machine.")
@click.option("--no-wait", is_flag=True, help="End as soon as the service has taken it.")
@common
def run_now(output: Output, *, subject: str, by: str | None, no_wait: bool) -> int:
    """Have a running service do a job now: by its name, or every poll of a kind."""
    from connector.cli.asked import NOT_TAKEN, ask_and_wait
    from connector.cli.exits import Exit
    from connector.cli.local import opened_store
    from connector.cli.person import person

    with opened_store(output) as local:
        _require_subject(local, subject)
        jobs = [job.name for job in _jobs(local) if job.name == subject or _polls(job, subject, local.pack.kinds)]
        if not jobs:
            raise click.BadParameter(f"{subject!r} is nothing to run; name a job, or a kind that is polled")
        ended = ask_and_wait(local.store.schedule, local.clock, jobs, by=person(by), waits=not no_wait)
    output.result({"jobs": ended}, human=lambda console: _print_ended(console, ended))
    outcomes = {each["outcome"] for each in ended}
    if NOT_TAKEN in outcomes:
        return Exit.RETRY
    return Exit.OK if outcomes <= {"done", None} else Exit.FAILED


def _polls(job: ScheduledJob, subject: str, kinds: Collection[str]) -> bool:
    """Whether this job asks for records of the kind that was named."""
    from connector.core.schedule import Work

    return job.work is Work.POLL and subject in kinds and subject in (job.kinds or kinds)


def _print_ended(console: Console, ended: list[dict[str, Any]]) -> None:
    for each in ended:
        words = "taken" if each["outcome"] is None else each["outcome"]
        console.print(f"{each['job']}: {words}{': ' + each['reason'] if each['reason'] else ''}")


def _jobs(local: Local) -> tuple[ScheduledJob, ...]:
    from connector.config.schedule import load_schedule

    return load_schedule(local.settings.run.schedule, kinds=tuple(local.pack.kinds))


def _require_subject(local: Local, subject: str) -> None:
    from connector.config.sections import did_you_mean
    from connector.core.schedule import ALL

    known = [ALL, *(job.name for job in _jobs(local)), *local.pack.kinds]
    if subject not in known:
        hint = did_you_mean(subject, known)
        raise click.BadParameter(f"{subject!r} is no job and no kind{hint}; there are {', '.join(known)}")


def _row(local: Local, job: ScheduledJob) -> dict[str, Any]:
    from connector.core.schedule import pause_of
    from connector.runtime.moments import next_moment

    last = local.store.schedule.load_last().get(job.name)
    stopped = pause_of(job, local.store.schedule.load_pauses())
    return {
        "name": job.name,
        "work": job.work.value,
        "every_s": job.every_s,
        "cron": job.cron,
        "time_zone": job.time_zone.key,
        "side": None if job.side is None else job.side.value,
        "kinds": list(job.kinds),
        "next_at": next_moment(job, local.clock.now()),
        "last": None if last is None else dict(last),
        "paused": None if stopped is None else stopped.reason,
    }


def _pauses(local: Local) -> list[dict[str, Any]]:
    return [
        {
            "subject": each.subject,
            "reason": each.reason,
            "person": each.person,
            "since": each.since,
            "until": each.until,
        }
        for each in local.store.schedule.load_pauses()
    ]


def _print(console: Console, answer: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("job", "does", "when", "next (UTC)", "last (UTC)", "ended"):
        table.add_column(title)
    for row in answer["jobs"]:
        when = f"every {row['every_s']} s" if row["every_s"] else f"{row['cron']} {row['time_zone']}"
        narrowed = " ".join([row["side"] or "", *row["kinds"]]).strip()
        last = row["last"]
        table.add_row(
            row["name"],
            f"{row['work']} {narrowed}".strip(),
            when,
            "paused" if row["paused"] else f"{row['next_at']:%Y-%m-%d %H:%M:%S}",
            "never" if last is None else f"{last['due_at']:%Y-%m-%d %H:%M:%S}",
            "" if last is None else " ".join(filter(None, (last["outcome"] or "at work", last["reason"]))),
        )
    console.print(table)
    for each in answer["paused"]:
        console.print(
            f"! {each['subject']} is paused by {each['person']} since {each['since']:%Y-%m-%d %H:%M} UTC"
            f"{_until(each['until'])}: {each['reason']}",
            style="yellow",
        )


def _until(until: datetime | None) -> str:
    return "" if until is None else f" until {until:%Y-%m-%d %H:%M} UTC"
