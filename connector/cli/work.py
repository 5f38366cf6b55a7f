"""A unit of work leaves two traces: one canonical log line, one row among the runs `status` shows."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from connector.cli.session import Session


@contextlib.contextmanager
def recorded(session: Session, *, by: str | None = None) -> Iterator[MutableMapping[str, Any]]:
    """Yields the facts of the unit, to be filled in; they are stored and logged however the block ends. Who gave the
    command is one of them: `by`, else the user of this machine, where it knows one.
    """
    from connector.cli.person import user
    from connector.runtime.telemetry import recorded_unit

    workspace = session.app.workspace
    with recorded_unit(
        session.output.command,
        store=workspace.store,
        clock=workspace.clock,
        trace_id=session.trace_id,
        by=by or user(),
    ) as facts:
        try:
            yield facts
        finally:
            # The log line must not be written into a moving bar.
            session.progress.close()
