"""The image, built by podman from the file as it is shipped: it is what the file promises, and the service lives in it.

The base comes from the machine's own images, by the name in the Containerfile or in CONNECTOR_TEST_BASE_IMAGE: `base.sh` makes one
where there is no registry. How podman runs here (storage, runtime) is the machine's business: CONTAINERS_CONF.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
import uuid

import pytest
import requests

from tests.acceptance.program import ROOT, TIMEOUT_S, Program, pairs, sandbox
from tests.support.ports import kept_port

CONTAINER = ROOT / "deploy/container/Containerfile"
SETTING = "CONNECTOR_TEST_BASE_IMAGE"
BASE = os.environ.get(SETTING) or re.search(r"^ARG BASE=(\S+)", CONTAINER.read_text(), re.MULTILINE)[1]
#: a stop must end within this, of the 40 s it is given
STOPS_WITHIN_S = 30
#: as deploy/container/compose.yaml has every process of ours
SHUT_IN = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=host"]


def podman(*arguments, check=True):
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False, timeout=1200)
    assert not check or done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout.strip()


def why_not():
    """What is missing to build and run it; empty when nothing is."""
    if shutil.which("podman") is None:
        return "podman is not installed"
    if subprocess.run(["podman", "image", "exists", BASE], capture_output=True, check=False).returncode:
        return f"no image {BASE} here ({SETTING}, tests/deploy/base.sh)"
    tried = subprocess.run(["podman", "run", "--rm", BASE, "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"podman runs nothing here: {tried.stderr.strip()}"


@pytest.fixture(scope="module")
def image():
    if reason := why_not():
        pytest.skip(reason)
    name = f"localhost/connector-tried:{uuid.uuid4().hex[:12]}"
    build = ["build", "--format=docker", f"--build-arg=BASE={BASE}", "--network=host", f"--file={CONTAINER}"]
    podman(*build, "--volume=/etc/ssl/certs:/etc/ssl/certs:ro", f"--tag={name}", str(ROOT))
    yield name
    podman("rmi", "--force", name)


def test_it_is_not_root_and_every_module_is_compiled(image):
    inside = ["run", "--rm", *SHUT_IN, "--entrypoint=sh", image, "-c"]
    assert podman(*inside, "id -u") == "10001"
    assert podman(*inside, "stat -c '%u %a' /var/lib/connector; ls -A /var/lib/connector") == "10001 700"
    count = "find /opt/connector/.venv/lib -name '*.{}' | wc -l"
    sources, compiled = (int(podman(*inside, count.format(ending))) for ending in ("py", "pyc"))
    assert 0 < sources <= compiled


def test_the_service_lives_in_it_stops_when_told_and_finds_its_memory_again(tmp_path, image):
    volume = f"tried-{uuid.uuid4().hex[:12]}"
    with sandbox(tmp_path, "--stripe-rate", "0") as box:
        settings = Program.for_sandbox(tmp_path / "home", box).settings
        del settings["CONNECTOR_HOME"]
        ops = kept_port()
        settings |= {
            "CONNECTOR_WEB__WEBHOOK_LISTEN": f"127.0.0.1:{kept_port()}",
            "CONNECTOR_WEB__OPS_LISTEN": f"127.0.0.1:{ops}",
        }
        try:
            with running(image, volume, settings) as name:
                until(lambda: requests.get(f"http://127.0.0.1:{ops}/readyz", timeout=5).ok, name)
                until(lambda: len(pairs(box)[0]["invoices"]) > 10, name)
                assert podman("exec", name, "sh", "-c", "touch /opt/connector/x || echo refused") == "refused"
                status = podman("exec", name, "cat", "/proc/1/status")
                assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
                assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
                until(lambda: is_at_rest(ops), name)
                since = time.monotonic()
                podman("stop", "--time=40", name)
                assert time.monotonic() - since < STOPS_WITHIN_S
                assert podman("inspect", name, "--format={{.State.ExitCode}}") == "0"
            before = box.writes()
            with running(image, volume, settings) as name:
                # a second look at everything, by a process that knows it already
                until(lambda: is_at_rest(ops) and "poll" in health(ops)["jobs"], name)
                assert box.writes() == before
        finally:
            podman("volume", "rm", "--force", volume)


@contextlib.contextmanager
def running(image, volume, settings):
    """Its name, while it runs."""
    given = [f"--env={name}={value}" for name, value in settings.items()]
    name = podman("run", "--detach", *SHUT_IN, f"--volume={volume}:/var/lib/connector", *given, image)
    try:
        yield name
    finally:
        podman("rm", "--force", "--time=0", name)


def health(ops):
    return requests.get(f"http://127.0.0.1:{ops}/healthz", timeout=30).json()


def is_at_rest(ops):
    told = health(ops)
    return told["unresolved"] == 0 and sum(stream["waiting"] for stream in told["streams"]) == 0


def until(condition, name):
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        with contextlib.suppress(requests.RequestException):
            if condition():
                return
        assert time.monotonic() < deadline, podman("logs", name)
        time.sleep(0.2)
