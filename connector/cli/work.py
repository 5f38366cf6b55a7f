"""A unit of work leaves two traces: one canonical log line, one row among the runs `status` shows."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from connector.cli.session import Session
    from connector.flows.report import PassReport


def facts_of(report: PassReport, **more: Any) -> dict[str, Any]:
    """What the log line and the stored run say of a pass: its counts, the zeros left out."""
    kinds = {
        kind: {name: number for name, number in count.items() if isinstance(number, int) and number}
        for kind, count in report.as_dict().items()
    }
    return {
        "looked_at": report.looked_at,
        "writes": report.writes,
        "recovered": report.recovered,
        "kinds": {kind: count for kind, count in kinds.items() if count},
        **more,
    }


@contextlib.contextmanager
def recorded(session: Session) -> Iterator[MutableMapping[str, Any]]:
    """Yields the facts of the unit, to be filled in; they are stored and logged however the block ends."""
    from connector.runtime.telemetry import unit_of_work

    workspace = session.app.workspace
    run_id = workspace.store.start_run(session.output.command, workspace.clock.now())
    facts: MutableMapping[str, Any] = {}
    try:
        with unit_of_work(session.output.command, clock=workspace.clock, run=run_id) as facts:
            try:
                yield facts
            finally:
                # The log line must not be written into a moving bar.
                session.progress.close()
    finally:
        workspace.store.finish_run(run_id, workspace.clock.now(), dict(facts))
