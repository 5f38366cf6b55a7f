"""The wheel is whole: installed elsewhere it finds its mappings, settings, schema and metadata."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest

from tests.house.tree import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_it_carries_code_and_data(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "connector/__main__.py",
        "connector/_share/mappings/cpq-billing/pack.yaml",
        "connector/_share/config/retry.yaml",
        "connector/_share/salesforce/README.md",
        "connector/data/salesforce/schema/blng__Invoice__c.json",
        "connector/data/stripe/spec.json.gz",
        "connector/store/migrations/env.py",
    ):
        assert name in names
    assert not any(name.startswith(("tests/", "bench/", "tools/")) for name in names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_it_runs_away_from_the_repository(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CONNECTOR_", "PYTHON"))}
    environment = {**clean, "PYTHONPATH": str(tmp_path / "installed"), "PYTHONSAFEPATH": "1"}
    for arguments in (["mapping", "check"], ["mapping", "test"], ["config", "show"]):
        done = subprocess.run(
            [sys.executable, "-m", "connector", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert str(ROOT) not in done.stdout
