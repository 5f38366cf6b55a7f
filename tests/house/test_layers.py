"""Imports point downward only; the contracts stand in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT


def test_the_contracts_are_kept():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
    assert "5 kept" in done.stdout


def test_help_loads_nothing_heavy():
    """performance.md 8: these cost a third of a second each, and --help needs none of them."""
    heavy = (
        "stripe",
        "simple_salesforce",
        "requests",
        "sqlalchemy",
        "alembic",
        "structlog",
        "rich",
        "pydantic",
        "pydantic_settings",
        "starlette",
        "waitress",
        "lark",
        "yaml",
        "jinja2",
    )
    script = (
        "import sys\n"
        "from connector.cli.main import run\n"
        "for arguments in (['--help'], ['sync', '--help'], ['demo', '--help'], ['sandbox', 'serve', '--help']):\n"
        "    assert run(arguments) == 0\n"
        "print('LOADED', *sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split()[1:])
    assert "click" in loaded
    assert loaded.isdisjoint(heavy), sorted(loaded.intersection(heavy))
