"""The program as a user runs it: a child process, its exit code, its two streams, its files.

Most are forked from a process that has imported the program already: the start of Python and the imports cost ten times
what a command does. The main journeys begin with a start from nothing (`run_cold`).
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import requests

from tests.support.forks import Forked, forks

ROOT = Path(__file__).resolve().parents[2]
#: far above what anything here takes on a busy machine; a hang must end some time
TIMEOUT_S = 400
CONNECTOR = [sys.executable, "-m", "connector"]


def go_live():
    """The first day of the month before this one, as the sandbox's data expect."""
    today = datetime.now(UTC).date()
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1).isoformat()


@dataclass
class Sandbox:
    salesforce: dict
    stripe: dict

    def counters(self):
        """How many records each system wrote since it started, by its own count."""
        bases = {"salesforce": self.salesforce["instance_url"], "stripe": self.stripe["api_base"]}
        return {side: requests.get(f"{base}/_sandbox/counters", timeout=30).json() for side, base in bases.items()}

    def writes(self):
        return {side: counted["writes"] for side, counted in self.counters().items()}

    def query(self, soql):
        access = self.salesforce
        url = f"{access['instance_url']}/services/data/v{access['api_version']}/query"
        headers = {"Authorization": f"Bearer {access['access_token']}"}
        rows, params = [], {"q": soql}
        while True:
            reply = requests.get(url, params=params, headers=headers, timeout=30)
            reply.raise_for_status()
            page = reply.json()
            rows += page["records"]
            if page["done"]:
                return rows
            url, params = access["instance_url"] + page["nextRecordsUrl"], None

    def salesforce_update(self, sobject, record_id, **fields):
        access = self.salesforce
        url = f"{access['instance_url']}/services/data/v{access['api_version']}/sobjects/{sobject}/{record_id}"
        headers = {"Authorization": f"Bearer {access['access_token']}"}
        requests.patch(url, json=fields, headers=headers, timeout=30).raise_for_status()

    def stripe_list(self, path, **params):
        rows, params = [], {"limit": 100, **params}
        while True:
            reply = self.stripe_call("GET", path, params=params)
            reply.raise_for_status()
            rows += reply.json()["data"]
            if not reply.json()["has_more"]:
                return rows
            params["starting_after"] = rows[-1]["id"]

    def stripe_post(self, path, **data):
        reply = self.stripe_call("POST", path, data=data)
        reply.raise_for_status()
        return reply.json()

    def stripe_call(self, method, path, **given):
        """Asked again for as long as the account is asked too often: the program's own calls count as well."""
        headers = {"Authorization": f"Bearer {self.stripe['api_key']}"}
        while True:
            reply = requests.request(method, self.stripe["api_base"] + path, headers=headers, timeout=30, **given)
            if reply.status_code != 429:
                return reply


@contextlib.contextmanager
def sandbox(folder, *arguments):
    words, errors = folder / "sandbox.json", folder / "sandbox.log"
    with words.open("wb") as out, errors.open("wb") as err:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = forks().start(
            ["sandbox", "serve", "--json", *arguments], folder=ROOT, environment=environment, out=out, err=err
        )
    try:
        assert until(lambda: words.read_bytes().endswith(b"\n"), process=process), errors.read_text()
        said = json.loads(words.read_text())
        yield Sandbox(said["salesforce"], said["stripe"])
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out.splitlines()[-1])


@dataclass
class Run:
    """A command under way."""

    process: Forked
    out: IO[bytes]
    err: IO[bytes]

    def answer(self):
        """Waits for its end."""
        code = self.process.wait(TIMEOUT_S)
        return Answer(code, _text(self.out), _text(self.err))


@dataclass
class Program:
    """One installation: a home and settings."""

    home: Path
    settings: dict = field(default_factory=dict)

    @classmethod
    def for_sandbox(cls, home, box):
        return cls(
            home,
            {
                "CONNECTOR_HOME": str(home),
                "CONNECTOR_GO_LIVE": go_live(),
                "CONNECTOR_SALESFORCE__AUTH": "client_credentials",
                "CONNECTOR_SALESFORCE__LOGIN_URL": box.salesforce["login_url"],
                "CONNECTOR_SALESFORCE__INSTANCE_URL": box.salesforce["instance_url"],
                "CONNECTOR_SALESFORCE__CLIENT_ID": box.salesforce["client_id"],
                "CONNECTOR_SALESFORCE__CLIENT_SECRET": box.salesforce["client_secret"],
                "CONNECTOR_SALESFORCE__MARGIN_S": "0",
                "CONNECTOR_STRIPE__API_KEY": box.stripe["api_key"],
                "CONNECTOR_STRIPE__API_BASE": box.stripe["api_base"],
                "CONNECTOR_STRIPE__RATE_PER_SECOND": "1000",
                "CONNECTOR_STRIPE__ENDPOINT_RATE_PER_SECOND": "1000",
            },
        )

    def environment(self, changes):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
        given = {**self.settings, **changes}
        return {**clean, "NO_COLOR": "1", "PYTHONPATH": str(ROOT), **{n: v for n, v in given.items() if v is not None}}

    def run(self, *arguments, **changes):
        """Settings may be changed by name; None takes one away."""
        with self.running(*arguments, **changes) as run:
            return run.answer()

    @contextlib.contextmanager
    def running(self, *arguments, to=None, **changes):
        """The same, to be interrupted; killed at the end of the block if it is still there. Its answer goes `to` a
        stream of the caller's, if there is one.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = forks().start(
                arguments, folder=self.home.parent, environment=self.environment(changes), out=to or out, err=err
            )
            try:
                yield Run(process, out, err)
            finally:
                process.kill()
                process.wait(TIMEOUT_S)

    def run_cold(self, *arguments, **changes):
        """The same from nothing, as a shell starts it."""
        done = subprocess.run(
            [*CONNECTOR, *arguments],
            cwd=self.home.parent,
            env=self.environment(changes),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    @contextlib.contextmanager
    def running_cold(self, *arguments):
        """A run from nothing, to be listened to and interrupted; it gets a process group of its own."""
        process = subprocess.Popen(
            [*CONNECTOR, *arguments],
            cwd=self.home.parent,
            env=self.environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=TIMEOUT_S)
            process.stdout.close()
            process.stderr.close()


def _text(stream):
    stream.seek(0)
    return stream.read().decode()


def until(condition, *, process):
    """Waits, asking, until the condition holds or the process ends."""
    while not condition():
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    return True


def pairs(box):
    """Every mirrored record by its mark, from both sides: what duplicates and half-done work would show in."""
    at_stripe = {}
    for path in ("customers", "products", "quotes", "invoices", "payment_records"):
        marked = [row for row in box.stripe_list(f"/v1/{path}") if row["metadata"].get("salesforce_id")]
        at_stripe[path] = sorted((row["metadata"]["salesforce_id"], row["id"]) for row in marked)
    in_salesforce = {}
    for sobject in ("Account", "Product2", "SBQQ__Quote__c", "blng__Invoice__c", "blng__Payment__c"):
        rows = box.query(f"SELECT Id, Stripe_Id__c FROM {sobject} WHERE Stripe_Id__c != null")
        in_salesforce[sobject] = sorted((row["Id"], row["Stripe_Id__c"]) for row in rows)
    return at_stripe, in_salesforce
