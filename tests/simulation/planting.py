"""Runs named tests with a bug in place, each in a child of its own: `python -m tests.simulation.planting`.

Reads places in the table `PLANTED`, one a line, and answers each with pytest's exit code. The children are
forked before any test module is imported, so that what a test imports by name is the planted one. What no bug
touches, libraries and the sandbox, is there already.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys

import pytest

from tests.simulation.planted import PLANTED

#: what the web is made of came with the bug, and is a plugin of pytest's as well
_OPTIONS = ("-q", "-x", "-p", "no:xdist", "-p", "no:randomly", "-W", "ignore:Module already imported")
_UNTOUCHED = (
    "hypothesis.strategies",
    "requests",
    "simple_salesforce",
    "starlette.applications",
    "stripe",
    "uvicorn",
    "connector.sandbox.server",
)


def load_what_is_untouched() -> None:
    for name in _UNTOUCHED:
        importlib.import_module(name)
    clock = importlib.import_module("connector.sandbox.clock").SystemClock()
    # with what they look up once for all of their kind
    importlib.import_module("connector.sandbox.salesforce.org").Org(clock=clock, seed=1)
    importlib.import_module("connector.sandbox.stripe.account").Account(clock=clock, seed=1)
    gc.freeze()


def exit_code(place: int) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    planted = PLANTED[place]
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    code = 70
    try:
        planted.plant(pytest.MonkeyPatch())
        code = int(pytest.main([*_OPTIONS, planted.test]))
    finally:
        os._exit(code)


if __name__ == "__main__":
    load_what_is_untouched()
    for line in sys.stdin:
        print(exit_code(int(line)), flush=True)
