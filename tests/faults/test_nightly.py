"""A sweep in the middle of which the database dies is done again once it is back: the night is not lost."""

from __future__ import annotations

import contextlib

import pytest

from tests.acceptance.service import serving
from tests.faults.box import mirrored
from tests.support.databases import rows_of

SCHEDULE = """jobs:
  - {name: poll, work: poll, every_s: 5}
  - {name: sweep, work: sweep, cron: "0 0 29 2 *", grace_s: 600}
"""
#: what a moment that the database failed waits for, and what a sweep and a busy machine take
PATIENCE_S = 600


@pytest.mark.parametrize("roles", [("all",), ("clock", "worker")], ids=["alone", "many"])
def test_a_sweep_the_database_died_under_is_done_again(tmp_path, box, program, cluster, database, roles):
    settings = {
        "CONNECTOR_DATABASE__URL": database.url,
        "CONNECTOR_DISPATCH": "embedded" if roles == ("all",) else "procrastinate",
        "CONNECTOR_RUN__LEASE_S": "20",
    }

    def asked(*arguments):
        answer = program.run(*arguments, "--json", **settings)
        assert answer.code == 0, answer.err
        return answer.json

    def sweeps():
        return [tuple(row) for row in rows_of(database, "SELECT outcome FROM tick WHERE job = 'sweep'")]

    with contextlib.ExitStack() as running:
        *_, works = [
            running.enter_context(serving(program, tmp_path, role=role, schedule=SCHEDULE, **settings))
            for role in roles
        ]
        works.until(lambda: mirrored(box) > 10 and works.is_at_rest())
        # what the sweep finds is not looked at before the pause ends, and it waits for that
        asked("schedule", "pause", "customer", "--reason", "so that it waits")
        [account, *_] = box.query("SELECT Id FROM Account WHERE Stripe_Id__c != null")
        box.salesforce_update("Account", account["Id"], Name="Renamed AG")
        program.run(
            "schedule", "run", "sweep", "--no-wait", CONNECTOR_RUN__SCHEDULE=str(tmp_path / "schedule.yaml"), **settings
        )
        works.until(lambda: sweeps() == [(None,)] and waiting(works))
        cluster.stop()
        works.until(lambda: failed(works))
        assert works.health()["health"] == "unknown"
        assert not works.is_at_rest()
        cluster.start()
        asked("schedule", "resume", "customer")
        works.until(lambda: sweeps() == [("done",)], patience_s=PATIENCE_S)
        assert works.stop() == 0, works.words()


def waiting(service):
    return not service.is_at_rest()


def failed(service):
    """It has told that the sweep did not come to its end."""
    return any(
        "sweep" in (line["event"], line.get("job")) and line.get("outcome") == "failed" for line in service.lines()
    )
