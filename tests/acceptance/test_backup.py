"""The drill as ops do it: kept while the service runs, put back when it was stopped, and nothing is made twice."""

from __future__ import annotations

from tests.acceptance.program import pairs
from tests.acceptance.service import serving


def _pay(box, number):
    for invoice in [row for row in box.stripe_list("/v1/invoices", status="open") if row["currency"] == "usd"][:number]:
        box.stripe_post(f"/v1/invoices/{invoice['id']}/pay", payment_method="pm_card_visa")


def _payments(box):
    return len(box.query("SELECT Id FROM blng__Payment__c WHERE Stripe_Id__c != null"))


def test_kept_while_it_runs_restored_when_it_was_stopped_and_nothing_twice(tmp_path, box, program):
    with serving(program, tmp_path) as service:
        service.until(lambda: len(pairs(box)[0]["invoices"]) > 10 and service.is_at_rest())
        kept = program.run("backup", "kept.zip", "--json")
        assert kept.code == 0, kept.err
        assert kept.json["tables"]["lease"] > 0
        # behind the backup life goes on: money comes in
        _pay(box, 2)
        service.until(lambda: _payments(box) == 2 and service.is_at_rest())
        refused = program.run("restore", "kept.zip")
        assert refused.code == 75
        assert f"pid {service.process.pid}" in refused.err
        assert service.stop() == 0, service.words()
    before, writes = pairs(box), box.writes()
    assert program.run("restore", "kept.zip", "--plan").code == 0
    restored = program.run("restore", "kept.zip", "--reason", "a drill", "--json")
    assert restored.code == 0, restored.err
    assert restored.json["aside"]
    stopped = program.run("sync", "--once", "--json")
    assert (stopped.code, stopped.json["error"]["brakes"][0]["name"]) == (1, "store_restored")
    assert "connector recover" in stopped.err
    assert program.run("resume", "store_restored", "--reason", "hurry").code == 64
    with serving(program, tmp_path) as service:
        # the service is up, takes webhooks in, and leaves both systems alone
        service.until(lambda: service.health()["connected"] and service.health()["brakes"] == ["store_restored"])
        service.until(lambda: service.health()["jobs"].get("poll", {}).get("outcome") == "failed")
        assert box.writes() == writes
        recovered = program.run("recover", "--reason", "a drill", "--json")
        assert recovered.code == 0, recovered.err
        assert box.writes() == writes
        # it goes on by itself
        service.until(lambda: service.health()["brakes"] == [] and service.is_at_rest())
        _pay(box, 1)
        service.until(lambda: _payments(box) == 3 and service.is_at_rest())
        assert service.stop() == 0, service.words()
    after = pairs(box)
    assert after[0] == before[0]
    for sobject, rows in before[1].items():
        assert set(rows) <= set(after[1][sobject])
        assert len(after[1][sobject]) - len(rows) == (1 if sobject == "blng__Payment__c" else 0)
    assert program.run("audit", "verify").code == 0
