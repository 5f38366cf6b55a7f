"""Secrets are nowhere but where they were put, and no card number is anywhere: every command, every way it fails.

Each setting that holds a secret holds a canary; after everything was run, all that was printed, logged, stored and
written is searched for them. In this process, so that every command can be tried; the systems are the served sandbox.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from connector.cli.main import cli, run
from connector.stripe.signature import sign
from tests.acceptance.program import Program, sandbox
from tests.acceptance.service import serving
from tests.support.leaks import card_numbers_in, files_below, secrets_in
from tools.generate_docs import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

WEBHOOK_SECRET = "whsec_CanaryOfTheWebhookEndpoint0123456789"
PREVIOUS_SECRET = "whsec_CanaryOfTheEndpointBefore0123456789"
ALERT_PATH = "T0CANARY/B0CANARY/CanaryOfTheAlertsChannel0123456789"
AUDIT_KEY = "CanaryOfTheAuditTrail-0123456789-0123456789"
WRONG_KEY = "sk_test_CanaryOfAKeyNobodyKnows0123456789"
WRONG_SECRET = "CanaryOfAConsumerSecretNobodyKnows0123456789"
WRONG_TOKEN = "00D8d000008ZAAAEA4!CanaryOfASessionNobodyKnows0123456789"
PASSWORD = "CanaryOfTheDatabase0123456789"
PEM_BODY = "CanaryOfThePrivateKeyCanaryOfThePrivateKeyCanaryOfThePrivateKeyC"
PEM = f"-----BEGIN PRIVATE KEY-----\n{PEM_BODY}\n-----END PRIVATE KEY-----\n"

#: one line for every command and for what it may write; FILE names are searched afterwards
SURFACE = [
    "config show",
    "mapping check",
    "mapping test",
    "setup salesforce --plan",
    "setup salesforce --apply",
    "setup stripe --plan --url https://connector.example.com/events",
    "setup stripe --apply --url https://connector.example.com/events",
    "verify --html report.html --junit report.xml --sarif report.sarif",
    "verify --list",
    "verify attest SF-ORD-01 --by Ann --note seen --expires {soon}",
    "verify history",
    "adopt --plan",
    "plan --out plan.json",
    "apply plan.json",
    "sync --once --debug",
    "sweep",
    "certificate list",
    "certificate show",
    "resume",
    "backup kept.zip --force",
    "restore kept.zip --plan",
    "restore kept.zip --reason tried",
    "recover --plan",
    "recover --reason tried",
    "status",
    "show {account}",
    "parked list",
    "parked show {parked}",
    "parked retry {parked} --reason tried --yes",
    "parked discard {parked} --reason over --yes",
    "db check",
    "db upgrade",
    "schedule list",
    "schedule pause poll --reason tried",
    "schedule resume poll",
    "runs list",
    "runs show 1",
    "events list",
    "events show evt_nobody_sent",
    "events replay evt_nobody_sent",
    "audit verify",
    "audit head",
    "audit trace 0af7651916cd43dd8448eb211c80319c",
    "audit export --out trail.jsonl",
    "audit export --out trail.csv --format csv",
    "support-bundle --out bundle.zip",
]
#: commands with tests of their own for this: they make their own systems, or ask a person at a terminal
ELSEWHERE = {
    "connector demo": "tests/acceptance/test_main_job.py",
    "connector sandbox serve": "prints its own credentials: that is what it is for",
    "connector init": "tests/acceptance/test_init.py",
    "connector run": "below, as a process of its own",
    "connector schedule run": "needs a service that runs: tests/acceptance/test_service.py",
}

#: what is changed in the settings -> commands that then fail
FAILURES = {
    "a Stripe key nobody knows": (
        {"CONNECTOR_STRIPE__API_KEY": WRONG_KEY},
        ("plan", "verify", "setup stripe --plan"),
    ),
    "a consumer secret nobody knows": (
        {"CONNECTOR_SALESFORCE__CLIENT_SECRET": WRONG_SECRET},
        ("sync --once", "verify", "setup salesforce --plan"),
    ),
    "a session nobody knows": (
        {"CONNECTOR_SALESFORCE__AUTH": "token", "CONNECTOR_SALESFORCE__ACCESS_TOKEN": WRONG_TOKEN},
        ("sync --once", "verify"),
    ),
    "a private key that is none": (
        {
            "CONNECTOR_SALESFORCE__AUTH": "jwt",
            "CONNECTOR_SALESFORCE__USERNAME": "bot@example.com",
            "CONNECTOR_SALESFORCE__PRIVATE_KEY_FILE": "{elsewhere}/key.pem",
        },
        ("plan", "verify"),
    ),
    "a database that does not answer": (
        {"CONNECTOR_DATABASE__URL": f"postgresql://connector:{PASSWORD}@127.0.0.1:1/connector"},
        ("status", "verify", "audit verify", "verify history", "config show"),
    ),
    "a database address that is none": (
        {"CONNECTOR_DATABASE__URL": f"postgresql://connector:{PASSWORD}@[broken/connector"},
        ("status", "audit head"),
    ),
    "nobody listens at Stripe's address": ({"CONNECTOR_STRIPE__API_BASE": "http://127.0.0.1:1"}, ("plan", "verify")),
    "nobody listens at Salesforce's address": (
        {
            "CONNECTOR_SALESFORCE__LOGIN_URL": "http://127.0.0.1:1",
            "CONNECTOR_SALESFORCE__INSTANCE_URL": "http://127.0.0.1:1",
        },
        ("plan", "verify"),
    ),
    "a key where an address belongs": (
        {"CONNECTOR_STRIPE__API_BASE": f"https://user:{WRONG_SECRET}@api.stripe.com"},
        ("plan", "config show"),
    ),
    "a key where a word belongs": ({"CONNECTOR_LOG__LEVEL": WRONG_KEY}, ("status", "config show")),
    "a key under a name that is misspelt": ({"CONNECTOR_STRIPE__API_KEEY": WRONG_KEY}, ("status", "config show")),
    "a key whose file is not there": (
        {"CONNECTOR_STRIPE__API_KEY": "file:/nowhere/" + WRONG_SECRET[:0] + "key"},
        ("status",),
    ),
}
CANARIES = [WEBHOOK_SECRET, AUDIT_KEY, WRONG_KEY, WRONG_SECRET, WRONG_TOKEN, PASSWORD, PEM_BODY]


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    with sandbox(tmp_path_factory.mktemp("sandbox"), "--stripe-rate", "0") as running:
        yield running


@pytest.fixture
def elsewhere(tmp_path_factory) -> Path:
    """Where secrets are kept in files: not searched, they belong there."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "key.pem").write_text(PEM)
    return folder


@pytest.fixture
def say(tmp_path, box, elsewhere, monkeypatch, capfd) -> Iterator:
    """Runs a command line; exit code and everything that was printed."""
    settings = Program.for_sandbox(tmp_path / "home", box).settings | {
        "CONNECTOR_STRIPE__WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "CONNECTOR_AUDIT__KEYS": AUDIT_KEY,
        "CONNECTOR_LOG__LEVEL": "debug",
        "CONNECTOR_LOG__FORMAT": "json",
    }
    for name in [name for name in os.environ if name.startswith("CONNECTOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def say(line: str, *more: str, **changes: str) -> tuple[int, bytes]:
        with monkeypatch.context() as process:
            for name, value in {**settings, **changes}.items():
                process.setenv(name, value)
            code = run([*line.split(), *more])
        printed = capfd.readouterr()
        return code, (printed.out + printed.err).encode()

    return say


def _secrets(box, elsewhere):
    kept = [path.read_text().strip() for path in elsewhere.iterdir() if path.suffix == ".secret"]
    return [box.salesforce["client_secret"], box.salesforce["access_token"], box.stripe["api_key"], *kept, *CANARIES]


def test_every_command_is_tried():
    leaves = {path for path, command in commands(cli, "connector") if not hasattr(command, "commands")}
    tried = {path for path in leaves if any(f"connector {line} ".startswith(f"{path} ") for line in SURFACE)}
    assert leaves - tried == set(ELSEWHERE)


def test_whatever_is_done_no_secret_and_no_card_number_is_printed_logged_or_stored(tmp_path, box, elsewhere, say):
    account = box.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    soon = json.dumps(box.query("SELECT CreatedDate FROM Account LIMIT 1")[0]["CreatedDate"])[1:11]
    printed: dict[str, bytes] = {}
    for line in SURFACE:
        parked = _first_parked(say) if "{parked}" in line else None
        line = line.format(account=account, soon=soon, parked=parked)  # noqa: PLW2901 -- the line as it is said
        more = ["--secret-file", str(elsewhere / "webhook.secret")] if line.startswith("setup stripe") else []
        for form in ((), ("--json",)):
            code, text = say(line, *more, *form)
            assert code not in (64, 70) or _may_be_refused(line, form), (line, form, text.decode())
            printed[f"output of {line} {' '.join(form)}"] = text
        if line.startswith("sync"):
            _customers_pay(box)
            say("sync --once --debug")
    everything = printed | files_below(tmp_path)
    assert secrets_in(everything, _secrets(box, elsewhere)) == []
    assert card_numbers_in(everything) == []
    names = {Path(name).name for name in everything}
    assert names >= {
        "state.sqlite",
        "plan.json",
        "report.html",
        "trail.jsonl",
        "kept.zip",
        "link.jsonl",
        "settings.json",
    }


def _first_parked(say):
    """Logs stand on stderr, so the answer is the one line that is a whole JSON object of this command."""
    _, text = say("parked list --json")
    [answer] = [json.loads(line) for line in text.splitlines() if b'"command": "parked list", "groups"' in line]
    return answer["groups"][0]["example"]["id"]


def _may_be_refused(line, form):
    """The second time a file is there already, a plan is done, a parked record is discarded."""
    if line.startswith("events "):
        # nobody sends webhooks here: it answers that there is no such event
        return True
    return bool(form) and line.startswith(
        ("audit export", "apply", "verify attest", "parked discard", "support-bundle")
    )


def _customers_pay(box):
    for invoice in box.stripe_list("/v1/invoices", status="open")[:3]:
        box.stripe_post(f"/v1/invoices/{invoice['id']}/pay", payment_method="pm_card_visa")


@pytest.fixture
def own_box(tmp_path_factory):
    """For whoever writes: a database beside the one that wrote before would be taken for a restored one."""
    with sandbox(tmp_path_factory.mktemp("own"), "--stripe-rate", "0") as running:
        yield running


def test_a_service_tells_no_secret_on_either_address_in_its_log_in_a_backup_or_in_a_bundle(
    tmp_path, own_box, elsewhere
):
    box = own_box
    program = Program.for_sandbox(tmp_path / "home", box)
    program.settings |= {
        "CONNECTOR_STRIPE__WEBHOOK_SECRETS": f"{WEBHOOK_SECRET},{PREVIOUS_SECRET}",
        "CONNECTOR_AUDIT__KEYS": AUDIT_KEY,
        # nobody listens there: what cannot be told is logged
        "CONNECTOR_ALERTS__URL": f"http://127.0.0.1:1/services/{ALERT_PATH}",
        "CONNECTOR_LOG__LEVEL": "debug",
    }
    told: dict[str, bytes] = {}
    with serving(program, tmp_path) as service:
        service.until(lambda: service.ask("/readyz").status_code == 200 and service.health()["connected"])
        service.until(lambda: box.stripe_list("/v1/events") != [])
        event = json.dumps(box.stripe_list("/v1/events")[0]).encode()
        for number, (body, secret) in enumerate(
            [(event, WEBHOOK_SECRET), (event, PREVIOUS_SECRET), (event, WRONG_KEY), (b"{}", WEBHOOK_SECRET)]
        ):
            header = {"Stripe-Signature": sign(body, secret=secret, at=int(time.time()))}
            reply = requests.post(service.webhook_url, data=body, headers=header, timeout=30)
            told[f"answer {number}"] = f"{reply.status_code} {reply.headers} {reply.text}".encode()
        service.until(lambda: "an alert was not told" in service.words())
        for path in ("/metrics", "/healthz", "/readyz", "/livez", "/nothing"):
            told[path] = service.ask(path).content
        for line in (
            "backup kept.zip",
            f"support-bundle --out bundle.zip --log {service.log}",
            "config show",
            "db check",
        ):
            answer = program.run(*line.split())
            assert answer.code == 0, answer.err
            told[line] = (answer.out + answer.err).encode()
        assert service.stop() == 0, service.words()
    everything = told | files_below(tmp_path)
    assert [told[f"answer {number}"][:3] for number in range(4)] == [b"200", b"200", b"400", b"400"]
    assert b"connector_webhooks_total" in told["/metrics"]
    assert any(name.endswith("bundle.zip/log.jsonl") for name in everything)
    assert any(name.endswith("kept.zip/audit.jsonl") for name in everything)
    assert secrets_in(everything, [*_secrets(box, elsewhere), PREVIOUS_SECRET, ALERT_PATH]) == []
    assert card_numbers_in(everything) == []


@pytest.mark.parametrize("what", FAILURES)
def test_however_it_fails_no_secret_is_told(tmp_path, box, elsewhere, say, what):
    changes, lines = FAILURES[what]
    changes = {name: value.format(elsewhere=elsewhere) for name, value in changes.items()}
    printed = {}
    for line in lines:
        for form in ((), ("--json", "--debug")):
            code, printed[f"output of {line} {form}"] = say(line, *form, **changes)
            assert code != 70, printed
    everything = printed | files_below(tmp_path)
    assert secrets_in(everything, _secrets(box, elsewhere)) == []


class TestTheSearch:
    """It would find what it looks for."""

    @pytest.mark.parametrize("secret", CANARIES)
    def test_a_secret_that_was_printed_stored_or_quoted_in_part(self, secret):
        for text in (secret, f"x{secret[-20:]}y", json.dumps({"error": secret})):
            assert secrets_in({"log": text.encode()}, [secret]) == ["secret 0 in log"]
        assert secrets_in({"log": b"sk_test_*** whsec_***"}, [secret]) == []

    @pytest.mark.parametrize(
        "number",
        ["4242424242424242", "4242 4242 4242 4242", "5555-5555-5555-4444", "378282246310005", "6011111111111117"],
    )
    def test_a_card_number(self, number):
        assert card_numbers_in({"db": f'{{"memo":"{number}"}}'.encode()})
        assert card_numbers_in({"db": b"\0\x01" + number.encode() + b"\0"})

    @pytest.mark.parametrize(
        "number", ["4242424242424241", "1234567890123456", "a4242424242424242f", "1796083200", "0"]
    )
    def test_other_numbers_are_none(self, number):
        assert card_numbers_in({"db": number.encode()}) == []
