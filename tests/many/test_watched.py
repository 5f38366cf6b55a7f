"""What people are told of a service of many processes: by one of them, by the next when it dies, and wherever they ask."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import requests

from connector.core.alerts import Incident, incidents_as_json, incidents_of_json
from connector.core.brake import TrippedBrake
from connector.core.health import Word
from connector.runtime.clock import SystemClock
from connector.service.alerting import NOTE
from connector.store import open_store
from tests.many.receiver import receiving
from tests.many.test_processes import lines_of, processes
from tests.support.ports import kept_port
from tests.support.waiting import until


@pytest.fixture
def store(database_url):
    store = open_store(database_url, clock=SystemClock(), server_clock=True)
    yield store
    store.close()


def trip(store):
    """A brake that is on is an incident; one seen for so long that it is told at once."""
    now = datetime.now(UTC)
    since = now - timedelta(minutes=5)
    incident = Incident(code="braked", subject="mass_void", word=Word.DEGRADED, text="", since=since)
    store.save_note(NOTE, orjson.dumps(incidents_as_json([incident])).decode())
    store.brakes.trip(
        [TrippedBrake(name="mass_void", subject="", tripped_at=now, observed="40 voids", allowed="10", plan={})]
    )


def is_remembered(store):
    """A message counts as told once it left and that is stored; in between the next one would tell it again."""
    known = incidents_of_json(orjson.loads(store.load_note(NOTE)))
    return any(each.code == "braked" and each.told_at is not None for each in known)


def teller(store):
    return next((lease for lease in store.leases.load() if lease.name == "alerts" and lease.lasts), None)


def test_one_of_them_tells_and_the_next_when_it_dies(tmp_path, box, shared, store):
    with receiving() as receiver, processes(tmp_path, box, shared) as start:
        trip(store)
        alerts = {"CONNECTOR_ALERTS__URL": receiver.url}
        services = [start(role, **alerts) for role in ("clock", "clock", "web")]
        for service in services:
            service.until(lambda service=service: service.ask("/readyz").status_code == 200)
        services[0].until(lambda: receiver.changes("braked") and is_remembered(store))
        told_by = teller(store)
        [dies] = [each for each in services if f"pid {each.process.pid} " in told_by.holder]
        others = [each for each in services if each is not dies]

        dies.process.send_signal(signal.SIGKILL)
        dies.process.wait()
        # the lease of the dead, as it stands now, runs out by itself; a minute of waiting is spared here
        store.leases.release(teller(store))
        store.brakes.release("mass_void", "", by="ann", reason="wanted", at=datetime.now(UTC))
        others[0].until(lambda: "closed" in receiver.changes("braked"))
        assert teller(store).holder != told_by.holder
        for service in others:
            assert service.stop() == 0, service.words()
    assert receiver.changes("braked") == ["opened", "closed"]
    assert len({message["key"] for message in receiver.got if message["code"] == "braked"}) == 1


def service_of(program):
    return program.run("status", "--json").json["service"]


def test_each_is_seen_wherever_one_asks_and_keeps_a_restore_out(tmp_path, box, shared):
    with processes(tmp_path, box, shared) as start:
        worker = start("worker")
        worker.until(lambda: worker.health()["connected"])
        kept = shared.run("backup", "kept.zip", "--json")
        assert kept.code == 0, kept.err
        assert worker.stop() == 0, worker.words()

        cut_off = start("worker", CONNECTOR_STRIPE__API_BASE=f"http://127.0.0.1:{kept_port()}")
        web = start("web")
        # it is ready a moment before it says where
        web.until(lambda: lines_of([web], event="serving"))
        [serving] = lines_of([web], event="serving")
        for _ in range(3):
            reply = requests.post(f"{serving['webhooks']}/webhooks/stripe", data=b"{}", timeout=30)
            assert reply.status_code == 400
        web.until(lambda: any(each["why_not"] for each in service_of(shared)["processes"]))
        web.until(lambda: service_of(shared)["webhooks"]["refused"]["counts"] == {"signature": 3})
        health = web.health()
        assert {each["role"] for each in health["processes"]} == {"worker", "web"}
        assert any(reason.startswith("not connected (1 of 2 processes): ") for reason in health["reasons"])
        assert health["refused"]["newest"] == "signature"
        status = shared.run("status")
        assert f"pid {cut_off.process.pid} " in status.out
        assert "not taken in the last hour: 3 signature" in status.out
        assert cut_off.stop() == 0, cut_off.words()

        # the web alone, which holds no shard and wrote nothing, keeps it out as well, and is named
        [only] = service_of(shared)["processes"]
        assert only["role"] == "web"
        refused = shared.run("restore", "kept.zip", "--reason", "a drill")
        assert refused.code == 75, refused.err
        assert f"web {only['holder']}" in refused.err
        assert web.stop() == 0, web.words()
    assert service_of(shared)["processes"] == []
    # the lease they held together runs out by itself
    until(lambda: shared.run("restore", "kept.zip", "--reason", "a drill").code == 0)
