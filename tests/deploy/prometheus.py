"""A Prometheus of the test's own, with our rules in a hurry: a minute of theirs is a second here."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
import yaml

from tests.support.ports import kept_port

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy/prometheus/alerts.yaml"
JOB = "connector"
#: an alert has to hold for so long at most, however long its rule says
HOLDS_S = 5
PATIENCE_S = 240

needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")


def hurried(rules):
    """A copy of these rules in which every duration, and every age that is compared, is a sixtieth."""
    text = re.sub(r"\b(\d+)([mh])\b", lambda found: f"{int(found[1]) * (60 if found[2] == 'h' else 1)}s", rules)
    text = re.sub(r"(?<=> )\d{3,}\b", lambda found: str(int(found[0]) // 60), text)
    copy = yaml.safe_load(text)
    for group in copy["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            rule["for"] = f"{min(int(rule['for'].removesuffix('s')), HOLDS_S)}s"
    return yaml.safe_dump(copy)


@dataclass
class Prometheus:
    process: subprocess.Popen
    url: str
    #: the file it learns from whom to ask
    known: Path
    log: Path
    began_s: float = field(default_factory=time.time)

    def collect_from(self, *services):
        """From now on these are asked, and no others."""
        targets = [service.ops_url.removeprefix("http://") for service in services]
        fresh = self.known.with_suffix(".new")
        fresh.write_text(json.dumps([{"targets": targets}]))
        # in one step: it looks whenever the file changes
        fresh.replace(self.known)

    def ask(self, path, **params):
        answer = requests.get(f"{self.url}/api/v1/{path}", params=params, timeout=30).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def firing(self):
        return {each["labels"]["alertname"] for each in self.ask("alerts")["alerts"] if each["state"] == "firing"}

    def has_fired(self):
        """Every alert that fired at any time since the start."""
        return {each["metric"]["alertname"] for each in self.over_time('ALERTS{alertstate="firing"}')}

    def over_time(self, query):
        """The series that this query gave at any moment since the start."""
        return self.ask("query_range", query=query, start=self.began_s, end=time.time(), step=1)["result"]

    def until(self, condition, *, meanwhile=lambda: None):
        """Waits, asking, until the condition holds of what is firing."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition(firing := self.firing()):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"firing: {sorted(firing)}"
            meanwhile()
            time.sleep(0.5)


@contextlib.contextmanager
def watching(folder):
    """One that loads our rules and collects from nobody yet."""
    known, rules, config, log = (folder / name for name in ("known.json", "rules.yaml", "config.yaml", "log"))
    known.write_text("[]")
    rules.write_text(hurried(RULES.read_text()))
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": JOB, "file_sd_configs": [{"files": [str(known)]}]}],
    }
    config.write_text(yaml.safe_dump(settings))
    address = f"127.0.0.1:{kept_port()}"
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    with log.open("wb") as words:
        process = subprocess.Popen(
            [*command, f"--web.listen-address={address}", "--log.level=warn"], stdout=words, stderr=words
        )
    try:
        prometheus = Prometheus(process, f"http://{address}", known, log)
        _answers(prometheus)
        yield prometheus
    finally:
        process.terminate()
        process.wait(timeout=60)


def _answers(prometheus):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        assert prometheus.process.poll() is None, prometheus.log.read_text()
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{prometheus.url}/-/ready", timeout=5).ok:
                return
        assert time.monotonic() < deadline, prometheus.log.read_text()
        time.sleep(0.1)
