"""What a moment of the schedule does when the process is told to stop in the middle of it."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from connector.core.errors import Interrupted
from connector.core.schedule import ScheduledJob, Work
from connector.service.jobs import Jobs
from tests.support import builders as b

if TYPE_CHECKING:
    from tests.support.world import World

SWEEP = ScheduledJob(name="sweep", work=Work.SWEEP, every_s=60, cron=None, time_zone=ZoneInfo("UTC"))


def jobs_of(workspace: Any, stopping: threading.Event) -> Jobs:
    def nothing(*_given: Any) -> None:
        return None

    return Jobs(
        workspace,
        keep_events=timedelta(days=40),
        counting=None,  # type: ignore[arg-type] # nothing is drained here
        verify=nothing,
        wake=nothing,
        require_room=nothing,
        stopping=stopping,
    )


def test_a_sweep_that_is_told_to_stop_while_it_waits_is_not_done(world: World) -> None:
    workspace = world.open()
    b.quote(world, b.Offer(product=b.product(world)))
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Interrupted):
        jobs_of(workspace, stopping).do(SWEEP)
    assert workspace.store.certificates.load_recent() == []
