"""The service as ops run it: a child process with ports of its own, asked and waited for over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from connector.runtime.clock import SystemClock
from connector.store import open_store
from tests.acceptance.program import TIMEOUT_S
from tests.support.forks import Forked, forks
from tests.support.ports import kept_port

#: longer than a busy machine ever keeps a process from renewing it
LEASE_S = 60
SCHEDULE = """jobs:
  - {name: poll, work: poll, every_s: 5}
"""


@dataclass
class Service:
    process: subprocess.Popen | Forked
    webhook_url: str
    ops_url: str
    log: object

    def ask(self, path):
        return requests.get(self.ops_url + path, timeout=30)

    def health(self):
        return self.ask("/healthz").json()

    def is_at_rest(self):
        """Nothing waits and nothing is in doubt; who cannot ask the database does not know, and says so."""
        health = self.health()
        return health.get("unresolved") == 0 and not any(stream["waiting"] for stream in health["streams"])

    def metrics(self):
        lines = self.ask("/metrics").text.splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    def until(self, condition, *, patience_s=TIMEOUT_S):
        """Waits, asking, until the condition holds; fails with the log when it does not or the process ended."""
        deadline = time.monotonic() + patience_s
        while not self._holds(condition):
            assert self.process.poll() is None, self.words()
            assert time.monotonic() < deadline, self.words()
            time.sleep(0.05)

    @staticmethod
    def _holds(condition):
        try:
            return condition()
        except requests.RequestException:
            return False

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(timeout=TIMEOUT_S)

    def words(self):
        # it may be in the middle of a letter
        return self.log.read_text(encoding="utf-8", errors="replace")

    def lines(self):
        """Those that are whole: it may be in the middle of one."""
        return [json.loads(line) for line in self.words().split("\n")[:-1] if line.startswith("{")]


@contextlib.contextmanager
def serving(program, folder, *, schedule=SCHEDULE, command=None, role="all", **changes):
    """`connector run`, forked; or a command that does the same, started from nothing. It runs while the block does, and
    is killed at its end if it is still there.
    """
    plan = folder / "schedule.yaml"
    plan.write_text(schedule)
    webhook, ops = kept_port(), kept_port()
    log = folder / f"service-{ops}.log"
    settings = {
        "CONNECTOR_WEB__WEBHOOK_LISTEN": f"127.0.0.1:{webhook}",
        "CONNECTOR_WEB__OPS_LISTEN": f"127.0.0.1:{ops}",
        "CONNECTOR_RUN__SCHEDULE": str(plan),
        "CONNECTOR_RUN__LEASE_S": str(LEASE_S),
        "CONNECTOR_LOG__FORMAT": "json",
        **changes,
    }
    with log.open("wb") as errors:
        process = _started(
            command, role, folder=program.home.parent, environment=program.environment(settings), err=errors
        )
        service = Service(process, f"http://127.0.0.1:{webhook}/webhooks/stripe", f"http://127.0.0.1:{ops}", log)
        try:
            yield service
        finally:
            process.kill()
            process.wait(timeout=TIMEOUT_S)


def leases_run_out(program):
    """Of a process that was killed, as they would by themselves: a minute of waiting is spared."""
    store = open_store(f"sqlite:///{program.home}/state.sqlite", clock=SystemClock())
    for lease in store.leases.load():
        store.leases.release(lease)
    store.close()


def _started(command, role, *, folder, environment, err):
    if command is None:
        with Path(os.devnull).open("wb") as out:
            arguments = ["run", "--role", role]
            return forks().start(arguments, folder=folder, environment=environment, out=out, err=err)
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=err, start_new_session=True
    )
