"""The alert rules and the dashboard in a real Prometheus that collects from a service of many processes.

What goes wrong is made to go wrong: each alert fires, and none is left when all is well again.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import requests
import yaml

from connector.stripe.client import API_VERSION
from connector.stripe.events import HEARD_TYPES
from tests.acceptance.program import Program, sandbox
from tests.acceptance.service import serving
from tests.deploy.prometheus import JOB, ROOT, RULES, needs_prometheus, watching
from tests.faults.box import behind_a_wire, pay
from tests.many.gate import Gate
from tests.support.ports import kept_port
from tests.support.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.program import Sandbox
    from tests.acceptance.service import Service
    from tests.deploy.prometheus import Prometheus

DASHBOARD = ROOT / "deploy/grafana/connector.json"
#: nothing here uses up the sandbox's five million calls a day; promtool tries that rule
MADE = 'connector_items_total{result="created",stream="invoice"}'
NOT_TRIED = {"SfApiBudget"}
SCHEDULE = """jobs:
  - {name: poll, work: poll, every_s: 5}
  - {name: sweep, work: sweep, cron: "0 0 1 1 *"}
  - {name: verify, work: verify, cron: "0 0 1 1 *"}
"""


@pytest.fixture
def box(tmp_path):
    with sandbox(tmp_path, "--stripe-rate", "10") as served:
        yield served


@pytest.fixture
def stripe(box):
    with behind_a_wire(box.stripe["api_base"]) as (wire, _):
        yield wire


@pytest.fixture
def gate(stripe):
    made = Gate(f"http://127.0.0.1:{stripe.port}")
    yield made
    made.close()


@pytest.fixture
def shared(tmp_path, box, gate, postgres_server):
    brakes = tmp_path / "brakes.yaml"
    brakes.write_text("voids: {at_least: 1, percent: 0}\n")
    with fresh_database(postgres_server, f"watched_{os.getpid()}") as url:
        settings = {
            **Program.for_sandbox(tmp_path / "home", box).settings,
            "CONNECTOR_DATABASE__URL": url.replace("postgresql://", "postgresql+psycopg://", 1),
            "CONNECTOR_DISPATCH": "procrastinate",
            "CONNECTOR_BRAKE_FILE": str(brakes),
            "CONNECTOR_RUN__SCHEDULE": str(tmp_path / "schedule.yaml"),
            "CONNECTOR_STRIPE__API_BASE": gate.url,
            # more than the account permits: there are answers of 429, and waits for a limit of our own
            "CONNECTOR_STRIPE__RATE_PER_SECOND": "100",
            "CONNECTOR_STRIPE__ENDPOINT_RATE_PER_SECOND": "100",
        }
        yield Program(tmp_path / "home", settings)


@dataclass
class Watched:
    """What is watched, by whom, and how to start another process of it."""

    prometheus: Prometheus
    box: Sandbox
    program: Program
    start: Callable[[str], Service]
    hook: dict

    def run(self, *arguments):
        answer = self.program.run(*arguments)
        assert answer.code == 0, answer.err

    def fires(self, *names, **waiting):
        self.prometheus.until(lambda firing: set(names) <= firing, **waiting)

    def is_over(self, *, but=()):
        self.prometheus.until(lambda firing: firing <= set(but))


@pytest.fixture
def watched(tmp_path, box, shared):
    hears = f"127.0.0.1:{kept_port()}"
    url = f"http://{hears}/webhooks/stripe"
    hook = box.stripe_post(
        "/v1/webhook_endpoints", url=url, api_version=API_VERSION, **{"enabled_events[]": list(HEARD_TYPES)}
    )
    shared.settings |= {
        "CONNECTOR_WEB__WEBHOOK_LISTEN": hears,
        "CONNECTOR_STRIPE__WEBHOOK_SECRETS": hook["secret"],
        "CONNECTOR_VERIFY__WEBHOOK_URL": url,
    }
    with watching(tmp_path) as prometheus, contextlib.ExitStack() as running:

        def start(role):
            return running.enter_context(
                serving(
                    shared,
                    tmp_path,
                    role=role,
                    schedule=SCHEDULE,
                    CONNECTOR_WEB__WEBHOOK_LISTEN=hears,
                    CONNECTOR_RUN__LEASE_S="3",
                )
            )

        yield Watched(prometheus, box, shared, start, hook)


@needs_prometheus
def test_each_alert_fires_for_its_cause_and_ends_with_it_and_every_panel_shows_something(watched, stripe, gate):
    prometheus = watched.prometheus
    watched.fires("ConnectorAbsent")

    web, clock, worker = watched.start("web"), watched.start("clock"), watched.start("worker")
    prometheus.collect_from(web, clock, worker)
    # asked of the service: the account's limit leaves nothing for questions of ours
    worker.until(lambda: worker.metrics().get(MADE, 0) > 10 and worker.is_at_rest())
    # the sandbox holds what no one can mirror, and nothing was swept yet
    watched.fires("DeadLettersGrowing", "CertificateOld")
    watched.run("schedule", "run", "sweep")
    watched.is_over(but={"DeadLettersGrowing"})

    what_needs_a_person(watched)

    stripe.cut()
    watched.fires("SystemFailing")
    stripe.mend()
    watched.is_over()

    the_only_worker_dies_in_a_write(watched, worker, gate)
    prometheus.collect_from(web, clock, watched.start("worker"))
    watched.is_over()

    assert prometheus.has_fired() == names_of_alerts() - NOT_TRIED
    assert {title: query for title, query in queries() if not prometheus.over_time(query)} == {}
    # and a query that asks for what nobody counts would be found out
    assert prometheus.over_time("connector_nonsense") == []


def what_needs_a_person(watched):
    """Somebody forgets a pause, sends what is not signed, takes our endpoint away, cancels too much; and mends it."""
    box, endpoint = watched.box, f"/v1/webhook_endpoints/{watched.hook['id']}"

    def send_unsigned():
        requests.post(watched.hook["url"], data=b"{}", headers={"Stripe-Signature": "t=1,v1=0"}, timeout=30)

    watched.run("schedule", "pause", "quote", "--reason", "tried")
    box.stripe_post(endpoint, disabled="true")
    watched.run("schedule", "run", "verify")
    for row in box.query("SELECT Id FROM blng__Invoice__c WHERE Stripe_Status__c = 'open' LIMIT 2"):
        box.salesforce_update("blng__Invoice__c", row["Id"], blng__InvoiceStatus__c="Cancelled")
    watched.fires("PausedTooLong", "WebhooksRefused", "VerifyFailed", "ConnectorBraked", meanwhile=send_unsigned)

    watched.run("schedule", "resume", "quote")
    box.stripe_post(endpoint, disabled="false")
    watched.run("schedule", "run", "verify")
    watched.run("resume", "mass_void", "--reason", "tried", "--by", "ann")
    watched.is_over(but={"DeadLettersGrowing"})


def the_only_worker_dies_in_a_write(watched, worker, gate):
    """And what comes meanwhile waits."""
    box = watched.box
    gate.shut()
    account = box.query("SELECT Id FROM Account WHERE Stripe_Id__c != null LIMIT 1")[0]["Id"]
    box.salesforce_update("Account", account, Name="Renamed and Sons")
    worker.until(lambda: gate.held > 0)
    worker.process.kill()
    pay(box, 0)
    watched.fires("ConnectorStalled", "InboxAging", "UnresolvedWrites")
    gate.open()


def names_of_alerts():
    return {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}


def queries():
    """What each panel asks, with its title, as Grafana fills in the variable."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for number, target in enumerate(panel.get("targets", [])):
            # a record that one system refuses for a while is not made here: the series is there, with zeros
            yield f"{panel['title']} {number}", target["expr"].replace("$job", JOB).removesuffix(" > 0")
