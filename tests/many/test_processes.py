"""Processes that share the work are killed, stopped and woken: everything arrives, once, and each moment is kept once."""

from __future__ import annotations

import contextlib
import signal

from sqlalchemy import create_engine, text

from tests.acceptance.program import TIMEOUT_S, pairs
from tests.acceptance.service import serving
from tests.support.ports import kept_port
from tests.support.waiting import Stopwatch

#: two heartbeats of a worker are four thirds of it
LEASE_S = 9
TWO_HEARTBEATS_S = LEASE_S * 4 / 3
PUT_BACK = "a job that nobody works on was put back"


def query(url, statement):
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return connection.execute(text(statement)).all()
    finally:
        engine.dispose()


def lines_of(services, **wanted):
    """What the logs say of this, in all of them."""
    return [line for service in services for line in service.lines() if wanted.items() <= line.items()]


def require_no_twins(box):
    for table in (*pairs(box)[0].values(), *pairs(box)[1].values()):
        marks, mates = [mark for mark, _ in table], [mate for _, mate in table]
        assert len(marks) == len(set(marks))
        assert len(mates) == len(set(mates))


@contextlib.contextmanager
def processes(folder, box, shared):
    """A function that starts one of a role; `web` hears what happens at Stripe, and could reach neither system."""
    port, away = kept_port(), f"http://127.0.0.1:{kept_port()}"
    url = f"http://127.0.0.1:{port}/webhooks/stripe"
    hook = box.stripe_post("/v1/webhook_endpoints", url=url, **{"enabled_events[]": "*"})
    of_web = {
        "CONNECTOR_WEB__WEBHOOK_LISTEN": f"127.0.0.1:{port}",
        "CONNECTOR_STRIPE__WEBHOOK_SECRETS": hook["secret"],
        "CONNECTOR_STRIPE__API_BASE": away,
        "CONNECTOR_SALESFORCE__LOGIN_URL": away,
        "CONNECTOR_SALESFORCE__INSTANCE_URL": away,
    }
    with contextlib.ExitStack() as running:

        def start(role, **changes):
            settings = {"CONNECTOR_RUN__LEASE_S": str(LEASE_S), **(of_web if role == "web" else {}), **changes}
            return running.enter_context(serving(shared, folder, role=role, **settings))

        yield start


def pay(box):
    """A customer pays; the SOQL that finds it in Salesforce once it has arrived."""
    invoice = next(row for row in box.stripe_list("/v1/invoices") if row["status"] == "open")
    box.stripe_post(f"/v1/invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    return f"SELECT Id FROM blng__Invoice__c WHERE Stripe_Id__c = '{invoice['id']}' AND Stripe_Status__c = 'paid'"


def is_done(box, service):
    """The first sync is through, and nothing is waiting or in doubt."""
    # in this order: before the first look nothing waits either
    return len(pairs(box)[0]["invoices"]) > 10 and service.is_at_rest()


def test_workers_and_a_clock_that_die_or_sleep_cost_time_and_nothing_else(
    tmp_path, box, shared, database_url, make_gate
):
    gates = [make_gate(), make_gate()]
    for gate in gates:
        gate.shut()
    with processes(tmp_path, box, shared) as start:
        sleeping_clock, clock = start("clock"), start("clock")
        # both have half of the shards, and hang in the middle of what they write
        killed, sleeping = (
            start("worker", CONNECTOR_RUN__DRAINS_AT_ONCE="2", CONNECTOR_STRIPE__API_BASE=gate.url) for gate in gates
        )
        killed.until(lambda: gates[0].held > 0)
        sleeping.until(lambda: gates[1].held > 0)
        worker, web = start("worker"), start("web")
        for service in (worker, web):
            service.until(lambda service=service: service.ask("/readyz").status_code == 200)

        killed.process.send_signal(signal.SIGKILL)
        sleeping.process.send_signal(signal.SIGSTOP)
        sleeping_clock.process.send_signal(signal.SIGSTOP)
        with Stopwatch() as putting_back:
            worker.until(lambda: lines_of((worker, clock), event=PUT_BACK, job="drain"))
        assert putting_back.took_s <= TWO_HEARTBEATS_S
        worker.until(lambda: is_done(box, worker))
        before = box.writes()

        # they wake up in the middle of what somebody else has done since
        gates[1].open()
        sleeping.process.send_signal(signal.SIGCONT)
        sleeping_clock.process.send_signal(signal.SIGCONT)
        sleeping.until(lambda: lines_of([sleeping], event="drain", outcome="taken over"))
        assert box.writes() == before

        # one that would be the whole service alone finds that it is not
        with serving(shared, tmp_path, CONNECTOR_DISPATCH="embedded") as alone:
            assert alone.process.wait(timeout=TIMEOUT_S) == 75
            assert "processes that share the work" in alone.words()

        # and are of use again
        assert worker.stop() == 0, worker.words()
        paid = pay(box)
        web.until(lambda: web.metrics().get('connector_webhooks_total{answer="stored"}', 0) > 0)
        sleeping.until(lambda: len(box.query(paid)) == 1)
        for service in (sleeping, web, clock, sleeping_clock):
            assert service.stop() == 0, service.words()
        polls = lines_of((killed, sleeping, worker), event="poll", outcome="done")
    [(moments,)] = query(database_url, "SELECT count(*) FROM tick WHERE outcome = 'done'")
    assert 0 < len(polls) <= moments
    require_no_twins(box)
    assert query(database_url, "SELECT id FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing')") == []
