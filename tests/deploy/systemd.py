"""A systemd of the test's own, in namespaces of its own: the unit as it is shipped runs under what it asks for."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "deploy/systemd/connector.service"
CONTROL = SHIPPED.with_name("connectorctl")
#: the sandbox signs in this way
BY_SECRET = SHIPPED.with_name("client-credentials.conf")
BOOT = Path(__file__).with_name("boot.sh")
SYSTEMD = Path("/lib/systemd/systemd")
PATIENCE_S = 120
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "--kill-child")
#: what boot.sh mounts, tried where it leaves nothing behind
_TRIED = """set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
mount -t sysfs sysfs /mnt/root/sys
mount -t cgroup2 cgroup /mnt/root/sys/fs/cgroup
"""
#: stands where the installation's interpreter does, and becomes this test's: the unit's line is run as it is
_PYTHON = """#!/bin/sh
export LD_LIBRARY_PATH=/opt/python/lib PYTHONPATH=/opt/connector/source:/opt/connector/packages
exec /opt/python/bin/python3 "$@"
"""


@cache
def why_not():
    """What this machine lacks to boot one; empty when it can."""
    if not SYSTEMD.exists() or not all(shutil.which(program) for program in ("unshare", "nsenter")):
        return "no systemd, unshare or nsenter here"
    if os.geteuid() != 0:
        return "only root may make the namespaces"
    tried = subprocess.run([*NAMESPACES, "/bin/sh", "-c", _TRIED], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"this machine forbids a mount: {tried.stderr.strip()}"


@dataclass
class Machine:
    """One that runs. `init` is its first process, by the number it has outside."""

    init: int

    def run(self, *command, check=True):
        inside = ["nsenter", "--target", str(self.init), "--all", "--root", "--wd", *command]
        done = subprocess.run(inside, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}\n{self.journal()}"
        return done.stdout

    def journal(self):
        inside = [
            "nsenter",
            "--target",
            str(self.init),
            "--all",
            "--root",
            "--wd",
            "journalctl",
            "--no-pager",
            "-n",
            "80",
            "-u",
            "connector",
        ]
        return subprocess.run(inside, capture_output=True, text=True, check=False).stdout

    def shown(self, *names):
        """Properties of the unit."""
        lines = self.run("systemctl", "show", "connector", f"--property={','.join(names)}").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, self.journal()
            time.sleep(0.1)


@contextlib.contextmanager
def booted(folder, *, settings, credentials):
    """The unit's installation in place: its settings in connector.env, its credentials beside them."""
    etc, interpreter, units, programs = folder / "etc", folder / "bin", folder / "units", folder / "sbin"
    for made in (etc, interpreter, units, programs):
        made.mkdir()
    (etc / "connector.env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    for name, content in credentials.items():
        (etc / name).write_text(content)
        (etc / name).chmod(0o600)
    (interpreter / "python").write_text(_PYTHON)
    (interpreter / "python").chmod(0o755)
    shutil.copy(SHIPPED, units)
    (units / "connector.service.d").mkdir()
    shutil.copy(BY_SECRET, units / "connector.service.d")
    shutil.copy(CONTROL, programs)
    binds = {
        etc: "/etc/connector",
        units: "/etc/systemd/system",
        interpreter: "/opt/connector/.venv/bin",
        programs: "/usr/local/sbin",
        ROOT: "/opt/connector/source",
        sysconfig.get_paths()["purelib"]: "/opt/connector/packages",
        sys.base_prefix: "/opt/python",
    }
    words = {"BIND": " ".join(f"{source}:{target}" for source, target in binds.items()), "PATH": os.environ["PATH"]}
    process = subprocess.Popen([*NAMESPACES, "/bin/sh", str(BOOT)], env=words, start_new_session=True)
    try:
        machine = Machine(_child_of(process))
        machine.until(
            lambda: machine.run("systemctl", "is-system-running", check=False).strip() in {"running", "degraded"}
        )
        yield machine
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=PATIENCE_S)


def _child_of(process):
    """Its number; skips where the machine let the probe's mounts pass and not these."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + PATIENCE_S
    while not (found := children.read_text().split()):
        if process.poll() is not None:
            pytest.skip("the unit is not run: this machine forbids a mount of boot.sh")
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int(found[0])
