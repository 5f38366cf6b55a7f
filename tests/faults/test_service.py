"""The running service while its database and both systems go away: it goes on by itself, and nothing doubles."""

from __future__ import annotations

from tests.acceptance.program import TIMEOUT_S
from tests.acceptance.service import serving
from tests.faults.box import assert_nothing_is_doubled, behind_a_wire, is_paid, mirrored, pay
from tests.support.databases import rows_of
from tests.support.ports import kept_port
from tests.support.postgres_proxy import At, through
from tests.support.waiting import Stopwatch

WITHIN_S = 30
#: each side on its own, so that one goes on while the other is away
SCHEDULE = """jobs:
  - {name: salesforce, work: poll, side: salesforce, every_s: 5}
  - {name: stripe, work: poll, side: stripe, every_s: 5}
"""


def test_it_goes_on_when_the_database_and_both_systems_come_back(tmp_path, box, program, cluster, database, postgres):
    port = kept_port()
    address = f"127.0.0.1:{port}"
    secret = box.stripe_post(
        "/v1/webhook_endpoints", url=f"http://{address}/webhooks/stripe", **{"enabled_events[]": "*"}
    )
    with (
        behind_a_wire(box.stripe["api_base"]) as (stripe, api_base),
        behind_a_wire(box.salesforce["instance_url"]) as (salesforce, instance_url),
        serving(
            program,
            tmp_path,
            schedule=SCHEDULE,
            CONNECTOR_DATABASE__URL=through(postgres, database.url),
            CONNECTOR_STRIPE__API_BASE=api_base,
            CONNECTOR_SALESFORCE__LOGIN_URL=instance_url,
            CONNECTOR_SALESFORCE__INSTANCE_URL=instance_url,
            CONNECTOR_WEB__WEBHOOK_LISTEN=address,
            CONNECTOR_STRIPE__WEBHOOK_SECRETS=secret["secret"],
        ) as service,
    ):
        # the answer to a COMMIT is lost: of an intent, and of what came of one
        for place, writing in enumerate(("INSERT INTO operation", "UPDATE operation"), 1):
            postgres.at_commit(At.STORED, writing=writing)
            service.until(lambda place=place: postgres.met == place)
        cluster.stop()
        cluster.start()
        service.until(lambda: mirrored(box) > 10 and service.is_at_rest())

        # of a webhook: it is not answered 200, delivered again, and known
        postgres.at_commit(At.STORED, writing="INSERT INTO stripe_event")
        first = pay(box, 0)
        service.until(lambda: is_paid(box, first))
        service.until(lambda: service.metrics().get('connector_webhooks_total{answer="busy"}', 0) > 0)
        twice = "SELECT event_id FROM stripe_event WHERE deliveries > 1"
        service.until(lambda: rows_of(database, twice))

        # one system is away, the other one is heard all the same
        stripe.cut()
        [account] = [row["Id"] for row in box.query("SELECT Id FROM Account WHERE Stripe_Id__c != null LIMIT 1")]
        box.salesforce_update("Account", account, Name="Renamed while Stripe was away")
        service.until(lambda: rows_of(database, f"SELECT 1 FROM signal WHERE record_id = '{account}'"))
        stripe.mend()
        salesforce.cut()
        second = pay(box, 1)
        heard = "SELECT event_id FROM stripe_event WHERE type = 'invoice.paid'"
        service.until(lambda: len(rows_of(database, heard)) > 1)
        salesforce.mend()
        service.until(lambda: is_paid(box, second))
        renamed = "Renamed while Stripe was away"
        service.until(lambda: [row for row in box.stripe_list("/v1/customers") if row["name"] == renamed])
        service.until(service.is_at_rest)
        assert service.stop() == 0, service.words()
    assert_nothing_is_doubled(box)
    before = box.writes()
    again = program.run("sync", "--once", "--json", CONNECTOR_DATABASE__URL=database.url)
    assert again.code in (0, 1), again.err
    assert (again.json["writes"], box.writes()) == (0, before)


def test_a_process_cut_off_from_its_database_ends_and_another_one_takes_over(
    tmp_path, box, program, database, postgres
):
    """The network swallows everything: no answer comes, and no error."""
    short = {
        "CONNECTOR_RUN__LEASE_S": "12",
        "CONNECTOR_DATABASE__IDLE_TIMEOUT_S": "6",
        "CONNECTOR_DATABASE__STATEMENT_TIMEOUT_S": "6",
    }
    away = {**short, "CONNECTOR_DATABASE__URL": through(postgres, database.url)}
    here = {"CONNECTOR_DATABASE__URL": database.url}
    with serving(program, tmp_path, **away) as first:
        first.until(lambda: mirrored(box) >= 2)
        postgres.swallow()
        (tmp_path / "second").mkdir()
        with serving(program, tmp_path / "second", **here) as second:
            second.until(lambda: mirrored(box) > 10 and second.is_at_rest())
            assert first.process.wait(timeout=TIMEOUT_S) == 75, first.words()
            assert "the lease could not be renewed" in first.words()
            # what was on its way arrives now, from a process that is gone
            postgres.mend()
            second.until(second.is_at_rest)
            assert second.stop() == 0, second.words()
    assert_nothing_is_doubled(box)
    doubts = "SELECT id FROM operation WHERE state IN ('sent', 'unknown')"
    assert rows_of(database, doubts) == []


def test_it_ends_in_time_when_told_to_while_the_database_does_not_answer(tmp_path, program, database, postgres):
    """Whatever waits for it: a drain, the lease's renewal, a look at what is told of the service."""
    with serving(program, tmp_path, CONNECTOR_DATABASE__URL=through(postgres, database.url)) as service:
        service.until(lambda: service.ask("/readyz").status_code == 200)
        postgres.swallow()
        with Stopwatch() as stop:
            assert service.stop() in (0, 75), service.words()
        assert stop.took_s < WITHIN_S
