"""`connector run`: the service."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from types import FrameType

    from connector.cli.output import Output

#: seconds from being told to stop until the process is gone, whatever does not answer
_END_WITHIN_S: Final = 28.0
#: seconds until a thread at work lets another one in. Taking a webhook in needs the interpreter a few times, each time
#: behind whoever drains a shard; Python's own 5 ms are for a program that has nobody to answer
_SWITCH_S: Final = 0.001


@click.command(short_help="The service: stays, hears webhooks, keeps both systems in step.")
@click.option(
    "--role",
    type=click.Choice(["all", "clock", "worker", "web"]),
    default="all",
    show_default=True,
    help="What this process does; other than all only with CONNECTOR_DISPATCH=procrastinate.",
)
@common
def run(output: Output, *, role: str) -> int:
    """Stay, and keep both systems in step: hear webhooks, poll, sweep and verify by config/schedule.yaml.

    SIGTERM or Ctrl-C ends it after the operation in flight; whatever ends it otherwise loses nothing.
    """
    import os
    import threading

    from connector.cli.session import process_settings, start_logs
    from connector.runtime.clock import SystemClock
    from connector.service.roles import Role
    from connector.service.run import run as serve
    from connector.service.running import Running

    settings = process_settings()
    start_logs(output, settings)
    running = Running()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if running.stopping.is_set():
            # asked twice: what is under way is recovered by the next start
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        running.stopping.set()
        output.note("stopping after the operation in flight; once more to stop at once")

    ended = threading.Event()

    def end_in_time() -> None:
        """Where a database that does not answer holds up even what only closes, nothing is waited for any longer."""
        running.stopping.wait()
        if not ended.wait(_END_WITHIN_S):
            output.note("not waited for any longer: something does not answer; the next start ends what is in doubt")
            sys.stderr.flush()
            os._exit(Exit.OK if running.failure is None else Exit.RETRY)

    threading.Thread(target=end_in_time, name="end in time", daemon=True).start()
    switch_s = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    before: dict[int, Any] = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        serve(settings, role=Role(role), clock=SystemClock(), environment=os.environ, running=running)
    finally:
        ended.set()
        # whoever waits for the stop need not any more
        running.stopping.set()
        sys.setswitchinterval(switch_s)
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.stdout.flush()
        if running.is_abandoned:
            # a call that hangs must not keep the process: its thread would be waited for
            if running.failure is not None:
                output.note(str(running.failure))
            sys.stderr.flush()
            os._exit(Exit.OK if running.failure is None else Exit.RETRY)
    return Exit.OK
