"""Sandboxes and installations for the acceptance tests."""

from __future__ import annotations

import pytest

from tests.acceptance.program import Program, sandbox


@pytest.fixture
def box(tmp_path):
    """A fresh org and account, without a request limit so that tests are quick."""
    with sandbox(tmp_path, "--stripe-rate", "0") as started:
        yield started


@pytest.fixture
def program(tmp_path, box):
    return Program.for_sandbox(tmp_path / "home", box)
