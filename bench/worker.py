"""One measured process of ours: runs passes as told on stdin, answers each with what it cost.

`--record FILE` writes every request as sent, for the floor to send again.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

import requests

from bench.served import access_of
from connector.app import Sessions, open_app
from connector.config.settings_loader import load_settings
from connector.flows.sync import run_pass
from connector.runtime.garbage import search_less_often


class Recorder(requests.adapters.HTTPAdapter):
    """Writes down what leaves, and when."""

    def __init__(self, side: str, log: list, moments: list, lock: threading.Lock) -> None:
        super().__init__(pool_maxsize=64)
        self._side, self._log, self._moments, self._lock = side, log, moments, lock

    def send(self, request, *args, **kwargs):
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        keep = ("authorization", "content-type", "stripe-version", "idempotency-key", "sforce-call-options")
        headers = {name: value for name, value in request.headers.items() if name.lower() in keep}
        with self._lock:
            self._log.append([self._side, request.method, request.path_url, headers, body])
            self._moments.append(time.perf_counter())
        return super().send(request, *args, **kwargs)


def _sessions(log: list, moments: list) -> Sessions:
    lock = threading.Lock()

    def session(side: str) -> requests.Session:
        made = requests.Session()
        made.mount("http://", Recorder(side, log, moments, lock))
        return made

    return Sessions(salesforce=session("salesforce"), stripe=lambda: session("stripe"))


def _since_first_write(log: list, moments: list) -> dict[str, float]:
    """Stripe's share of a pass from its first write there on: calls, and seconds to the last one."""
    at_stripe = [(entry[1], moment) for entry, moment in zip(log, moments, strict=True) if entry[0] == "stripe"]
    begun = next(place for place, (method, _) in enumerate(at_stripe) if method == "POST")
    return {"calls": len(at_stripe) - begun, "wall_s": at_stripe[-1][1] - at_stripe[begun][1]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connection", required=True)
    parser.add_argument("--concurrency", default="8")
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    # as the program's own beginning
    search_less_often()
    place = json.loads(options.connection)
    home = tempfile.mkdtemp(prefix="bench-")
    rate = str(options.rate or 1_000_000)
    environment = {
        "CONNECTOR_HOME": home,
        **access_of(place),
        "CONNECTOR_STRIPE__CONCURRENCY": options.concurrency,
        "CONNECTOR_STRIPE__RATE_PER_SECOND": rate,
        "CONNECTOR_STRIPE__ENDPOINT_RATE_PER_SECOND": rate,
    }
    settings = load_settings(environment, folder=Path(home))
    log: list = []
    moments: list = []
    sessions = _sessions(log, moments) if options.record or options.rate else Sessions()
    for line in sys.stdin:
        started = len(log)
        wall, cpu = time.perf_counter(), time.process_time()
        with open_app(settings, sessions=sessions) as app:
            report = run_pass(app.workspace)
            answer = {
                "wall_s": time.perf_counter() - wall,
                "cpu_s": time.process_time() - cpu,
                "calls": app.calls(),
                "writes": report.writes,
                "kinds": report.as_dict(),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        if options.rate:
            answer["writing"] = _since_first_write(log[started:], moments[started:])
        if options.record:
            with options.record.open("a") as file:
                file.writelines(json.dumps([line.strip(), *entry]) + "\n" for entry in log[started:])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
