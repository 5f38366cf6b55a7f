"""What is watched, three times the same: the metrics there are, those documented, those that rules and panels ask for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
import yaml

from connector.runtime.metrics import Metrics
from tests.house.tree import ROOT

RULES = ROOT / "deploy/prometheus/alerts.yaml"
DASHBOARD = ROOT / "deploy/grafana/connector.json"
RUNBOOKS = ROOT / "docs/runbooks"
NAME = re.compile(r"connector_[a-z_]+")


def registered() -> dict[str, set[str]]:
    """Name as documented -> every name it is collected under."""
    names = {}
    for family in Metrics().registry.collect():
        total = f"{family.name}_total" if family.type == "counter" else family.name
        parts = (
            {f"{family.name}_{part}" for part in ("bucket", "sum", "count")} if family.type == "histogram" else set()
        )
        names[total] = {total, *parts} if family.type != "histogram" else parts
    return names


def collected() -> set[str]:
    return set().union(*registered().values())


def documented() -> set[str]:
    text = (ROOT / "docs/service.md").read_text(encoding="utf-8")
    table = text[text.index("| metric |") : text.index("## Finding what happened")]
    return set(NAME.findall("\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("|"))))


def alerts() -> list[dict]:
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def test_every_metric_is_documented_and_every_documented_one_exists():
    assert documented() == set(registered())


def labels() -> dict[str, tuple[str, ...]]:
    """Name as documented -> its labels."""
    metrics = Metrics()
    made = {**metrics.gauges, **metrics.histograms, **metrics.counters}.values()
    return {metric._name + ("_total" if metric._type == "counter" else ""): metric._labelnames for metric in made}


def documented_labels() -> dict[str, tuple[str, ...]]:
    text = (ROOT / "docs/service.md").read_text(encoding="utf-8")
    found = {}
    for line in text[text.index("| metric |") : text.index("## Finding what happened")].splitlines():
        if not line.startswith("| `"):
            continue
        names, told = NAME.findall(line.split("|")[1]), line.split("|")[2].split(";")
        # one cell for all of a line's metrics, or one part for each
        parts = told if len(told) == len(names) else told * len(names)
        found |= {
            name: tuple(label.strip() for label in part.split(",") if label.strip())
            for name, part in zip(names, parts, strict=True)
        }
    return found


def test_labels_are_documented_and_none_can_hold_an_id():
    assert documented_labels() == labels()
    # each takes its values from a list of ours: kinds and jobs, brakes, answers, CODES, the capped causes, tasks
    bounded = {"version", "stream", "cause", "result", "answer", "brake", "shard", "api", "code", "severity"}
    bounded |= {"queue", "state"}
    assert {label for given in labels().values() for label in given} <= bounded


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_metrics_there_are_and_has_a_page(alert):
    asked = set(NAME.findall(alert["expr"]))
    assert asked
    assert asked <= collected()
    page = ROOT / alert["annotations"]["runbook"]
    assert page.is_file()
    assert alert["alert"] in page.read_text(encoding="utf-8").splitlines()[0]
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["annotations"]["summary"]


def test_every_page_belongs_to_an_alert():
    pages = {alert["annotations"]["runbook"] for alert in alerts()}
    assert {f"docs/runbooks/{path.name}" for path in RUNBOOKS.glob("*.md")} == pages


def panels() -> list[dict]:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_asks_for_metrics_there_are(panel):
    asked = {name for target in panel["targets"] for name in NAME.findall(target["expr"])}
    assert asked
    assert asked <= collected()
    assert panel["description"]


def test_every_metric_is_on_the_dashboard():
    """Whoever looks at it misses nothing that is counted."""
    text = DASHBOARD.read_text(encoding="utf-8")
    assert [name for name, parts in registered().items() if not any(part in text for part in parts)] == []


def test_no_panel_lies_over_another():
    taken: dict[tuple[int, int], str] = {}
    for panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_a_variable_that_has_a_choice_names_it_as_grafana_does():
    """`current` is a VariableOption of Grafana's published schema: text and value, or it is not there."""
    variables = json.loads(DASHBOARD.read_text(encoding="utf-8"))["templating"]["list"]
    assert variables
    for variable in variables:
        assert set(variable.get("current", {"text", "value"})) >= {"text", "value"}, variable["name"]


TRIED = ROOT / "deploy/prometheus/alerts_test.yaml"


@pytest.mark.parametrize("name", [alert["alert"] for alert in alerts()])
def test_an_alert_is_tried_both_ways(name):
    """promtool runs them where it is installed; that there is something to run is held everywhere."""
    cases = [
        case for test in yaml.safe_load(TRIED.read_text(encoding="utf-8"))["tests"] for case in test["alert_rule_test"]
    ]
    expected = {bool(case.get("exp_alerts")) for case in cases if case["alertname"] == name}
    assert expected == {True, False}


def promtool(*arguments) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_the_rules_sound_and_each_alert_comes_when_it_should():
    promtool("check", "rules", str(RULES))
    promtool("test", "rules", str(TRIED))


def test_promtool_can_read_every_query_of_the_dashboard(tmp_path):
    rules = [
        {"record": f"panel:{panel['id']}:{number}", "expr": target["expr"].replace("$job", ".*")}
        for panel in panels()
        for number, target in enumerate(panel["targets"])
    ]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", str(path))
