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


@pytest.fixture(scope="session")
def _shared_box(tmp_path_factory):
    with sandbox(tmp_path_factory.mktemp("shared"), "--stripe-rate", "0") as started:
        yield started


@pytest.fixture
def untouched(_shared_box):
    """An org and an account that nobody writes to: all who ask for them share them, and it is looked after."""
    before = _shared_box.writes()
    yield _shared_box
    assert _shared_box.writes() == before, "a test that writes needs a box of its own"
