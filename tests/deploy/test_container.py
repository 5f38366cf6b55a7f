"""The container file and the composition: what hadolint says, and what this page promises of every process in them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from connector.cli.main import cli
from connector.config.settings_names import leaves

ROOT = Path(__file__).resolve().parents[2]
CONTAINER = ROOT / "deploy/container/Containerfile"
COMPOSE = ROOT / "deploy/container/compose.yaml"
HADOLINT = Path(sys.executable).with_name("hadolint")

SERVICES = yaml.safe_load(COMPOSE.read_text())["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "connector")


@pytest.mark.skipif(not HADOLINT.exists(), reason="no hadolint for this system")
def test_hadolint_has_nothing_to_say_of_the_container_file(tmp_path):
    assert subprocess.run([HADOLINT, CONTAINER], capture_output=True, text=True, check=False).stdout == ""
    # and would have
    bad = tmp_path / "Containerfile"
    bad.write_text(CONTAINER.read_text() + "RUN sudo id\n")
    assert subprocess.run([HADOLINT, bad], capture_output=True, check=False).returncode != 0


def test_the_container_installs_only_what_has_a_hash_compiles_it_and_is_not_root():
    text = CONTAINER.read_text()
    assert "--require-hashes --compile" in text
    assert "compileall" in text
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001$", last, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", last, re.MULTILINE)


@pytest.mark.parametrize("name", OURS)
def test_a_process_of_ours_is_shut_in(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", OURS)
def test_the_home_of_a_process_of_ours_is_the_image_s_volume_which_is_its_own(name):
    """A tmpfs over it would be root's: podman takes no owner for one."""
    assert SERVICES[name]["tmpfs"] == ["/tmp"]
    assert re.search(r"--owner=10001 .*--mode=0700 /var/lib/connector$", CONTAINER.read_text(), re.MULTILINE)


def test_the_database_is_healthy_only_once_it_can_be_reached():
    """PostgreSQL's image makes its database with a server that listens on the socket alone."""
    assert "--host=127.0.0.1" in SERVICES["database"]["healthcheck"]["test"]


@pytest.mark.parametrize("name", OURS)
def test_a_process_of_ours_is_given_settings_and_a_command_that_exist(name):
    known = {leaf.variable for leaf in leaves()}
    assert {key for key in SERVICES[name]["environment"] if key.startswith("CONNECTOR_")} <= known
    answer = CliRunner().invoke(cli, [*SERVICES[name]["command"], "--help"])
    assert answer.exit_code == 0, answer.output


def test_every_role_is_there_and_the_clock_twice():
    roles = {tuple(service["command"]) for name, service in SERVICES.items() if name in OURS}
    assert roles == {("db", "upgrade"), *(("run", "--role", role) for role in ("web", "worker", "clock"))}
    assert SERVICES["clock"]["deploy"]["replicas"] >= 2


def test_no_secret_stands_in_the_composition():
    for service in SERVICES.values():
        for key, value in service["environment"].items():
            if re.search("PASSWORD|SECRET|KEY|URL", key):
                assert "/run/secrets/" in value, key


def test_only_this_machine_reaches_what_is_published():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def _compose():
    """The real program, in either of its forms; None when it is not here."""
    if shutil.which("docker"):
        done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if done.returncode == 0:
            return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


@pytest.mark.skipif(_compose() is None, reason="no docker compose here")
def test_docker_compose_reads_it(tmp_path):
    # it looks for the file of settings, which is the user's
    copy = tmp_path / "compose.yaml"
    copy.write_text(COMPOSE.read_text())
    (tmp_path / "settings.env").write_text("CONNECTOR_GO_LIVE=2026-11-01\n")
    done = subprocess.run([*_compose(), "-f", copy, "config", "--quiet"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
