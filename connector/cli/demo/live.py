"""`connector demo --service`: the service runs, people work in both systems, and each edit is seen to arrive live."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import requests

from connector.cli.demo.child import end, running
from connector.cli.demo.home import first_day_of_last_month, fresh_home, write_service_settings, write_settings
from connector.cli.demo.people import People
from connector.cli.demo.sandbox_process import serving
from connector.cli.demo.telling import Telling
from connector.core.errors import ConnectorError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connector.cli.demo.people import Deed
    from connector.cli.output import Output
    from connector.ports import Clock

#: far more than any of these takes on a slow machine
_PATIENCE_S: Final = 120.0
_LOOK_EVERY_S: Final = 0.05
_TIMEOUT_S: Final = 10
#: beyond one poll: so long nobody does anything, and nothing may be written
_QUIET_S: Final = 5.0


class ServiceFailed(ConnectorError):
    """The service ended, or did not do in time what it is there for; its own words are in `service.log`."""


@dataclass(slots=True, kw_only=True)
class Service:
    """The child, asked over HTTP as an operator would."""

    child: subprocess.Popen[bytes]
    ops: str
    log: Path
    clock: Clock

    def health(self) -> dict[str, Any]:
        """Empty while it does not answer yet."""
        try:
            return dict(requests.get(f"http://{self.ops}/healthz", timeout=_TIMEOUT_S).json())
        except requests.RequestException:
            return {}

    def seconds_until(self, what: str, condition: Callable[[], bool]) -> float:
        """How long it took. Raises ServiceFailed when the service ended, or it does not come true."""
        began_s = self.clock.monotonic_s()
        while not condition():
            if self.child.poll() is not None:
                raise ServiceFailed(f"the service ended with {self.child.returncode}, see {self.log}")
            if self.clock.monotonic_s() - began_s > _PATIENCE_S:
                raise ServiceFailed(f"not seen within {_PATIENCE_S:.0f} s: {what}; see {self.log}")
            self.clock.sleep(_LOOK_EVERY_S)
        return round(self.clock.monotonic_s() - began_s, 2)

    def is_idle(self) -> bool:
        health = self.health()
        waiting = [stream["waiting"] for stream in health.get("streams", [])]
        return bool(health.get("connected")) and health.get("unresolved") == 0 and sum(waiting) == 0


def run_live_demo(output: Output, *, seed: int, scale: int, home: Path, poll_s: int) -> dict[str, Any]:
    """The answer of `connector demo --service`; `quiet_writes` must be 0."""
    from connector.runtime.clock import SystemClock

    telling = Telling(console=output.error_console() if output.as_json else output.console())
    clock, home = SystemClock(), home.absolute()
    fresh_home(home)
    telling.chapter("Starting a simulated Salesforce org and Stripe account, in a process of their own")
    sandbox = serving(["--seed", str(seed), "--scale", str(scale)], log=home / "sandbox.log")
    with sandbox as connection, kept_address() as webhooks, kept_address() as ops:
        now = clock.now()
        people = People(connection, now)
        write_settings(home, connection, go_live=first_day_of_last_month(now.date()))
        secret = people.hear(f"http://{webhooks}/webhooks/stripe")
        write_service_settings(home, webhooks=webhooks, ops=ops, signing_secret=secret, poll_s=poll_s)
        telling.chapter("Starting the service (connector run), in another")
        telling.line(f"webhooks at http://{webhooks}/webhooks/stripe   health and metrics at http://{ops}")
        log = home / "service.log"
        with running(["run"], log=log, environment=_environment(home), folder=home) as child:
            return _tell(Service(child=child, ops=ops, log=log, clock=clock), people, telling, poll_s)


def _tell(service: Service, people: People, telling: Telling, poll_s: int) -> dict[str, Any]:
    first_s = service.seconds_until("everything mirrored", lambda: people.has_payable() and service.is_idle())
    telling.line(f"everything that was there is mirrored, {first_s:.1f} s after the start")
    telling.chapter(f"People work in both systems; the service hears of it by webhook, or looks every {poll_s} s")
    edits = []
    for deed in people.act():
        seconds = None if deed.arrived is None else service.seconds_until(deed.what, deed.arrived)
        edits.append({"what": deed.what, "subject": deed.subject, "side": deed.side, "seconds": seconds})
        telling.line(_line(deed, seconds))
    telling.chapter("Everybody goes home")
    service.seconds_until("nothing is left to do", service.is_idle)
    before = people.writes()
    service.clock.sleep(poll_s + _QUIET_S)
    written = sum(people.writes().values()) - sum(before.values())
    style = "green" if written == 0 else "bold red"
    telling.line(
        f"{poll_s + _QUIET_S:.0f} s and a poll later the systems' own counters say: {written} writes", style=style
    )
    code = end(service.child)
    telling.line(f"told to stop (SIGTERM), the service ended with exit code {_words(code)}")
    return {"first_sync_s": first_s, "edits": edits, "quiet_writes": written, "exit_code": code}


def _line(deed: Deed, seconds: float | None) -> str:
    other = "Stripe" if deed.side == "salesforce" else "Salesforce"
    arrived = "nothing of it is to arrive" if seconds is None else f"in {other} {seconds:.1f} s later"
    return f"{deed.what}: {deed.subject} → {arrived}"


def _words(code: int) -> str:
    return str(code) if code >= 0 else signal.Signals(-code).name


def _environment(home: Path) -> dict[str, str]:
    """Only the demo's own settings: whatever this machine is configured for must not be touched."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
    return {**kept, "CONNECTOR_HOME": str(home)}


@contextlib.contextmanager
def kept_address() -> Iterator[str]:
    """Where the service is going to listen. Others find the port taken meanwhile, whoever is told it does not; that is
    so on Linux, elsewhere it is only likely to be still free then.
    """
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        port = int(kept.getsockname()[1])
        if sys.platform != "linux":
            kept.close()
        yield f"127.0.0.1:{port}"
