"""A service under measurement: `connector run` as a child, and what people do to both systems it stands between."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

PATIENCE_S = 600
SCHEDULE = "jobs:\n  - {name: poll, work: poll, every_s: %d}\n"
_TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Systems:
    """Both simulated systems, asked as people would."""

    place: dict
    _local: threading.local = field(default_factory=threading.local)

    def _http(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            access = {"client_id": self.place["client_id"], "client_secret": self.place["client_secret"]}
            url = f"{self.place['salesforce']}/services/oauth2/token"
            reply = requests.post(url, data={"grant_type": "client_credentials", **access}, timeout=60)
            self._local.token = reply.json()["access_token"]
        return self._local.session

    def stripe(self, method: str, path: str, **given) -> dict:
        reply = self._http().request(
            method, self.place["stripe"] + path, auth=(self.place["api_key"], ""), timeout=60, **given
        )
        reply.raise_for_status()
        return reply.json()

    def salesforce(self, method: str, path: str, **given) -> dict:
        http = self._http()
        headers = {"Authorization": f"Bearer {self._local.token}"}
        url = f"{self.place['salesforce']}/services/data/v67.0/{path}"
        reply = http.request(method, url, headers=headers, timeout=60, **given)
        reply.raise_for_status()
        return reply.json() if reply.content else {}

    def query(self, soql: str) -> list[dict]:
        return self.salesforce("GET", "query", params={"q": soql})["records"]


@dataclass
class Service:
    process: subprocess.Popen
    ops: str
    webhooks: str
    log: Path

    def health(self) -> dict:
        try:
            return requests.get(f"http://{self.ops}/healthz", timeout=60).json()
        except requests.RequestException:
            return {}

    def metrics(self) -> dict[str, float]:
        lines = requests.get(f"http://{self.ops}/metrics", timeout=60).text.splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}

    def is_idle(self) -> bool:
        health = self.health()
        waiting = sum(stream["waiting"] for stream in health.get("streams", []))
        return bool(health.get("connected")) and health["unresolved"] == 0 and waiting == 0

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the service did not get there: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def cpu_s(self) -> float:
        """User and system time of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def held(self) -> dict[str, int]:
        """What it holds now: resident kilobytes, threads, descriptors."""
        status = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        found = {line.split(":")[0]: line.split()[1] for line in status if line.startswith(("VmRSS", "Threads"))}
        descriptors = sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())
        return {"resident_kb": int(found["VmRSS"]), "threads": int(found["Threads"]), "descriptors": descriptors}


@contextlib.contextmanager
def sandbox(*, invoices: int, latency_ms: int) -> Iterator[Systems]:
    command = [sys.executable, "-m", "bench.serve", "--invoices", str(invoices), "--latency-ms", str(latency_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Systems(json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait()


def access_of(place: dict) -> dict[str, str]:
    """The settings that lead to both systems."""
    return {
        "CONNECTOR_GO_LIVE": "2020-01-01",
        "CONNECTOR_SALESFORCE__AUTH": "client_credentials",
        "CONNECTOR_SALESFORCE__LOGIN_URL": place["salesforce"],
        "CONNECTOR_SALESFORCE__INSTANCE_URL": place["salesforce"],
        "CONNECTOR_SALESFORCE__CLIENT_ID": place["client_id"],
        "CONNECTOR_SALESFORCE__CLIENT_SECRET": place["client_secret"],
        "CONNECTOR_SALESFORCE__MARGIN_S": "0",
        "CONNECTOR_STRIPE__API_KEY": place["api_key"],
        "CONNECTOR_STRIPE__API_BASE": place["stripe"],
    }


def settings_of(systems: Systems, folder: Path, *, poll_s: int = 15) -> dict[str, str]:
    """An environment for `connector`, and nothing of this machine's own settings."""
    (folder / "schedule.yaml").write_text(SCHEDULE % poll_s)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
    return kept | {
        # as in the unit and in the container
        "MALLOC_ARENA_MAX": "2",
        "CONNECTOR_HOME": str(folder / "home"),
        **access_of(systems.place),
        "CONNECTOR_STRIPE__RATE_PER_SECOND": "1000",
        "CONNECTOR_STRIPE__ENDPOINT_RATE_PER_SECOND": "1000",
        "CONNECTOR_RUN__SCHEDULE": str(folder / "schedule.yaml"),
        "CONNECTOR_LOG__LEVEL": "warning",
    }


@contextlib.contextmanager
def service(
    systems: Systems,
    folder: Path,
    *,
    poll_s: int = 15,
    core: int | None = None,
    role: str = "all",
    settings: Mapping[str, str] | None = None,
) -> Iterator[tuple[Service, str]]:
    """The service, connected, everything mirrored and nothing left to do; and the signing secret of its endpoint.
    With `core` it runs on that processor alone. Another `role` needs `others`, and `settings` that they share.
    """
    webhooks, ops, log = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}", folder / "service.log"
    url = f"http://{webhooks}/webhooks/stripe"
    secret = systems.stripe("POST", "/v1/webhook_endpoints", data={"url": url, "enabled_events[]": "*"})["secret"]
    environment = settings_of(systems, folder, poll_s=poll_s) | {
        "CONNECTOR_WEB__WEBHOOK_LISTEN": webhooks,
        "CONNECTOR_WEB__OPS_LISTEN": ops,
        "CONNECTOR_STRIPE__WEBHOOK_SECRETS": secret,
        **(settings or {}),
    }
    with log.open("wb") as errors:
        command = [*pinned(core), sys.executable, "-m", "connector", "run", "--role", role]
        process = subprocess.Popen(command, env=environment, stderr=errors, stdout=subprocess.DEVNULL)
        running = Service(process, ops, webhooks, log)
        try:
            running.until(
                lambda: (
                    running.is_idle()
                    and bool(systems.query("SELECT Id FROM Account WHERE Stripe_Id__c != null LIMIT 1"))
                )
            )
            yield running, secret
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)


@contextlib.contextmanager
def others(
    roles: Iterable[str], settings: Mapping[str, str], folder: Path, *, core: int | None = None
) -> Iterator[None]:
    """Processes of a service of many, one of each role."""
    with contextlib.ExitStack() as processes:
        for role in roles:
            port = free_port()
            log = processes.enter_context((folder / f"{role}-{port}.log").open("wb"))
            process = subprocess.Popen(
                [*pinned(core), sys.executable, "-m", "connector", "run", "--role", role],
                env={**settings, "CONNECTOR_WEB__OPS_LISTEN": f"127.0.0.1:{port}"},
                stderr=log,
                stdout=subprocess.DEVNULL,
            )
            processes.callback(process.wait)
            processes.callback(process.terminate)
        yield


def shared_by_many(url: str) -> dict[str, str]:
    """Settings of processes that are one service on this PostgreSQL."""
    return {"CONNECTOR_DATABASE__URL": on_psycopg(url), "CONNECTOR_DISPATCH": "procrastinate"}


def on_psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def pinned(core: int | None) -> list[str]:
    return [] if core is None else ["taskset", "--cpu-list", str(core)]


def share(values: list[float], part: float) -> float:
    """The value below which so much of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
