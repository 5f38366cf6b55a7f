"""The unit as it is shipped: how far it is shut in, and that the program lives in there."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import requests

from tests.acceptance.program import Program, pairs, sandbox
from tests.deploy.systemd import SHIPPED, booted, why_not
from tests.support.ports import kept_port

#: of ten, as `systemd-analyze security` counts: tenths
EXPOSED_AT_MOST = 15

needs_systemd = pytest.mark.skipif(bool(why_not()), reason=f"the unit is not run: {why_not()}")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_it_is_shut_in_as_far_as_is_promised():
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSED_AT_MOST}", str(SHIPPED)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]


@pytest.fixture
def box(tmp_path):
    with sandbox(tmp_path, "--stripe-rate", "0") as served:
        yield served


def installation(tmp_path, box, **changes):
    """Settings and credentials as docs/service.md has them, for this sandbox."""
    settings = Program.for_sandbox(tmp_path / "home", box).settings
    ops = kept_port()
    settings |= {
        "CONNECTOR_WEB__WEBHOOK_LISTEN": f"127.0.0.1:{kept_port()}",
        "CONNECTOR_WEB__OPS_LISTEN": f"127.0.0.1:{ops}",
        "CONNECTOR_RUN__LEASE_S": "15",
        **changes,
    }
    for told_by_the_unit in ("CONNECTOR_HOME", "CONNECTOR_STRIPE__API_KEY", "CONNECTOR_SALESFORCE__CLIENT_SECRET"):
        del settings[told_by_the_unit]
    credentials = {
        "stripe.key": box.stripe["api_key"],
        "webhook.secret": "whsec_of_the_unit",
        "salesforce.secret": box.salesforce["client_secret"],
    }
    return settings, credentials, f"http://127.0.0.1:{ops}"


@needs_systemd
def test_the_program_lives_under_its_filters_is_started_again_when_killed_and_stops_when_told(tmp_path, box):
    settings, credentials, ops = installation(tmp_path, box)
    with booted(tmp_path, settings=settings, credentials=credentials) as machine:
        machine.run("systemd-analyze", "verify", "/etc/systemd/system/connector.service")
        machine.run("systemctl", "start", "connector")
        assert_shut_in(machine)
        machine.until(lambda: len(pairs(box)[0]["invoices"]) > 10)
        assert requests.get(f"{ops}/livez", timeout=30).status_code == 200
        told = json.loads(machine.run("connectorctl", "status", "--json", check=False).splitlines()[-1])
        assert told.get("service", {}).get("held_by"), told
        assert box.stripe["api_key"] not in machine.run("connectorctl", "config", "show")

        machine.run("systemctl", "kill", "--signal=KILL", "connector")
        machine.until(lambda: machine.shown("NRestarts", "SubState") == {"NRestarts": "1", "SubState": "running"})

        machine.run("systemctl", "stop", "connector")
        ended = machine.shown("ActiveState", "Result", "ExecMainStatus")
        assert ended == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}, machine.journal()
        assert "asked to" in machine.journal()
    for table in (*pairs(box)[0].values(), *pairs(box)[1].values()):
        marks, mates = [mark for mark, _ in table], [mate for _, mate in table]
        assert len(marks) == len(set(marks))
        assert len(mates) == len(set(mates))


@needs_systemd
def test_a_wrong_setting_is_not_started_again_and_again(tmp_path, box):
    settings, credentials, _ = installation(tmp_path, box, CONNECTOR_GO_LIVE="some day")
    with booted(tmp_path, settings=settings, credentials=credentials) as machine:
        machine.run("systemctl", "start", "connector", check=False)
        machine.until(lambda: machine.shown("ActiveState")["ActiveState"] == "failed")
        assert machine.shown("NRestarts", "ExecMainStatus") == {"NRestarts": "0", "ExecMainStatus": "64"}
        assert "CONNECTOR_GO_LIVE" in machine.journal()


def assert_shut_in(machine):
    """What the kernel itself says of the process."""
    pid = machine.shown("MainPID")["MainPID"]
    status = dict(line.split(":\t", 1) for line in machine.run("cat", f"/proc/{pid}/status").splitlines())
    assert status["Seccomp"] == "2"
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) == 0
    assert status["Uid"].split()[0] != "0"
    # ProtectHome: what is there outside is not, in there
    assert machine.run("ls", "-A", "/root") != ""
    assert machine.run("nsenter", "--target", pid, "--mount", "--root", "ls", "-A", "/root", check=False) == ""
