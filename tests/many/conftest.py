"""A database that many processes share, and installations that use it."""

from __future__ import annotations

import os

import pytest

from tests.acceptance.program import Program, sandbox
from tests.many.gate import Gate
from tests.support.postgres import fresh_database


@pytest.fixture
def database_url(postgres_server, request):
    with fresh_database(postgres_server, f"many_{os.getpid()}_{abs(hash(request.node.name)) % 10**6}") as url:
        yield url.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
def box(tmp_path):
    with sandbox(tmp_path, "--stripe-rate", "0") as served:
        yield served


@pytest.fixture
def program(tmp_path, box):
    """One process is the whole service."""
    return Program.for_sandbox(tmp_path / "home", box)


@pytest.fixture
def shared(program, database_url):
    """Any number of processes are."""
    settings = {"CONNECTOR_DATABASE__URL": database_url, "CONNECTOR_DISPATCH": "procrastinate"}
    return Program(program.home, {**program.settings, **settings})


@pytest.fixture
def make_gate(box):
    gates = []

    def make():
        gates.append(Gate(box.stripe["api_base"]))
        return gates[-1]

    yield make
    for gate in gates:
        gate.close()
