"""Both simulated systems in one process of their own: the connection line, the state file, the signal."""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
import threading

import orjson
import pytest
import requests
from click.testing import CliRunner

from connector.cli.commands.sandbox import sandbox
from connector.sandbox.salesforce.scenarios import SCENARIOS
from connector.sandbox.server import SandboxOptions, run

TIMEOUT_S = 120


@contextlib.contextmanager
def serving(**options):
    """The printed connection details of a sandbox that serves until the block ends."""
    stop, printed = threading.Event(), threading.Event()
    failures: list[ValueError] = []

    class Out(io.StringIO):
        def flush(self) -> None:
            printed.set()

    def serve() -> None:
        try:
            run(SandboxOptions(**options), out=out, stop=stop)
        except ValueError as error:
            failures.append(error)
        finally:
            printed.set()

    out = Out()
    thread = threading.Thread(target=serve)
    thread.start()
    assert printed.wait(TIMEOUT_S)
    try:
        if not failures:
            yield orjson.loads(out.getvalue())
    finally:
        stop.set()
        thread.join(TIMEOUT_S)
    if failures:
        raise failures[0]


def _stripe(connection, method: str, path: str, **params) -> requests.Response:
    url, key = connection["stripe"]["api_base"], connection["stripe"]["api_key"]
    return requests.request(
        method, url + path, data=params, headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT_S
    )


def _salesforce(connection, path: str) -> requests.Response:
    there = connection["salesforce"]
    headers = {"Authorization": f"Bearer {there['access_token']}"}
    return requests.get(
        f"{there['instance_url']}/services/data/v{there['api_version']}{path}", headers=headers, timeout=TIMEOUT_S
    )


def _count_accounts(connection) -> int:
    return _salesforce(connection, "/query?q=SELECT+COUNT()+FROM+Account").json()["totalSize"]


def test_one_line_tells_how_to_reach_both():
    with serving(scale=0) as connection:
        assert set(connection) == {"salesforce", "stripe"}
        assert set(connection["stripe"]) == {"api_base", "api_key", "webhook_secret"}
        assert set(connection["salesforce"]) == {
            "instance_url",
            "login_url",
            "access_token",
            "client_id",
            "client_secret",
            "username",
            "api_version",
        }
        assert _stripe(connection, "GET", "/v1/account").status_code == 200
        assert _salesforce(connection, "/limits").status_code == 200


def test_a_scale_fills_the_org():
    with serving(scale=0) as empty:
        without = _count_accounts(empty)
    with serving(scale=1) as seeded:
        assert _count_accounts(seeded) > without


def test_the_state_file_carries_both_over_a_restart(tmp_path):
    state_file = tmp_path / "deep" / "state.json"
    with serving(scale=1, state_file=state_file) as first:
        customer = _stripe(first, "POST", "/v1/customers", name="Ada").json()["id"]
        accounts = _count_accounts(first)
    assert [path.name for path in state_file.parent.iterdir()] == ["state.json"]
    with serving(scale=1, state_file=state_file) as second:
        assert second["stripe"]["api_key"] == first["stripe"]["api_key"]
        assert _stripe(second, "GET", f"/v1/customers/{customer}").json()["name"] == "Ada"
        assert _count_accounts(second) == accounts


@pytest.mark.parametrize("content", [b"", b"not json", b"[]", b'{"salesforce":{}}'])
def test_a_broken_state_file_stops_with_its_name(tmp_path, content):
    state_file = tmp_path / "state.json"
    state_file.write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.json is not a state file"), serving(scale=0, state_file=state_file):
        pass
    assert state_file.read_bytes() == content


def test_sigterm_ends_the_process_with_the_state_written(tmp_path):
    state_file = tmp_path / "state.json"
    code = (
        "import pathlib, sys; from connector.sandbox.server import SandboxOptions, run;"
        "run(SandboxOptions(scale=0, state_file=pathlib.Path(sys.argv[1])))"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(state_file)], stdout=subprocess.PIPE) as process:
        connection = orjson.loads(process.stdout.readline())
        _stripe(connection, "POST", "/v1/customers", name="Ada")
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
        assert process.stdout.read() == b""
    assert b"Ada" in state_file.read_bytes()


def test_counters_are_kept_per_side():
    with serving(scale=0) as connection:
        _stripe(connection, "POST", "/v1/customers", name="Ada")
        counters = requests.get(connection["stripe"]["api_base"] + "/_sandbox/counters", timeout=TIMEOUT_S).json()
        assert (counters["requests"], counters["writes"]) == (1, 1)
        there = requests.get(connection["salesforce"]["instance_url"] + "/_sandbox/counters", timeout=TIMEOUT_S).json()
        assert there["writes"] == 0


def test_an_org_is_served_by_name_with_the_stripe_account_that_belongs_to_it():
    with serving(scale=1, org="fresh") as fresh:
        assert _salesforce(fresh, "/query?q=SELECT+Id+FROM+SBQQ__Quote__c").status_code == 400
        assert _count_accounts(fresh) == 12
        assert fresh["stripe"]["api_key"].startswith("sk_test_")
    with serving(scale=0, org="sandbox-with-live-key") as live:
        assert live["stripe"]["api_key"].startswith("sk_live_")
        rows = _salesforce(live, "/query?q=SELECT+IsSandbox+FROM+Organization").json()["records"]
        assert [row["IsSandbox"] for row in rows] == [True]


def test_the_version_clients_are_told_may_be_retired():
    with serving(scale=0, org="retired-version") as connection:
        assert _salesforce(connection, "/limits").status_code == 410


def test_a_state_file_belongs_to_one_org(tmp_path):
    state_file = tmp_path / "state.json"
    with serving(scale=0, org="fresh", state_file=state_file):
        pass
    with pytest.raises(ValueError, match="'fresh'"), serving(scale=0, state_file=state_file):
        pass


def test_the_command_lists_the_orgs_and_refuses_others():
    listed = CliRunner().invoke(sandbox, ["serve", "--list-orgs"])
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [scenario.name for scenario in SCENARIOS]
    refused = CliRunner().invoke(sandbox, ["serve", "--org", "nope"])
    assert refused.exit_code == 2
    assert "two-collectors" in refused.output


def test_the_calls_of_the_day_are_as_many_as_was_said():
    with serving(scale=0, daily_calls=700) as connection:
        access = connection["salesforce"]
        reply = requests.get(
            f"{access['instance_url']}/services/data/v{access['api_version']}/limits",
            headers={"Authorization": f"Bearer {access['access_token']}"},
            timeout=TIMEOUT_S,
        )
        assert reply.headers["Sforce-Limit-Info"].endswith("/700")
