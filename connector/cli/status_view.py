"""`connector status` for people: one screen, the worst first."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from connector.core.health import in_words
from connector.core.service import TOGETHER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rich.console import Console

_SIGNS: Final = {"ok": "●", "warning": "◐", "unknown": "○", "degraded": "✗"}
_STYLES: Final = {"ok": "green", "warning": "yellow", "unknown": "magenta", "degraded": "bold red"}
#: share of a system's calls of the day from which it is told in colour: the catalogue waits then
_SHORT: Final = 0.7


def print_head(console: Console, answer: Mapping[str, Any], *, version: str) -> None:
    """The worst word, who is joined, and every reason in a sentence."""
    service, identity = answer["service"], answer["identity"]
    word = service["health"]
    joined = "not connected yet"
    if identity is not None:
        joined = (
            f"Salesforce {identity['org_id']} {'sandbox' if identity['is_sandbox'] else 'production'} · "
            f"Stripe {identity['account_id']} {'live' if identity['livemode'] else 'test'}"
        )
    console.print(f"{_SIGNS[word]} {word}", style=_STYLES[word], end="")
    console.print(f"  connector {version}")
    console.print(joined, style="bold")
    for reason in service["reasons"]:
        console.print(f"  {_SIGNS[reason['word'].value]} {reason['text']}", style=_STYLES[reason["word"].value])


def print_streams(console: Console, answer: Mapping[str, Any]) -> None:
    """A line per kind that has anything to tell; the numbers of its links at the end."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("kind", no_wrap=True)
    table.add_column("health", no_wrap=True)
    for title in ("lag", "p95 1 h", "done 1 h", "waiting", "retry", "parked", "linked"):
        table.add_column(title, justify="right", no_wrap=True)
    for stream in answer["service"]["streams"]:
        links = answer["links"].get(stream["kind"], {})
        if not links and not stream["waiting"] and not stream["done"] and stream["paused"] is None:
            continue
        word = stream["health"]
        shown = f"{_SIGNS[word]} paused" if stream["paused"] is not None else f"{_SIGNS[word]} {word}"
        table.add_row(
            stream["kind"],
            Text(shown, style=_STYLES[word]),
            _seconds(stream["lag_s"]),
            "-" if stream["p95_s"] is None else f"≤{_seconds(stream['p95_s'])}",
            *(str(stream[name]) for name in ("done", "waiting", "held_back", "parked")),
            str(links.get("open", 0)),
        )
    if table.rows:
        console.print(table)
    else:
        console.print("Nothing is mirrored yet: `connector plan` shows what `connector sync --once` would do.")


def print_service(console: Console, service: Mapping[str, Any], *, now: datetime) -> None:
    """Jobs, webhooks, calls, who works."""
    if not service["has_run"]:
        console.print("The service has never run here; `connector run` starts it.")
    for job in service["jobs"] if service["has_run"] else ():
        console.print(f"{job['name']:<9} {_last(job['last'], now)}{_next(job, now)}", soft_wrap=True)
    webhooks = service["webhooks"]
    newest = "none yet" if webhooks["last_at"] is None else f"the newest {_ago(webhooks['last_at'], now)}"
    oldest = "" if service["oldest_s"] is None else f", the oldest {_seconds(service['oldest_s'])}"
    console.print(f"webhooks  {webhooks['last_hour']} in the last hour, {newest}")
    _print_refused(console, webhooks["refused"], now)
    doubt = f"  ·  {service['unresolved']} writes without a known end" if service["unresolved"] else ""
    console.print(f"waiting   {service['waiting']}{oldest}{doubt}")
    for side, quota in service["quotas"].items():
        _print_quota(console, side, quota, now)
    for process in service["processes"]:
        _print_process(console, process)
    told = {process["holder"] for process in service["processes"]}
    for holder in service["held_by"]:
        if holder not in told and not (told and holder == TOGETHER):
            console.print(f"process   {holder}")
    if service["has_run"] and not service["held_by"]:
        console.print("process   none: the service does not run now", style="yellow")


def _print_refused(console: Console, refused: Mapping[str, Any], now: datetime) -> None:
    if refused["newest_at"] is None:
        return
    causes = ", ".join(f"{number} {cause}" for cause, number in sorted(refused["counts"].items()))
    told = f"not taken in the last hour: {causes}; the newest {_ago(refused['newest_at'], now)}: {refused['newest']}"
    console.print(f"          {told}", style="yellow")


def _print_process(console: Console, process: Mapping[str, Any]) -> None:
    cut_off = "" if process["why_not"] is None else f"  ·  not connected: {process['why_not']}"
    style = "yellow" if cut_off else None
    console.print(f"process   {process['role']}  {process['holder']}{cut_off}", style=style, soft_wrap=True)
    for shard, why in process["troubles"].items():
        console.print(f"          shard {shard}: {why}", style="yellow", soft_wrap=True)


def _print_quota(console: Console, side: str, quota: Mapping[str, Any], now: datetime) -> None:
    until = "" if quota["until"] is None else f", waits until {quota['until']:%Y-%m-%d %H:%M} UTC"
    if quota["total"] is None:
        console.print(f"quota     {side} the day's calls are used up{until}", style="yellow")
        return
    ratio = quota["used"] / quota["total"] if quota["total"] else 0.0
    told = f"{ratio:.0%} of the day's {quota['total']:,} calls used ({quota['used']:,})"
    style = "yellow" if ratio >= _SHORT or until else None
    console.print(f"quota     {side} {told}, told {_ago(quota['at'], now)}{until}", style=style)


def _last(last: Mapping[str, Any] | None, now: datetime) -> str:
    if last is None:
        return "never ran"
    if last["outcome"] is None:
        return f"at work since {_ago(last['due_at'], now).removesuffix(' ago')}"
    reason = f" ({last['reason']})" if last["reason"] else ""
    return f"{last['outcome']} {_ago(last['finished_at'] or last['due_at'], now)}{reason}"


def _next(job: Mapping[str, Any], now: datetime) -> str:
    if job["paused"] is not None:
        return f"  ·  paused: {job['paused']}"
    return f"  ·  next in {in_words(job['next_at'] - now)}"


def _ago(moment: datetime, now: datetime) -> str:
    return f"{in_words(now - moment)} ago"


def _seconds(seconds: int | None) -> str:
    return "-" if seconds is None else in_words(timedelta(seconds=seconds))
