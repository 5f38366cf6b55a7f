"""`honcho start` with the Procfile as it is shipped: web, worker and clock are one service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.acceptance.program import ROOT, TIMEOUT_S
from tests.acceptance.service import LEASE_S, SCHEDULE, Service
from tests.many.test_processes import is_done, require_no_twins
from tests.support.ports import kept_port

#: honcho gives each line of the Procfile a port, so far from the one before
APART = 100


def free_ports(number):
    """The first of so many that are free, as far apart as honcho puts them."""
    while True:
        first = kept_port()
        try:
            for port in range(first + APART, first + number * APART, APART):
                kept_port(port)
        except (OSError, OverflowError):
            continue
        return first


def test_the_procfile_starts_a_service_and_ends_it(tmp_path, box, shared):
    first, hears = free_ports(3), kept_port()
    plan, log = tmp_path / "schedule.yaml", tmp_path / "honcho.log"
    plan.write_text(SCHEDULE)
    settings = {
        "CONNECTOR_WEB__WEBHOOK_LISTEN": f"127.0.0.1:{hears}",
        "CONNECTOR_STRIPE__WEBHOOK_SECRETS": "whsec_of_nobody",
        "CONNECTOR_RUN__SCHEDULE": str(plan),
        "CONNECTOR_RUN__LEASE_S": str(LEASE_S),
        "CONNECTOR_LOG__FORMAT": "json",
        # the Procfile says `python`
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = [sys.executable, "-m", "honcho", "start", "--no-prefix", "-f", str(ROOT / "Procfile"), "-p", str(first)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=shared.environment(settings), stdout=output, stderr=subprocess.STDOUT
        )
    web, worker, clock = (
        Service(process, "", f"http://127.0.0.1:{port}", log) for port in range(first, first + 3 * APART, APART)
    )
    try:
        worker.until(lambda: is_done(box, worker))
        for role, each in {"web": web, "worker": worker, "clock": clock}.items():
            # the others may still be starting
            each.until(lambda role=role, each=each: each.health()["role"] == role)
        process.send_signal(signal.SIGTERM)
        # honcho ends as what it was told to end with, its processes on their own terms
        assert process.wait(timeout=TIMEOUT_S) == 128 + signal.SIGTERM
        assert worker.words().count('"event": "stopping"') == 3, worker.words()
    finally:
        if process.poll() is None:
            # it takes its processes along, which a kill would leave behind
            process.terminate()
            process.wait(timeout=TIMEOUT_S)
    require_no_twins(box)
