"""Ctrl-C finishes the operation in flight; kill -9 at any moment leaves no duplicate on either side."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket

import pytest

from tests.acceptance.program import TIMEOUT_S, Program, pairs, until
from tests.many.gate import Gate


def assert_one_to_one(box):
    """Every mark once per side, and both sides say the same."""
    at_stripe, in_salesforce = pairs(box)
    for rows in (*at_stripe.values(), *in_salesforce.values()):
        assert len({mark for mark, _ in rows}) == len(rows)
        assert len({mate for _, mate in rows}) == len(rows)
    for path, sobject in (
        ("customers", "Account"),
        ("products", "Product2"),
        ("quotes", "SBQQ__Quote__c"),
        ("invoices", "blng__Invoice__c"),
    ):
        assert at_stripe[path] == in_salesforce[sobject]
    assert not any(invoice["status"] == "draft" for invoice in box.stripe_list("/v1/invoices"))


@pytest.fixture
def nobody_listens():
    """A pipe that is full: who has done everything and answers into it waits, and can still be killed."""
    unread, full = os.pipe()
    os.set_blocking(full, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(full, bytes(4096))
    os.set_blocking(full, True)
    with os.fdopen(unread, "rb"), os.fdopen(full, "wb", buffering=0) as stream:
        yield stream


#: how many writes the two systems have seen when the process dies: in the first create, in the middle of every kind
MOMENTS = (1, 4, 9, 17, 30, 45, 62, 80)


@pytest.mark.parametrize("writes", MOMENTS)
def test_a_killed_run_followed_by_another_leaves_no_duplicate(program, box, writes, nobody_listens):
    baseline = sum(box.writes().values())
    with program.running("sync", "--once", to=nobody_listens) as run:
        assert until(lambda: sum(box.writes().values()) - baseline >= writes, process=run.process), "it ended early"
        run.process.kill()
        assert run.process.wait(TIMEOUT_S) == -signal.SIGKILL
    resumed = program.run("sync", "--once", "--json")
    assert resumed.code == 0, resumed.err
    assert_one_to_one(box)
    assert len(box.stripe_list("/v1/invoices")) > 10
    before = box.writes()
    assert program.run("sync", "--once", "--json").json["writes"] == 0
    assert box.writes() == before


def test_a_run_killed_twice(program, box):
    for writes in (6, 25):
        baseline = sum(box.writes().values())
        with program.running("sync", "--once") as run:
            until(lambda base=baseline, more=writes: sum(box.writes().values()) - base >= more, process=run.process)
            run.process.kill()
            run.answer()
    assert program.run("sync", "--once").code == 0
    assert_one_to_one(box)


def test_two_runs_at_once_on_one_database_leave_no_duplicate(program, box):
    assert program.run("status").code == 0
    with program.running("sync", "--once", "--json") as one, program.running("sync", "--once", "--json") as other:
        answers = [run.answer() for run in (one, other)]
    assert {answer.code for answer in answers} <= {0, 75}, answers
    assert program.run("sync", "--once").code == 0
    assert_one_to_one(box)
    assert len(box.stripe_list("/v1/invoices")) > 10
    assert program.run("sync", "--once", "--json").json["writes"] == 0


def test_payments_survive_a_death(program, box):
    assert program.run("sync", "--once").code == 0
    paid = [invoice for invoice in box.stripe_list("/v1/invoices", status="open") if invoice["currency"] == "usd"][:4]
    for invoice in paid:
        box.stripe_post(f"/v1/invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    baseline = box.writes()["salesforce"]
    with program.running("sync", "--once") as run:
        until(lambda: box.writes()["salesforce"] > baseline, process=run.process)
        run.process.kill()
        run.answer()
    assert program.run("sync", "--once").code == 0
    payments = box.query("SELECT Id, Stripe_Id__c FROM blng__Payment__c WHERE Stripe_Id__c != null")
    assert len(payments) == len({row["Stripe_Id__c"] for row in payments}) == len(paid)
    allocations = box.query("SELECT Id, Stripe_Id__c FROM blng__PaymentAllocationInvoice__c WHERE Stripe_Id__c != null")
    assert len(allocations) == len({row["Stripe_Id__c"] for row in allocations}) == len(paid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_where_and_the_next_one_goes_on(program, box, number):
    gate = Gate(box.stripe["api_base"])
    # in the middle for as long as it takes to tell it
    gate.shut(after=3)
    with (
        contextlib.closing(gate),
        program.running("sync", "--once", "--json", CONNECTOR_STRIPE__API_BASE=gate.url) as run,
    ):
        assert until(lambda: gate.held > 0, process=run.process)
        run.process.send_signal(number)
        gate.open()
        stopped = run.answer()
    assert stopped.code == 130, stopped.err
    assert "stopped at" in stopped.err
    assert "Traceback" not in stopped.err
    assert stopped.json["exit_code"] == 130
    resumed = program.run("sync", "--once", "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["recovered"] == 0, "the operation in flight was not finished"
    assert_one_to_one(box)


def test_a_demo_stopped_by_ctrl_c_leaves_no_sandbox_behind(tmp_path):
    program = Program(tmp_path / "unused")
    with program.running_cold("demo", "--json", "--keep", str(tmp_path / "demo")) as run:
        address = None
        for line in run.stderr:
            found = re.search(r"Stripe http://127\.0\.0\.1:(\d+)", line)
            if found:
                address = ("127.0.0.1", int(found.group(1)))
            if "Applying" in line:
                break
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=TIMEOUT_S)
    assert run.returncode == 130
    assert json.loads(out.splitlines()[-1])["exit_code"] == 130
    assert address is not None
    with socket.socket() as probe:
        assert probe.connect_ex(address) != 0, "the sandbox still listens"
