"""`connector run` whose process dies while it takes a webhook in: `python -m tests.support.crash_receiver MOMENT`."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from typing import Any

from connector.cli.main import run
from connector.store import events

#: the event stands in a transaction that is not committed; it is committed, and nobody was answered
BEFORE_COMMIT, BEFORE_ANSWER = "before commit", "before answer"
#: several events stand in a transaction that is not committed
BEFORE_SHARED_COMMIT = "before the commit of several"


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_before_commit(events_min: int = 1) -> None:
    claim = events.claim_many

    def claimed(tx: Any, table: Any, rows: Any, **given: Any) -> Any:
        new = claim(tx, table, rows, **given)
        if len(rows) >= events_min:
            _die()
        return new

    events.claim_many = claimed


def _die_before_answer() -> None:
    receive = events.SqlEventInbox.receive

    def received(*args: Any, **given: Any) -> int:
        number = receive(*args, **given)
        _die()
        return number

    events.SqlEventInbox.receive = received


if __name__ == "__main__":
    moments = {
        BEFORE_COMMIT: _die_before_commit,
        BEFORE_SHARED_COMMIT: partial(_die_before_commit, events_min=2),
        BEFORE_ANSWER: _die_before_answer,
    }
    moments[sys.argv[1]]()
    sys.exit(run(["run"]))
