"""`verify history`: how earlier runs ended, and what people said about checks."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from connector.cli.session import process_settings, start_logs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from connector.cli.output import Output
    from connector.core.verify.memory import AttestationEvent, PastRun


def history(output: Output, *, limit: int) -> None:
    """Prints both, newest first. Raises StoreError."""
    from connector.verification import open_memory

    settings = process_settings()
    start_logs(output, settings)
    with open_memory(settings) as memory:
        # one more, to say what changed in the oldest that is shown
        runs = memory.load_verifications(limit + 1)
        events = memory.load_attestation_history(limit)
    answer = {"runs": _runs(runs)[:limit], "attestations": [_event(event) for event in events]}
    output.result(answer, human=lambda console: _print(console, answer))


def _runs(runs: Sequence[PastRun]) -> list[dict[str, Any]]:
    told = []
    for run, before in pairwise([*runs, None]):
        assert run is not None
        told.append(
            {
                "run_id": run.run_id,
                "at": run.at.isoformat(timespec="seconds"),
                "profile": run.profile,
                "counts": dict(Counter(run.verdicts.values())),
                "ready": run.report.get("summary", {}).get("ready"),
                "changed": {} if before is None else _changed(before.verdicts, run.verdicts),
            }
        )
    return told


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    return {
        name: f"{before[name]} → {verdict}"
        for name, verdict in now.items()
        if name in before and before[name] != verdict
    }


def _event(event: AttestationEvent) -> dict[str, Any]:
    return {
        "check": event.check_id,
        "event": event.event,
        "by": event.by,
        "note": event.note,
        "at": event.at.isoformat(timespec="seconds"),
        "expires": None if event.expires is None else event.expires.isoformat(),
    }


def _print(console: Console, answer: Mapping[str, Any]) -> None:
    if not answer["runs"]:
        console.print("Nothing was verified yet: `connector verify` looks at everything.")
    for run in answer["runs"]:
        numbers = ", ".join(f"{number} {outcome.replace('_', ' ')}" for outcome, number in run["counts"].items())
        ready = {True: "ready", False: "not ready", None: ""}[run["ready"]]
        console.print(f"{run['at'][:19].replace('T', ' ')}  {ready:<9}  {run['profile']}: {numbers}")
        for name, words in run["changed"].items():
            console.print(f"    {name}: {words}")
    if answer["attestations"]:
        console.print("Attestations", style="bold")
    for event in answer["attestations"]:
        until = f" until {event['expires']}" if event["expires"] else ""
        note = f": {event['note']}" if event["note"] else ""
        console.print(f"  {event['at'][:10]}  {event['check']} {event['event']} by {event['by']}{until}{note}")
