"""Brakes and a lost database as an operator meets them: what is said, the exit codes, the way out."""

from __future__ import annotations

import pytest


@pytest.fixture
def synced(program, box):
    """An installation whose invoices are mirrored."""
    assert program.run("sync", "--once").code == 0
    return program


def cancel_all(box):
    """Somebody cancels every mirrored invoice at once."""
    rows = box.query("SELECT Id FROM blng__Invoice__c WHERE Stripe_Id__c != null")
    for row in rows:
        box.salesforce_update("blng__Invoice__c", row["Id"], blng__InvoiceStatus__c="Cancelled")
    return len(rows)


def test_a_mass_void_stops_shows_its_plan_and_goes_on_after_a_person_said_why(synced, box):
    number = cancel_all(box)
    before = box.writes()
    stopped = synced.run("sync", "--once")
    assert stopped.code == 1
    assert "mass_void   since" in stopped.err
    assert f"{number} records would be voided" in stopped.err
    assert f"void invoice ({number})" in stopped.err
    assert 'connector resume "mass_void" --reason' in stopped.err
    machine = synced.run("sync", "--once", "--json")
    [brake] = machine.json["error"]["brakes"]
    assert (machine.code, machine.json["error"]["kind"], brake["name"]) == (1, "Braked", "mass_void")
    assert brake["would_write"] == {"void invoice": number}
    assert len(brake["plan"]["entries"]) == number
    status = synced.run("status", "--json")
    assert (status.code, [each["name"] for each in status.json["brakes"]]) == (1, ["mass_void"])
    shown = synced.run("resume")
    assert shown.code == 1
    assert "- void invoice" in shown.out
    assert box.writes() == before
    assert synced.run("resume", "--reason", " ").code == 64
    assert synced.run("resume", "mass_change", "--reason", "x").code == 64
    released = synced.run_cold("resume", "mass_void", "--reason", "they left us", "--by", "ann", "--json")
    assert released.code == 0
    [each] = released.json["released"]
    assert (each["released_by"], each["release_reason"]) == ("ann", "they left us")
    assert synced.run("sync", "--once").code == 0
    assert {row["status"] for row in box.stripe_list("/v1/invoices")} == {"void"}
    assert synced.run("resume").out.startswith("No brake is open")


def test_a_lost_database_writes_nothing_until_everything_is_linked_again(synced, box):
    for file in synced.home.glob("state.sqlite*"):
        file.unlink()
    before = box.writes()
    for _ in range(2):
        stopped = synced.run("sync", "--once")
        assert stopped.code == 1
        assert "connector recover" in stopped.err
    assert synced.run("resume", "--reason", "it is fine").code == 64
    planned = synced.run_cold("recover", "--plan", "--json")
    assert (planned.code, planned.json["stored"]) == (0, False)
    assert planned.json["kinds"]["invoice"]["relinked"] == len(box.stripe_list("/v1/invoices"))
    assert synced.run("sync", "--once").code == 1
    done = synced.run("recover", "--reason", "the disk died")
    assert done.code == 0
    assert "linked again" in done.out
    assert synced.run("sync", "--once").code == 0
    assert box.writes() == before
